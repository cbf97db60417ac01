from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from benchmarks.linear_baselines import log_count_ratio
from hypothesis import given
from hypothesis import strategies as st
from mt2st.network.ngram_scores import SCALE
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import nn

from mt2st.network import Network, NgramScores
from mt2st.network.encoders import Mean
from mt2st.tasks import ClassificationTask, Texts
from mt2st.tasks.classification import Labelled

texts = st.lists(st.integers(1, 9), min_size=1, max_size=12)


def grams(text: list[int], longest: int) -> set[tuple[int, ...]]:
    return {tuple(text[at : at + n]) for n in range(1, longest + 1) for at in range(len(text) - n + 1)}


def row_of(layer: NgramScores, gram: tuple[int, ...]) -> int:
    """The row of an n-gram: the last one that a text of this n-gram alone has."""
    return int(layer._rows(torch.tensor([gram]))[0, -1])


@given(text=texts, longest=st.integers(1, 3), padding=st.integers(0, 4))
def test_a_text_scores_the_sum_of_its_different_n_grams_over_the_root_of_their_number(
    text: list[int], longest: int, padding: int
) -> None:
    layer = NgramScores(3, longest, buckets=2**16)
    with torch.no_grad():
        layer.table.copy_(torch.randn(layer.table.shape, generator=torch.Generator().manual_seed(1)))
    # Two n-grams in one row count as one.
    rows = {row_of(layer, gram) for gram in grams(text, longest)}
    expected = SCALE * layer.table[sorted(rows)].sum(dim=0) / math.sqrt(len(rows))
    scores = layer(torch.tensor([text + [0] * padding]))[0]
    torch.testing.assert_close(scores, expected, atol=1e-4, rtol=1e-5)


def weighed(
    rows: list[list[int]],
    of_classes: NDArray[np.bool_],
    longest: int,
    size: int = 3,
    weights: NDArray[np.float32] | None = None,
) -> tuple[NgramScores, list[set[int]]]:
    """A layer that knows the ratios of texts, and the rows of the n-grams of each."""
    layer = NgramScores(of_classes.shape[1], longest, buckets=2**16)
    of_rows = torch.ones(len(rows)) if weights is None else torch.from_numpy(weights)

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        for at in range(0, len(rows), size):
            part = rows[at : at + size]
            widest = max(map(len, part))
            yield (
                torch.tensor([row + [0] * (widest - len(row)) for row in part]),
                torch.from_numpy(of_classes)[at:][:size],
                of_rows[at : at + size],
            )

    layer.weigh(batches())
    return layer, [{row_of(layer, gram) for gram in grams(row, longest)} for row in rows]


def ratios_of(layer: NgramScores, rows: list[int]) -> NDArray[np.float32]:
    assert layer.ratios is not None
    return layer.ratios[rows].numpy()


@given(data=st.data(), longest=st.integers(1, 2), size=st.integers(1, 5))
def test_a_ratio_tells_by_how_much_an_n_gram_raises_the_odds_of_a_class(
    data: st.DataObject, longest: int, size: int
) -> None:
    rows = data.draw(st.lists(texts, min_size=3, max_size=8))
    labels = st.lists(st.booleans(), min_size=3, max_size=3)
    of_classes = np.array([data.draw(labels) for _ in rows])
    layer, found = weighed(rows, of_classes, longest, size)
    everything = sum(map(len, found))
    for number in range(3):
        share = (
            sum(len(each) for each, of_class in zip(found, of_classes[:, number], strict=True) if of_class) / everything
        )
        for row in set.union(*found):
            n = sum(row in each for each in found)
            n_c = sum(row in each for each, of_class in zip(found, of_classes[:, number], strict=True) if of_class)
            expected = 0.0
            if 0 < share < 1:
                odds = (n_c + 2 * share) / (n - n_c + 2 * (1 - share))
                expected = math.log(odds) - math.log(share / (1 - share))
            np.testing.assert_allclose(ratios_of(layer, [row])[0, number], expected, atol=1e-5)
    assert int((ratios_of(layer, list(range(2**16))) != 0).any(axis=1).sum()) <= len(set.union(*found))


