"""GloVe that goes on from given vectors: where they start, that absent and frozen words keep theirs to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mt2st.embedding import WordVectors, train_glove
from mt2st.embedding.glove.counting import ENTRY, Cooccurrences
from mt2st.embedding.glove.tables import GloveTables, TargetSource, update
from mt2st.errors import InputError
from mt2st.text import Corpus, Tokeniser

TEXTS = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"] * 40
ODD = np.nextafter(np.float32(0), np.float32(1))
"""The smallest float32, which has no half."""


@pytest.fixture
def corpus() -> Corpus:
    return Corpus.build(TEXTS, tokeniser=Tokeniser(), min_count=1)


@pytest.fixture
def given() -> WordVectors:
    vectors = np.random.default_rng(0).normal(size=(5, 20)).astype(np.float32)
    vectors[0, :4] = 3 * ODD, ODD, -0.0, 0.0
    return WordVectors(["cat", "bird", "mat", "dog", "wing"], vectors)


def bits(vectors: NDArray[np.float32]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(vectors).view(np.uint32)


def test_both_parts_start_from_a_half_and_their_sum_is_the_vector_to_the_bit(given: WordVectors) -> None:
    tables = GloveTables.fresh(9, 20, seed=1)
    before = tables.words.copy()
    rows = np.array([8, 2, 0, 5, 7])
    tables.place(given.vectors, rows)
    np.testing.assert_array_equal(bits(tables.words[rows] + tables.contexts[rows]), bits(given.vectors))
    np.testing.assert_allclose(tables.words[rows], given.vectors / 2, atol=2 * ODD)
    others = [1, 3, 4, 6]
    np.testing.assert_array_equal(tables.words[others], before[others])


@pytest.mark.parametrize("workers", [1, 3])
def test_known_words_stay_to_the_bit_while_new_ones_learn(corpus: Corpus, given: WordVectors, workers: int) -> None:
    after = train_glove(corpus, init_vectors=given, frozen="known", epochs=5, workers=workers)
    assert after.vector_size == 20
    assert after.index_to_key[-2:] == ["bird", "wing"]
    np.testing.assert_array_equal(bits(after[given.index_to_key]), bits(given.vectors))
    untrained = train_glove(corpus, init_vectors=given, frozen="known", epochs=1, learning_rate=1e-30)
    assert (after["sat"] != untrained["sat"]).any()


def test_only_the_words_named_are_frozen_and_absent_ones_are_as_they_were(corpus: Corpus, given: WordVectors) -> None:
    after = train_glove(corpus, init_vectors=lambda: given, frozen=["cat"], epochs=5)
    np.testing.assert_array_equal(bits(after[["cat", "bird", "wing"]]), bits(given[["cat", "bird", "wing"]]))
    assert (after["dog"] != given["dog"]).all()


def test_going_on_lowers_the_loss_faster_than_a_new_start(corpus: Corpus) -> None:
    def loss_after(epochs: int, start: WordVectors | None) -> float:
        seen: list[float] = []
        train_glove(corpus, epochs=epochs, x_max=10, init_vectors=start, progress=lambda p: seen.append(p.mean_loss))
        return seen[-1]

    first = train_glove(corpus, epochs=60, x_max=10)
    assert loss_after(5, first) < 0.95 * loss_after(5, None)  # the biases, which begin anew, are most of it here


def test_an_update_moves_what_is_not_frozen_as_if_nothing_were() -> None:
    entries = np.array([(0, 1, 3.0)], dtype=ENTRY)  # two steps: W[0] and C[1], then W[1] and C[0]
    (part,) = TargetSource(Cooccurrences(entries, 3, diagonal=0)).slices(0, 0, 2)
    free, held = GloveTables.fresh(3, 17, seed=2), GloveTables.fresh(3, 17, seed=2)
    start = GloveTables.fresh(3, 17, seed=2)
    update(free, part)
    update(held, part, frozen=np.array([True, False, False]))
    for name, frozen_row in (("words", True), ("contexts", True), ("word_squares", True), ("context_squares", True)):
        np.testing.assert_array_equal(held.arrays()[name][0], start.arrays()[name][0], err_msg=str(frozen_row))
        np.testing.assert_array_equal(held.arrays()[name][1:], free.arrays()[name][1:])
    for name in ("word_biases", "context_biases"):
        np.testing.assert_array_equal(held.arrays()[name], free.arrays()[name])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"vector_size": 7}, "the given vectors have 20 dimensions, but vector_size is 7"),
        ({"frozen": ["catt"]}, "1 of the 1 frozen words have no given vector, 'catt' first"),
        ({"init_vectors": None, "frozen": "known"}, "frozen words need the vectors that they keep"),
        (
            {"init_vectors": WordVectors(["Hund"], np.ones((1, 20)))},
            "none of the 1 words of the given vectors is among",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    corpus: Corpus, given: WordVectors, more: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        train_glove(corpus, **{"init_vectors": given, **more})  # type: ignore[arg-type]


def test_frozen_must_be_one_for_each_word() -> None:
    (part,) = TargetSource(Cooccurrences(np.array([(0, 1, 3.0)], dtype=ENTRY), 3, diagonal=0)).slices(0, 0, 2)
    with pytest.raises(InputError, match=r"frozen must be bool, one for each of the 3 words; found bool \[2\]"):
        update(GloveTables.fresh(3, 4, seed=0), part, frozen=np.zeros(2, dtype=np.bool_))
