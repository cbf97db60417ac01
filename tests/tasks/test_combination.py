"""Equations 10 and 11: the task's loss, WALoss and SMLoss, each with a schedule of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mt2st.strategy import Diminish, Strategy, Switch
from mt2st.tasks import AnalogyTask, SpearmanTask
from mt2st.training import Trainer
from tests.tasks.relations_data import VOCABULARY, FreeTable, judgements, questions, random_table

ALPHA, BETA, RATE, EPOCHS = 0.9, 0.6, 0.05, 3


class PrimaryTask:
    """Pulls the table towards a target, one batch an epoch."""

    name = "label"
    n_batches = 1

    def batches(self, *, epoch: int, seed: int) -> Iterator[Tensor]:
        yield random_table(seed=9)

    def loss(self, network: nn.Module, batch: Tensor) -> Tensor:
        assert isinstance(network, FreeTable)
        return ((network.embedding.weight - batch) ** 2).mean()

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        return {}


def tasks() -> tuple[AnalogyTask, SpearmanTask]:
    return AnalogyTask(questions(), VOCABULARY), SpearmanTask(judgements())


def by_trainer(strategy: Strategy) -> Tensor:
    network = FreeTable(random_table())
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE)
    Trainer(
        network, primary=PrimaryTask(), auxiliaries=tasks(), strategy=strategy, optimizer=optimizer, epochs=EPOCHS,
        seed=4,
    ).fit()  # fmt: skip
    return network.embedding.weight.detach()


def by_hand(weights: Any) -> Tensor:
    """Follow the gradient of L_task + alpha(t) * WALoss + beta(t) * SMLoss in one expression."""
    network, primary = FreeTable(random_table()), PrimaryTask()
    streams = [task.batches(epoch=1, seed=4) for task in tasks()]
    for t in range(1, EPOCHS + 1):
        total = primary.loss(network, next(primary.batches(epoch=t, seed=4)))
        for task, stream, weight in zip(tasks(), streams, weights(t), strict=True):
            if weight:
                total = total + weight * task.loss(network, next(stream))
        (gradient,) = torch.autograd.grad(total, network.embedding.weight)
        network.embedding.weight.data -= RATE * gradient
    return network.embedding.weight.detach()


def test_equation_11_is_diminish_with_a_factor_for_each_task() -> None:
    strategy = Diminish.geometric({"analogy": ALPHA, "spearman": BETA})
    expected = by_hand(lambda t: (ALPHA**t, BETA**t))
    torch.testing.assert_close(by_trainer(strategy), expected, atol=1e-12, rtol=0)
    assert (expected - by_hand(lambda _: (1, 1))).abs().max() > 1e-5, "the weights matter"


@pytest.mark.parametrize("cutoff", [1, 2, 3, 9])
def test_equation_10_is_switch_at_the_cutoff(cutoff: int) -> None:
    expected = by_hand(lambda t: (1, 1) if t < cutoff else (0, 0))
    torch.testing.assert_close(by_trainer(Switch(at=cutoff)), expected, atol=1e-12, rtol=0)