@given(rows=st.lists(texts, min_size=1, max_size=6), longest=st.integers(1, 2))
def test_ratios_of_two_even_classes_are_those_of_nb_svm(rows: list[list[int]], longest: int) -> None:
    both = rows + [[10 - word for word in row] for row in rows]  # as many n-grams again, of other words
    labels = np.arange(len(both)) >= len(rows)
    layer, found = weighed(both, np.stack([~labels, labels], axis=1), longest)
    occurring = sorted(set.union(*found))
    presences = csr_matrix([[float(each in of_text) for each in occurring] for of_text in found])
    expected = log_count_ratio(presences, labels)
    np.testing.assert_allclose(ratios_of(layer, occurring), np.stack([-expected, expected], axis=1), atol=1e-5)


def test_what_all_classes_have_in_common_is_worth_nothing_whatever_their_sizes() -> None:
    rows = [[1, 2]] * 90 + [[1, 3]] * 9 + [[1, 4]]
    classes = np.repeat([0, 1, 2], [90, 9, 1])
    layer, _ = weighed(rows, classes[:, np.newaxis] == np.arange(3), 1)
    common, of_most, of_few, of_one = (ratios_of(layer, [row_of(layer, (word,))])[0] for word in (1, 2, 3, 4))
    np.testing.assert_allclose(common, 0, atol=1e-5)
    assert (of_most.argmax(), of_few.argmax(), of_one.argmax()) == (0, 1, 2)
    assert min(of_most[0], of_few[1], of_one[2]) > 1


def test_a_text_counts_by_its_weight() -> None:
    rows, labels = [[1, 2], [1, 3], [2, 3, 4]], np.array([[True, False], [False, True], [True, True]])
    repeated, _ = weighed([rows[0], rows[0], rows[1]], labels[[0, 0, 1]], 2)
    by_weight, _ = weighed(rows, labels, 2, weights=np.array([2, 1, 0], dtype=np.float32))
    assert repeated.ratios is not None
    assert by_weight.ratios is not None
    torch.testing.assert_close(by_weight.ratios, repeated.ratios, atol=0, rtol=0)


def test_a_class_of_all_texts_has_ratios_of_0_though_weights_round() -> None:
    weights = np.random.default_rng(1).random(40, dtype=np.float32)
    layer, _ = weighed([[1, 2, 3, 4 + row % 5] for row in range(40)], np.ones((40, 1), dtype=bool), 2, weights=weights)
    assert layer.ratios is not None
    assert not layer.ratios.any()


def test_n_grams_count_by_their_ratios_which_become_a_part_of_the_table() -> None:
    torch.manual_seed(1)
    layer, plain = NgramScores(2, 2, buckets=1000), NgramScores(2, 2, buckets=1000)
    nn.init.normal_(layer.table)
    ids, classes = torch.tensor([[4, 5, 4, 0], [7, 6, 8, 9]]), torch.eye(2, dtype=torch.bool)
    layer.weigh([(ids, classes, torch.ones(2))])
    assert layer.ratios is not None
    plain.load_state_dict({"table": layer.table * layer.ratios})
    scores = layer(ids)
    torch.testing.assert_close(scores, plain(ids))
    assert layer.state_dict().keys() == {"table"}
    layer.fold()
    torch.testing.assert_close(layer(ids), scores)
    torch.testing.assert_close(layer.table, plain.table, atol=0, rtol=0)
    layer.fold()
    torch.testing.assert_close(layer.table, plain.table, atol=0, rtol=0)


