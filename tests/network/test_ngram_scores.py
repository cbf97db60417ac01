from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from torch import nn

from mt2st.network import Network, NgramScores
from mt2st.network.encoders import Mean
from mt2st.network.ngram_scores import SCALE
from mt2st.study.nb_svm import log_count_ratio
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


@given(data=st.data(), longest=st.integers(1, 2), size=st.integers(1, 5))
def test_ratios_are_those_of_nb_svm(data: st.DataObject, longest: int, size: int) -> None:
    rows = data.draw(st.lists(texts, min_size=3, max_size=8))
    classes = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    layer = NgramScores(3, longest, buckets=2**16, ratios=True)
    members = torch.nn.functional.one_hot(torch.tensor(classes), 3)

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for at in range(0, len(rows), size):
            part = rows[at : at + size]
            longest_text = max(map(len, part))
            yield torch.tensor([row + [0] * (longest_text - len(row)) for row in part]), members[at : at + size]

    layer.weigh(batches())
    assert layer.ratios is not None
    found = [{row_of(layer, gram) for gram in grams(row, longest)} for row in rows]
    occurring = sorted(set.union(*found))
    presences = csr_matrix([[float(each in of_text) for each in occurring] for of_text in found])
    for number in range(3):
        expected = log_count_ratio(presences, np.array(classes) == number)
        np.testing.assert_allclose(layer.ratios[occurring, number].numpy(), expected, atol=1e-6)
    assert int((layer.ratios != 0).any(dim=1).sum()) <= len(occurring)


def test_n_grams_count_by_their_ratios() -> None:
    torch.manual_seed(1)
    layer, plain = NgramScores(2, 2, buckets=1000, ratios=True), NgramScores(2, 2, buckets=1000)
    nn.init.normal_(layer.table)
    ids = torch.tensor([[4, 5, 4, 0], [7, 6, 8, 9]])
    plain.load_state_dict({"table": layer.table})
    torch.testing.assert_close(layer(ids), plain(ids), atol=0, rtol=0)
    layer.weigh([(ids, torch.eye(2))])
    assert layer.ratios is not None
    plain.load_state_dict({"table": layer.table * layer.ratios})
    torch.testing.assert_close(layer(ids), plain(ids), atol=0, rtol=0)
    layer.weigh([(torch.cat([ids, ids.flip(0)]), torch.eye(2).repeat(2, 1))])  # which tells no class from another
    assert float(layer(ids).detach().abs().max()) < 1e-6


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
    layer = NgramScores(2, 2, buckets=50, ratios=True).double()
    ids = torch.tensor([[3, 4, 3, 0], [9, 9, 2, 1]])
    layer.weigh([(ids, torch.eye(2))])

    def scores(table: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, {"table": table}, (ids,))

    assert torch.autograd.gradcheck(scores, (torch.randn(50, 2, dtype=torch.float64, requires_grad=True),))


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
