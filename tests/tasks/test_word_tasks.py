"""What holds for all four auxiliary tasks of the appendix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mt2st.errors import InputError
from mt2st.tasks import AnalogyTask, MisalignmentTask, SemanticSyntacticTask, SpearmanTask
from mt2st.tasks.relations import words_of
from mt2st.training import Task
from tests.tasks.relations_data import (
    VOCABULARY,
    FreeTable,
    MappedTable,
    hold_out,
    judgements,
    lexicon,
    planted_features,
    questions,
    random_table,
    train_alone,
)

SHARE = 0.1


def semantic_syntactic(**more: Any) -> SemanticSyntacticTask:
    parts = hold_out(questions(), SHARE)
    return SemanticSyntacticTask(parts.train, parts.held_out, **more)


def misalignment(**more: Any) -> MisalignmentTask:
    parts = hold_out(lexicon(), SHARE)
    return MisalignmentTask(parts.train, parts.held_out, **more)


def hardest(**more: Any) -> MisalignmentTask:
    parts = hold_out(lexicon(disagree=False), SHARE)
    return MisalignmentTask(parts.train, parts.held_out, **more)


def analogy(**more: Any) -> AnalogyTask:
    parts = hold_out(questions(), SHARE)
    return AnalogyTask(parts.train, VOCABULARY, parts.held_out, **more)


def sampled_analogy(**more: Any) -> AnalogyTask:
    return analogy(**{"candidates": 40, "batch_size": 8} | more)


def log_analogy(**more: Any) -> AnalogyTask:
    return analogy(**{"logarithm": True} | more)


def spearman(**more: Any) -> SpearmanTask:
    parts = hold_out(judgements(planted_features()), SHARE)
    return SpearmanTask(parts.train, parts.held_out, **more)


def elements(**more: Any) -> SpearmanTask:
    return spearman(variant="elements", **more)


MAKERS: list[Callable[..., Any]] = [
    semantic_syntactic, misalignment, hardest, analogy, sampled_analogy, log_analogy, spearman, elements,
]  # fmt: skip
EVERY = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def first_batch(task: Task) -> Any:
    return next(iter(task.batches(epoch=1, seed=1)))


@EVERY
def test_it_is_a_task_with_as_many_batches_as_it_says(make: Callable[..., Any]) -> None:
    task = make()
    assert isinstance(task, Task)
    assert len(list(task.batches(epoch=1, seed=1))) == task.n_batches


@EVERY
def test_the_loss_has_the_gradient_of_finite_differences_in_the_table(make: Callable[..., Any]) -> None:
    task = make()
    batch = first_batch(task)
    table = random_table().requires_grad_()

    def loss(weight: torch.Tensor) -> torch.Tensor:
        return task.loss(SimpleNamespace(embedding=SimpleNamespace(weight=weight)), batch)

    assert torch.autograd.gradcheck(loss, table)
    gradient = torch.autograd.grad(loss(table), table)[0]
    assert gradient.abs().max() > 1e-4, "it moves the embedding"


@pytest.mark.parametrize("make", [semantic_syntactic, misalignment, hardest], ids=lambda make: make.__name__)
def test_the_raw_form_has_the_gradient_of_finite_differences_too(make: Callable[..., Any]) -> None:
    task = make(raw=True)
    batch = first_batch(task)
    loss = lambda weight: task.loss(SimpleNamespace(embedding=SimpleNamespace(weight=weight)), batch)  # noqa: E731
    assert torch.autograd.gradcheck(loss, random_table().requires_grad_())


@EVERY
def test_training_touches_no_word_that_is_held_out(make: Callable[..., Any]) -> None:
    task = make()
    network = FreeTable(random_table())
    before = network.embedding.weight.detach().clone()
    measures = task.evaluate(network)
    train_alone(task, network, steps=20)
    moved = (network.embedding.weight.detach() != before).any(dim=1).numpy()
    held_out = words_of(task.held_out)
    assert len(held_out) > 3
    assert not moved[held_out].any()
    assert not moved[:2].any(), "nor padding and the unknown word"
    assert moved[words_of(task.train)].sum() > 20
    if make not in (
        analogy,
        sampled_analogy,
        log_analogy,
    ):  # its questions are answered from all words, those trained too
        assert task.evaluate(network) == measures


@EVERY
def test_a_step_against_its_gradient_lowers_its_loss(make: Callable[..., Any]) -> None:
    task = make()
    batch, network = first_batch(task), FreeTable(random_table())
    loss = task.loss(network, batch)
    loss.backward()
    gradient = network.embedding.weight.grad
    assert gradient is not None
    network.embedding.weight.data -= 1e-3 * gradient / gradient.norm()
    assert task.loss(network, batch) < loss


IMPROVES: list[tuple[Callable[..., Any], str, float]] = [
    (semantic_syntactic, "cosine", 0.3),
    (misalignment, "error", -0.1),
    (hardest, "error", -0.1),
    (analogy, "total_accuracy", 0.5),
    (sampled_analogy, "total_accuracy", 0.5),
    (log_analogy, "total_accuracy", 0.5),
    (spearman, "spearman small", 0.1),
    (spearman, "spearman large", 0.1),
    (elements, "element_spearman", 0.1),
]


@pytest.mark.parametrize(("make", "measure", "gain"), IMPROVES, ids=lambda each: getattr(each, "__name__", str(each)))
def test_training_on_it_alone_improves_what_it_measures_on_other_words(
    make: Callable[..., Any], measure: str, gain: float
) -> None:
    """Through a map that all words share: with rows of their own, words that are held out have no way to learn."""
    task, network = make(), MappedTable(planted_features())
    before = task.evaluate(network)[measure]
    train_alone(task, network, steps=120)
    assert (task.evaluate(network)[measure] - before) / gain >= 1


@EVERY
def test_batches_depend_on_epoch_seed_and_name_alone(make: Callable[..., Any]) -> None:
    def seen(name: str, epoch: int, seed: int) -> str:
        batches = make(name=name).batches(epoch=epoch, seed=seed)
        return str([{key: each.tolist() for key, each in vars(batch).items()} if not isinstance(batch, torch.Tensor)
                    else batch.tolist() for batch in batches])  # fmt: skip

    assert seen("a", 1, 1) == seen("a", 1, 1)
    assert len({seen("a", 1, 1), seen("b", 1, 1), seen("a", 2, 1), seen("a", 1, 2)}) == 4


@EVERY
def test_without_anything_held_out_nothing_is_measured(make: Callable[..., Any]) -> None:
    task = make()
    parts = {"train": task.train}
    if isinstance(task, AnalogyTask):
        parts["vocabulary_size"] = VOCABULARY
    assert type(task)(**parts).evaluate(FreeTable(random_table())) == {}


@EVERY
def test_a_network_without_an_embedding_is_refused(make: Callable[..., Any]) -> None:
    task = make()
    with pytest.raises(InputError, match=rf"the task '{task.name}' trains the shared embedding .* does not have"):
        task.loss(nn.Linear(2, 2), first_batch(task))


@EVERY
@pytest.mark.parametrize("value", [0, 1.5, True])
def test_a_batch_size_that_is_no_number_of_rows_is_refused(make: Callable[..., Any], value: Any) -> None:
    with pytest.raises(InputError, match="needs a batch_size of at least"):
        replace(make(), batch_size=value)


@EVERY
def test_nothing_to_learn_from_is_refused(make: Callable[..., Any]) -> None:
    task = make()
    with pytest.raises(InputError, match=r"needs at least \d rows to learn from, found 0"):
        replace(task, train=task.train.take(np.zeros(0, dtype=np.int64)))
