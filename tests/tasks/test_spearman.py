from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from mt2st.errors import InputError
from mt2st.tasks import Judgements, SpearmanTask
from tests.tasks.relations_data import FreeTable, hold_out, judgements, random_table

HARD = 1e-9


def cosines(table: torch.Tensor, pairs: np.ndarray) -> np.ndarray:
    return torch.cosine_similarity(table[pairs[:, 0]], table[pairs[:, 1]]).numpy()


def test_the_loss_becomes_minus_spearman_of_cosines_and_scores() -> None:
    data, table = judgements(), random_table()
    score_of = dict(zip(map(tuple, data.ids.tolist()), data.scores, strict=True))
    task = SpearmanTask(data, softness=HARD, batch_size=20)
    for batch in list(task.batches(epoch=1, seed=1))[:5]:
        pairs = batch.pairs.numpy()
        scores = [score_of[tuple(pair)] for pair in pairs.tolist()]
        expected = spearmanr(cosines(table, pairs), scores).statistic
        assert task.loss(FreeTable(table), batch).item() == pytest.approx(-expected, abs=1e-9)


def test_algorithm_3_becomes_minus_spearman_of_the_vectors_elements() -> None:
    data, table = judgements(), torch.randn(200, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    task = SpearmanTask(data, softness=HARD, variant="elements", batch_size=20)
    batch = next(task.batches(epoch=1, seed=1))
    expected = np.mean([spearmanr(table[i].numpy(), table[j].numpy()).statistic for i, j in batch.pairs.tolist()])
    assert task.loss(FreeTable(table), batch).item() == pytest.approx(-expected, abs=1e-9)


@pytest.mark.parametrize("variant", ["judgements", "elements"])
def test_the_scale_of_the_vectors_does_not_matter(variant: Any) -> None:
    task = SpearmanTask(judgements(), variant=variant)
    batch, table = next(task.batches(epoch=1, seed=1)), random_table()
    losses = [task.loss(FreeTable(scale * table), batch).item() for scale in (0.01, 1.0, 100.0)]
    assert losses == pytest.approx([losses[1]] * 3, rel=1e-6)


def test_batches_are_of_one_set_and_have_every_pair_once() -> None:
    data = judgements()
    set_of = {tuple(pair): group for pair, group in zip(data.ids.tolist(), data.sets, strict=True)}
    task = SpearmanTask(data, batch_size=20)
    batches = list(task.batches(epoch=1, seed=1))
    assert sorted(tuple(pair) for batch in batches for pair in batch.pairs.tolist()) == sorted(set_of)
    for batch in batches:
        assert len({set_of[tuple(pair)] for pair in batch.pairs.tolist()}) == 1
        assert 20 <= len(batch.pairs) < 40, "none is left over that would be too small"


def test_sets_of_fewer_than_three_pairs_are_passed_over_where_scores_matter() -> None:
    ids = np.array([[2, 3], [4, 5], [6, 7], [8, 9], [10, 11]])
    data = Judgements(ids, np.arange(5.0), np.array([0, 0, 0, 1, 1]), ("three", "two"))
    seen = [batch.pairs.tolist() for batch in SpearmanTask(data).batches(epoch=1, seed=1)]
    assert [sorted(pairs) for pairs in seen] == [ids[:3].tolist()]
    assert SpearmanTask(data, variant="elements").n_batches == 1
    with pytest.raises(InputError, match="'spearman' needs at least 3 rows to learn from, found 2"):
        SpearmanTask(data.take(np.array([0, 1, 3, 4])))


def test_measures_are_spearmans_by_set() -> None:
    parts = hold_out(judgements(), 0.1)
    held_out = parts.held_out
    assert held_out is not None
    table = random_table()
    found = SpearmanTask(parts.train, held_out).evaluate(FreeTable(table))
    expected = {
        f"spearman {name}": spearmanr(cosines(table, held_out.ids[rows]), held_out.scores[rows]).statistic
        for name, rows in (("small", held_out.sets == 0), ("large", held_out.sets == 1))
    }
    assert found == pytest.approx(expected)
    by_elements = SpearmanTask(parts.train, held_out, variant="elements").evaluate(FreeTable(table))
    each = [spearmanr(table[i].numpy(), table[j].numpy()).statistic for i, j in held_out.ids]
    assert by_elements == pytest.approx({"element_spearman": np.mean(each)})


def test_equal_scores_give_no_correlation() -> None:
    data = judgements()
    flat = replace(data, scores=np.ones(len(data)))
    assert set(SpearmanTask(flat, flat).evaluate(FreeTable(random_table())).values()) == {0.0}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"softness": 0}, "softness must be a finite number above 0, found 0"),
        ({"variant": "letters"}, "variant must be one of 'judgements', 'elements', found 'letters'"),
        ({"batch_size": 2}, "needs a batch_size of at least 3, found 2"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SpearmanTask(judgements(), **wrong)
