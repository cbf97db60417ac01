from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mt2st.tasks import Texts
from mt2st.tasks.batch import by_length, shuffled
from mt2st.text import PAD, UNK, Corpus, Tokeniser


def texts_of(*documents: list[int]) -> Texts:
    ids = np.array([word for document in documents for word in document], dtype=np.int32)
    return Texts(ids, np.cumsum([0, *map(len, documents)], dtype=np.int64))


def test_texts_are_padded_behind_to_the_longest_of_the_batch() -> None:
    texts = texts_of([5, 6, 7], [8], [9, 9, 9, 9])
    assert texts.padded(np.array([1, 0]), 10).tolist() == [[8, PAD, PAD], [5, 6, 7]]


def test_texts_are_cut_at_the_longest_length_allowed() -> None:
    texts = texts_of([5, 6, 7, 8], [9])
    assert texts.padded(np.array([0, 1]), 2).tolist() == [[5, 6], [9, PAD]]


def test_a_text_without_a_token_becomes_one_unknown_word() -> None:
    texts = texts_of([], [5, 6], [])
    assert texts.padded(np.array([0, 1, 2]), 9).tolist() == [[UNK, PAD], [5, 6], [UNK, PAD]]
    assert texts.padded(np.array([2]), 9).tolist() == [[UNK]]


def test_the_first_texts_of_a_corpus_share_its_memory() -> None:
    corpus = Corpus.build(["a b", "c", "d e f"], tokeniser=Tokeniser(), min_count=1)
    texts = Texts.of(corpus, stop=2)
    assert len(texts) == 2
    assert texts.lengths.tolist() == [2, 1]
    assert np.shares_memory(texts.ids, corpus.ids)
    assert len(Texts.of(corpus)) == 3


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 9), st.integers(0, 99))
def test_shuffled_holds_each_index_once_in_batches_of_the_size(lengths: list[int], batch_size: int, seed: int) -> None:
    batches = list(shuffled(np.array(lengths, dtype=np.int64), batch_size, np.random.default_rng(seed)))
    assert sorted(np.concatenate([*batches, []]).tolist()) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch_size)
    assert sum(len(batch) < batch_size for batch in batches) <= 1


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(1, 9), st.integers(0, 99))
def test_shuffled_is_a_pure_function_of_its_generator(lengths: list[int], batch_size: int, seed: int) -> None:
    first, second = (
        [batch.tolist() for batch in shuffled(np.array(lengths), batch_size, np.random.default_rng(seed))]
        for _ in range(2)
    )
    assert first == second


def test_shuffled_orders_differ_between_generators() -> None:
    lengths = np.full(64, 5)
    orders = [np.concatenate(list(shuffled(lengths, 4, np.random.default_rng(seed)))).tolist() for seed in range(5)]
    assert len({tuple(order) for order in orders}) == 5


def test_shuffled_saves_most_of_the_padding() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 200, 2000)
    at_random = rng.permutation(2000).reshape(-1, 20)
    cost = sum(lengths[batch].max() * len(batch) for batch in shuffled(lengths, 20, rng))
    assert cost / lengths.sum() < 1.15 < 1.5 < sum(lengths[row].max() * 20 for row in at_random) / lengths.sum()


def test_short_and_long_batches_come_in_no_order() -> None:
    lengths = np.arange(1000)
    means = [lengths[batch].mean() for batch in shuffled(lengths, 10, np.random.default_rng(0))]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 99))
def test_by_length_goes_from_the_longest_text_to_the_shortest(lengths: list[int], most_tokens: int) -> None:
    batches = list(by_length(np.array(lengths, dtype=np.int64), most_tokens))
    order = np.concatenate([*batches, []]).astype(int)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert [lengths[index] for index in order] == sorted(lengths, reverse=True)
    padded = [max(1, lengths[batch[0]]) * len(batch) for batch in batches]
    assert all(size <= most_tokens or len(batch) == 1 for size, batch in zip(padded, batches, strict=True))
    after = [max(1, lengths[batch[0]]) * (len(batch) + 1) for batch in batches[:-1]]
    assert all(size > most_tokens for size in after)  # none is smaller than it might be
