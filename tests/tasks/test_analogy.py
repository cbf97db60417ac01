from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mt2st.embedding import WordVectors
from mt2st.errors import InputError
from mt2st.evaluation import AnalogySection, evaluate_analogies
from mt2st.tasks import AnalogyTask, Coefficients, Questions
from mt2st.tasks.analogy import AnalogyBatch, answered_right
from mt2st.tasks.relations import words_of
from tests.tasks.relations_data import VOCABULARY, FreeTable, hold_out, planted_features, questions, random_table

SETTINGS = ["semantic", "syntactic", "total"]


def exact_batch(task: AnalogyTask, rows: Questions) -> AnalogyBatch:
    return task.batch_of(rows, np.random.default_rng(0))


def soft_accuracies(task: AnalogyTask, network: nn.Module, batch: AnalogyBatch) -> torch.Tensor:
    return task._log_accuracies(network, batch).exp()


def some_questions(n: int = 400) -> Questions:
    rows = questions()
    return rows.take(np.random.default_rng(1).permutation(len(rows))[:n])


def accuracies(table: torch.Tensor, rows: Questions) -> tuple[float, float, float]:
    right = answered_right(table, rows.ids)
    return tuple(float(right[chosen].mean()) for chosen in (rows.semantic, ~rows.semantic, slice(None)))  # type: ignore[return-value]


def test_hard_accuracy_is_that_of_the_analogy_test() -> None:
    rows, table = some_questions(), planted_features(noise=0.6).float()
    names = [f"w{number}" for number in range(VOCABULARY)]
    sections = [
        AnalogySection(name, tuple(tuple(names[i] for i in ids) for ids in rows.ids[chosen]))  # type: ignore[misc]
        for name, chosen in (("capitals", rows.semantic), ("gram-plural", ~rows.semantic))
    ]
    report = evaluate_analogies(WordVectors(names[2:], table[2:].numpy()), sections)
    expected = (report.semantic.accuracy, report.syntactic.accuracy, report.total.accuracy)
    assert accuracies(table, rows) == pytest.approx(expected)
    assert 0.2 < report.total.accuracy < 0.98  # type: ignore[operator]


@pytest.mark.parametrize("coefficients", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.2, 0.5, 3.0)])
def test_the_loss_becomes_the_hard_accuracies_as_the_temperature_goes_to_zero(coefficients: tuple[float, ...]) -> None:
    rows, table = some_questions(), planted_features(noise=0.6)
    hard = accuracies(table, rows)
    expected = -sum(coefficient * accuracy for coefficient, accuracy in zip(coefficients, hard, strict=True))
    errors = []
    for temperature in (0.1, 1e-2, 1e-3, 1e-7):
        task = AnalogyTask(rows, VOCABULARY, coefficients=Coefficients(*coefficients), temperature=temperature)
        errors.append(abs(task.loss(FreeTable(table), exact_batch(task, rows)).item() - expected))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-9


def test_soft_accuracy_is_the_softmax_of_its_formula() -> None:
    rows, table = some_questions(20), random_table()
    task = AnalogyTask(rows, VOCABULARY, temperature=0.3)
    found = soft_accuracies(task, FreeTable(table), exact_batch(task, rows))
    units = (table / table.norm(dim=1, keepdim=True)).numpy()
    for value, (a, b, c, d) in zip(found.tolist(), rows.ids, strict=True):
        scores = {w: units[w] @ (units[b] - units[a] + units[c]) for w in range(2, VOCABULARY) if w not in (a, b, c)}
        total = sum(np.exp(score / 0.3) for score in scores.values())
        assert value == pytest.approx(np.exp(scores[d] / 0.3) / total, rel=1e-9)


@given(st.integers(0, 100), st.sampled_from([1e-3, 0.05, 1.0, 30.0]), st.integers(1, 200))
@settings(max_examples=30)
def test_soft_accuracy_is_a_probability(seed: int, temperature: float, candidates: int) -> None:
    task = AnalogyTask(questions(), VOCABULARY, temperature=temperature, candidates=candidates, batch_size=8)
    batch = next(task.batches(epoch=1, seed=seed))
    found = soft_accuracies(task, FreeTable(random_table(seed)), batch)
    assert found.shape == (8,)
    assert (found >= 0).all()
    assert (found <= 1).all()


def test_the_sum_over_drawn_candidates_estimates_that_over_all() -> None:
    rows, network = some_questions(6), FreeTable(random_table())
    exact = AnalogyTask(rows, VOCABULARY, temperature=0.5)
    drawing = AnalogyTask(rows, VOCABULARY, temperature=0.5, candidates=60)
    expected = 1 / soft_accuracies(exact, network, exact_batch(exact, rows)).detach()
    rng = np.random.default_rng(0)
    drawn = [1 / soft_accuracies(drawing, network, drawing.batch_of(rows, rng)).detach() for _ in range(400)]
    np.testing.assert_allclose(torch.stack(drawn).mean(dim=0).numpy(), expected.numpy(), rtol=0.03)