def test_n_grams_find_rows_of_their_own() -> None:
    layer = NgramScores(2, 2)
    pairs = [(first, second) for first in range(1, 120) for second in range(1, 120)]
    rows = layer._rows(torch.tensor(pairs))
    used = len(set(rows[:, 2].tolist()))
    buckets, n = len(layer.table), len(pairs)
    expected = buckets * (1 - (1 - 1 / buckets) ** n)  # rows hit by as many darts
    assert used > 0.98 * expected
    assert len(set(rows[:, 0].tolist())) == 119


def test_other_texts_of_a_batch_and_their_padding_change_nothing() -> None:
    torch.manual_seed(1)
    layer = NgramScores(2, 2, buckets=1000)
    nn.init.normal_(layer.table)
    alone = [layer(torch.tensor([text])) for text in ([4, 5, 4, 5], [7])]
    together = layer(torch.tensor([[4, 5, 4, 5, 0, 0], [7, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6]]))
    torch.testing.assert_close(together[:2], torch.cat(alone))


def test_the_gradient_is_that_of_finite_differences() -> None:
    torch.manual_seed(1)
    layer = NgramScores(2, 2, buckets=50).double()
    ids = torch.tensor([[3, 4, 3, 0], [9, 9, 2, 1]])

    def scores(table: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, {"table": table}, (ids,))

    table = torch.randn(50, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(scores, (table,))
    layer.weigh([(ids, torch.eye(2, dtype=torch.bool), torch.ones(2))])
    assert torch.autograd.gradcheck(scores, (table,))


def test_with_pairs_of_words_a_network_learns_what_their_order_says_and_a_mean_cannot() -> None:
    ids = torch.tensor([[3, 4], [4, 3]] * 8)
    classes = torch.tensor([0, 1] * 8)

    def learned(longest: int) -> float:
        torch.manual_seed(1)
        network = Network(
            nn.Embedding(6, 4, padding_idx=0),
            Mean(4),
            {"task": nn.Linear(4, 2)},
            ngrams={"task": NgramScores(2, longest)},
        )
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.05)
        for _ in range(50):
            optimizer.zero_grad()
            sum(nn.functional.cross_entropy(each, classes) for each in network.scores("task", ids)).backward()
            optimizer.step()
        return float((network.logits("task", ids).argmax(dim=1) == classes).float().mean())

    assert learned(2) == 1.0
    assert learned(1) == 0.5


def test_it_begins_by_saying_nothing_and_stays_with_the_network_on_another_embedding() -> None:
    torch.manual_seed(1)
    network = Network(
        nn.Embedding(6, 4, padding_idx=0), Mean(4), {"task": nn.Linear(4, 2)}, ngrams={"task": NgramScores(2)}
    ).eval()
    ids = torch.tensor([[3, 4, 5]])
    of_head = network.heads["task"](network.encode(ids).pooled)
    torch.testing.assert_close(network.logits("task", ids), of_head / 2)
    assert network.on(nn.Embedding(9, 4, padding_idx=0)).ngrams is network.ngrams


def test_beside_n_grams_the_encoder_learns_to_the_bit_what_it_learns_alone() -> None:
    texts = Texts(np.array([3, 4, 4, 3, 5, 5, 3], dtype=np.int32), np.array([0, 2, 4, 7]))
    data = Labelled(texts, np.array([0, 1, 1]))
    task = ClassificationTask("task", data, 2, validation=None, batch_size=3, max_length=3)
    batch = task.batch(data, np.arange(3))

    def learned(ngrams: dict[str, NgramScores]) -> list[torch.Tensor]:
        torch.manual_seed(1)
        network = Network(nn.Embedding(6, 4, padding_idx=0), Mean(4), {"task": nn.Linear(4, 2)}, ngrams=ngrams)
        own = [*network.embedding.parameters(), *network.heads.parameters()]
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.05)
        for _ in range(5):
            optimizer.zero_grad()
            task.loss(network, batch).backward()
            optimizer.step()
        return [each.detach() for each in own]

    torch.testing.assert_close(learned({"task": NgramScores(2)}), learned({}), atol=0, rtol=0)
