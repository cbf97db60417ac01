from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from mt2st.errors import FewRowsWarning, InputError
from mt2st.tasks import Lexicon, MisalignmentTask
from mt2st.tasks.misalignment import shifted_partners, wrong_partners
from mt2st.tasks.relations import pair_keys
from tests.tasks.relations_data import FreeTable, hold_out, lexicon, random_table


def cosine(table: np.ndarray, i: int, j: int) -> float:
    return float(table[i] @ table[j] / np.linalg.norm(table[i]) / np.linalg.norm(table[j]))


@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("raw", [False, True])
def test_the_loss_is_minus_aligned_plus_gamma_times_misaligned(gamma: float, raw: bool) -> None:
    task = MisalignmentTask(lexicon(), gamma=gamma, raw=raw, batch_size=9)
    batch, table = next(task.batches(epoch=1, seed=1)), random_table()
    t = table.numpy()
    product = (lambda t, i, j: float(t[i] @ t[j])) if raw else cosine
    near = np.mean([product(t, i, j) for i, j in batch.aligned.tolist()])
    far = np.mean([product(t, i, j) for i, j in batch.misaligned.tolist()])
    assert len(batch.aligned) == len(batch.misaligned) == 9
    assert task.loss(FreeTable(table), batch).item() == pytest.approx(-near + gamma * far, rel=1e-9)


def test_without_wrong_pairs_the_nearest_wrong_partner_of_the_batch_is_taken() -> None:
    task = MisalignmentTask(lexicon(disagree=False), gamma=0.7, batch_size=9)
    batch, table = next(task.batches(epoch=1, seed=1)), random_table()
    t, pairs = table.numpy(), batch.aligned.tolist()
    near = np.mean([cosine(t, i, j) for i, j in pairs])
    hardest = [max(cosine(t, i, k) for _, k in pairs if k != j) for i, j in pairs]
    assert task.loss(FreeTable(table), batch).item() == pytest.approx(-near + 0.7 * np.mean(hardest), rel=1e-9)


def test_known_partners_and_the_word_itself_are_never_wrong() -> None:
    pairs = np.array([[2, 3], [4, 5], [6, 2], [7, 8]])
    known = np.sort(pair_keys(np.array([*pairs.tolist(), [5, 2]])))
    wrong = wrong_partners(pairs, known)
    assert wrong.tolist() == [
        [False, False, False, True],  # 2: 3 is its own, 5 known by a pair outside the batch, 2 itself
        [True, False, True, True],
        [True, True, False, True],
        [True, True, True, False],
    ]


def test_a_batch_of_one_pair_has_no_wrong_partner_and_only_aligns() -> None:
    task = MisalignmentTask(Lexicon(np.array([[2, 3]]), np.array([True])))
    table = random_table().requires_grad_()
    network = SimpleNamespace(embedding=SimpleNamespace(weight=table))
    loss = task.loss(network, next(task.batches(epoch=1, seed=1)))  # type: ignore[arg-type]
    assert loss.item() == pytest.approx(-cosine(table.detach().numpy(), 2, 3), rel=1e-9)
    loss.backward()
    assert torch.isfinite(table.grad).all()  # type: ignore[arg-type]


def test_an_epoch_has_every_pair_that_should_agree_once() -> None:
    task = MisalignmentTask(lexicon(), batch_size=7)
    seen = [tuple(pair) for batch in task.batches(epoch=1, seed=1) for pair in batch.aligned.tolist()]
    assert sorted(seen) == sorted(map(tuple, lexicon().ids[lexicon().agree].tolist()))


def test_the_error_is_the_area_above_the_roc_curve() -> None:
    parts = hold_out(lexicon(), 0.1)
    assert parts.held_out is not None
    table = random_table()
    found = MisalignmentTask(parts.train, parts.held_out).evaluate(FreeTable(table))
    cosines = np.array([cosine(table.numpy(), i, j) for i, j in parts.held_out.ids])
    agree = parts.held_out.agree
    assert found["aligned"] == pytest.approx(cosines[agree].mean())
    assert found["misaligned"] == pytest.approx(cosines[~agree].mean())
    assert found["error"] == pytest.approx(1 - roc_auc_score(agree, cosines))


def test_words_that_are_all_alike_are_told_apart_by_chance() -> None:
    parts = hold_out(lexicon(), 0.1)
    table = torch.ones_like(random_table())
    assert MisalignmentTask(parts.train, parts.held_out).evaluate(FreeTable(table))["error"] == 0.5


def test_shifted_partners_are_no_pairs() -> None:
    pairs = np.array([[2, 3], [4, 5], [2, 5], [6, 2]])
    # With the next pair's second word: 2-5 and 4-5 are pairs themselves, 2-2 is one word.
    assert shifted_partners(pairs).tolist() == [[6, 3]]


@pytest.mark.parametrize("gamma", [-0.1, float("nan"), True])
def test_gamma_is_at_least_zero(gamma: float) -> None:
    with pytest.raises(InputError, match="gamma must be a finite number of at least 0"):
        MisalignmentTask(lexicon(), gamma=gamma)


def test_pairs_that_should_agree_are_needed() -> None:
    with pytest.raises(InputError, match="'misalignment' needs at least 1 rows to learn from, found 0"):
        MisalignmentTask(lexicon().take(~lexicon().agree))


def test_pairs_that_should_not_agree_are_measured_even_if_none_is_learned_from() -> None:
    ids, agree = np.array([[2, 3], [4, 5], [6, 7], [8, 9]]), np.array([True, True, True, False])
    whole = Lexicon(ids, agree)
    with pytest.warns(FewRowsWarning, match="none is left to learn from: wrong partners come from the batch"):
        task = MisalignmentTask(whole.take(np.array([0, 1])), whole.take(np.array([2, 3])))
    table = random_table()
    assert task.evaluate(FreeTable(table))["misaligned"] == pytest.approx(cosine(table.numpy(), 8, 9))