def test_candidates_are_the_batchs_words_and_others_but_none_that_is_held_out() -> None:
    parts = hold_out(questions(), 0.1)
    for candidates in (10, 50, 1000):
        task = AnalogyTask(parts.train, VOCABULARY, parts.held_out, candidates=candidates, batch_size=5)
        for batch in task.batches(epoch=1, seed=1):
            chosen = batch.candidates.numpy()
            assert (np.diff(chosen) > 0).all()
            assert chosen.min() >= 2
            assert not np.intersect1d(chosen, words_of(parts.held_out)).size
            assert len(chosen) <= max(candidates, 20)
            if candidates == 1000:
                assert len(chosen) == VOCABULARY - 2 - len(words_of(parts.held_out))


def test_places_lead_back_to_the_questions() -> None:
    task = AnalogyTask(questions(), VOCABULARY, candidates=60, batch_size=16)
    seen = [tuple(row) for batch in task.batches(epoch=1, seed=1) for row in batch.candidates[batch.places].tolist()]
    assert sorted(seen) == sorted(map(tuple, questions().ids.tolist()))


def test_a_batch_of_one_kind_leaves_the_other_out() -> None:
    rows = questions(semantic_share=1.0)
    assert rows.semantic.all()
    task = AnalogyTask(rows, VOCABULARY, coefficients=Coefficients(semantic=0, syntactic=5, total=1))
    batch, network = exact_batch(task, rows), FreeTable(random_table())
    assert task.loss(network, batch).item() == pytest.approx(-soft_accuracies(task, network, batch).mean().item())


def test_measures_are_of_the_held_out_questions() -> None:
    parts = hold_out(questions(), 0.1)
    assert parts.held_out is not None
    table = planted_features(noise=0.6)
    semantic, syntactic, total = accuracies(table, parts.held_out)
    assert AnalogyTask(parts.train, VOCABULARY, parts.held_out).evaluate(FreeTable(table)) == {
        "semantic_accuracy": semantic,
        "syntactic_accuracy": syntactic,
        "total_accuracy": total,
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": 0}, "temperature must be a finite number above 0, found 0"),
        ({"temperature": float("inf")}, "temperature must be a finite number above 0, found inf"),
        ({"candidates": 0}, "candidates must be a whole number of at least 1, found 0"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        AnalogyTask(questions(), VOCABULARY, **wrong)


def test_coefficients_out_of_range_are_refused() -> None:
    for name in SETTINGS:
        with pytest.raises(InputError, match=f"the coefficient {name} must be a finite number of at least 0, found -1"):
            Coefficients(**{name: -1})
    with pytest.raises(InputError, match="must be above 0"):
        Coefficients(0, 0, 0)


def test_the_logarithm_combines_logarithms_and_has_a_gradient_where_accuracies_are_near_zero() -> None:
    rows, network = some_questions(), FreeTable(random_table())
    coefficients = Coefficients(0.2, 0.5, 3.0)
    gradients = {}
    for logarithm in (False, True):
        task = AnalogyTask(rows, VOCABULARY, coefficients=coefficients, temperature=0.02, logarithm=logarithm)
        batch = exact_batch(task, rows)
        values = soft_accuracies(task, network, batch).detach()
        near_zero = values < 1e-6
        assert near_zero.sum() > 20
        chosen = task.batch_of(rows.take(near_zero.numpy()), np.random.default_rng(0))
        loss = task.loss(network, chosen)
        (gradients[logarithm],) = torch.autograd.grad(loss, network.embedding.weight)
        if logarithm:
            logs, semantic = values[near_zero].log(), chosen.semantic
            expected = 0.2 * logs[semantic].mean() + 0.5 * logs[~semantic].mean() + 3.0 * logs.mean()
            assert loss.item() == pytest.approx(-expected.item(), rel=1e-9)
    assert gradients[False].abs().max() < 1e-3
    assert gradients[True].abs().max() > 0.1


def test_what_other_tasks_hold_out_is_never_a_candidate() -> None:
    parts = hold_out(questions(), 0.05)
    spare = np.setdiff1d(np.arange(2, VOCABULARY + 50), words_of(parts.train))
    task = AnalogyTask(parts.train, VOCABULARY + 50, parts.held_out, never=spare.tolist())
    for batch in task.batches(epoch=1, seed=1):
        assert not np.intersect1d(batch.candidates.numpy(), spare).size
