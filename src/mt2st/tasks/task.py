"""What the trainer knows of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn


@dataclass(frozen=True)
class Span:
    """The share of an epoch's work that falls to one primary step.

    Attributes:
        epoch: the epoch, from 1.
        part: which of the parts of the epoch, from 0.
        parts: how many parts the epoch has: its number of primary steps.
        seed: the run's seed.
        elapsed: shares of the task's own time that have passed before and after this step, in [0, 1]. Its time is from
            the first step to where the task goes off, as far as the strategy knows now, or where the last epoch ends.
    """

    epoch: int
    part: int
    parts: int
    seed: int
    elapsed: tuple[float, float] = (0.0, 0.0)


@runtime_checkable
class Task(Protocol):
    """A task with a differentiable loss. Its batches may be of any type that its own `loss` takes."""

    @property
    def name(self) -> str:
        """The name that strategies, logs and heads know the task by."""

    @property
    def n_batches(self) -> int:
        """How many batches an epoch has."""

    def batches(self, *, epoch: int, seed: int) -> Iterator[Any]:
        """Yield an epoch's batches: a pure function of the epoch (from 1) and the seed.

        The primary task's batches make an epoch. An auxiliary task gives one batch for each of them and is asked for
        a next epoch's when it runs out.
        """

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        """Return the scalar loss of a batch, connected to the network's parameters."""

    def evaluate(self, network: nn.Module) -> Mapping[str, float]:
        """Return measures on the task's validation part; an empty mapping where it has none."""


@runtime_checkable
class KernelTask(Protocol):
    """A task that updates the shared embedding table in place, outside torch's autograd."""

    @property
    def name(self) -> str:
        """The name that strategies and logs know the task by."""

    def update(self, table: Tensor, *, weight: float, span: Span) -> float:
        """Train on a share of an epoch's data and return the mean loss over it, NaN where it holds nothing to learn.

        Args:
            table: ``[vocabulary, vector_size]`` float32 on the CPU, written in place, maybe while torch uses it too.
            weight: the strategy's weight of the task: scales every gradient.
            span: which share.
        """

    def state_dict(self) -> dict[str, Tensor]:
        """Return what a checkpoint must keep, for example the task's own output table."""

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore `state_dict`."""


Share = Callable[[Sequence[Callable[[], Any]]], list[Any]]
"""Runs pieces of work and returns their results in order: in turn, or by several threads."""


def in_turn(pieces: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run pieces of work one after another."""
    return [piece() for piece in pieces]


@runtime_checkable
class SharedKernelTask(KernelTask, Protocol):
    """A kernel task whose update is made of pieces that may run at the same time."""

    def update_shared(self, table: Tensor, *, weight: float, span: Span, share: Share) -> float:
        """Train as `update` does, in pieces that are given to ``share``; the trainer calls this in place of `update`.

        Args:
            table: as for `update`.
            weight: as for `update`.
            span: as for `update`.
            share: runs pieces that need nothing of each other, maybe on the step's thread too, and returns their
                results; to be called within this call alone, as often as there is work. A piece that fails lets go of
                those that were not begun.
        """
