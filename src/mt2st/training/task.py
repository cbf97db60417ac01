"""The protocols of a task: all that the trainer knows of one.

A task learns in one of two ways. A `Task` gives batches and a differentiable loss, and torch computes the gradient. A
`KernelTask` updates the shared embedding table itself, in compiled code. Any class with these methods is a task; it
need not inherit from anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from mt2st.errors import InputError, listed


@dataclass(frozen=True)
class EpochSlice:
    """The part of an epoch's work that belongs to one primary step.

    Attributes:
        epoch: the epoch, from 1.
        part: number of the part within the epoch, from 0.
        parts: number of parts in the epoch: its primary steps.
        seed: the run's seed.
        elapsed: shares of the task's training time that have passed before and after this step, in [0, 1]. This time
            runs from the first step to the step at which the task goes off (or the last step), as far as the strategy
            knows now.
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
        """Name in strategies, logs and heads."""

    @property
    def n_batches(self) -> int:
        """Number of batches in an epoch."""

    def batches(self, *, epoch: int, seed: int) -> Iterator[Any]:
        """Yield the batches of an epoch: a pure function of the epoch (from 1) and the seed.

        The batches of the primary task make an epoch. An auxiliary task gives one batch for each primary step and
        starts its own next epoch when it runs out.
        """

    def loss(self, module: nn.Module, batch: Any) -> Tensor:
        """Return the scalar loss of a batch, connected to the module's parameters."""

    def evaluate(self, module: nn.Module) -> Mapping[str, float]:
        """Return metrics on the task's validation data; an empty mapping without any.

        The trainer calls it with the module in evaluation mode and without gradients.
        """


@runtime_checkable
class DividedTask(Task, Protocol):
    """A task whose batches can be divided, so that several processes, or steps of less memory, compute a share each.

    Any other task is computed in whole by each process.
    """

    def shares(self, *, epoch: int, seed: int, numbers: range, of: int) -> Iterator[Shares]:
        """Yield the batches of an epoch, as `batches` does, but of each the parts with these numbers.

        Args:
            epoch: as for `batches`.
            seed: as for `batches`.
            numbers: the parts, from 0 to ``of - 1``.
            of: parts of each batch.

        Yields:
            For each batch its parts, each with its factor. The loss of a batch is the sum over all its parts of factor
            times loss. No part is missing: layers may take means over all parts of a batch. Where there is nothing left
            for a part, it is another one with the factor 0.
        """


@runtime_checkable
class KernelTask(Protocol):
    """A task that updates the shared embedding table in place, outside torch's autograd."""

    @property
    def name(self) -> str:
        """Name in strategies and logs."""

    def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
        """Train on a part of an epoch's data. Return the mean loss over it; NaN if the part has nothing to learn.

        Args:
            table: ``[vocabulary, vector_size]`` float32 on the CPU. Written in place, possibly while torch uses it.
            weight: the strategy's weight of the task; it scales every gradient.
            epoch_slice: the part.
        """

    def state_dict(self) -> dict[str, Tensor]:
        """Return what a checkpoint must keep, for example the task's own output table."""

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore `state_dict`."""


Shares = Sequence[tuple[Any, float]]
"""Parts of a batch with their factors in its loss."""
RunParallel = Callable[[Sequence[Callable[[], Any]]], list[Any]]
"""Runs pieces of work, one after another or on several threads, and returns their results in order."""


def in_turn(pieces: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run pieces of work one after another: the simplest `RunParallel`."""
    return [piece() for piece in pieces]


@runtime_checkable
class SharedKernelTask(KernelTask, Protocol):
    """A kernel task whose update consists of pieces that may run at the same time."""

    def update_shared(
        self, table: Tensor, *, weight: float, epoch_slice: EpochSlice, run_parallel: RunParallel
    ) -> float:
        """Train as `update` does, but through ``run_parallel``. The trainer calls this in place of `update`.

        Args:
            table: as for `update`.
            weight: as for `update`.
            epoch_slice: as for `update`.
            run_parallel: runs independent pieces, possibly on the step's thread too, and returns their results. Call it
                within this call only, any number of times. When a piece fails, pieces not yet started are dropped.
        """


def shares_of(task: Task, *, epoch: int, seed: int, numbers: range, of: int) -> Iterator[Shares]:
    """Yield the batches of an epoch in parts, as `DividedTask.shares` describes.

    Of a task that cannot be divided, the part is the whole batch, with the factor of so many parts.
    """
    if of > 1 and isinstance(task, DividedTask):
        return task.shares(epoch=epoch, seed=seed, numbers=numbers, of=of)
    return ([(batch, len(numbers) / of)] for batch in task.batches(epoch=epoch, seed=seed))


class AuxiliaryStream:
    """The batches of an auxiliary task, epoch after epoch of its own data.

    A batch is drawn only when asked for, so a task that is off costs nothing.

    ``batches`` yields those of an epoch, given ``epoch`` and ``seed``; by default the task's own.
    """

    def __init__(self, task: Task, seed: int, batches: Callable[..., Iterator[Any]] | None = None) -> None:
        self.task, self.seed = task, seed
        self.epoch, self.drawn = 1, 0
        self._of_epoch = batches or task.batches
        self._batches: Iterator[Any] | None = None

    def draw(self) -> Any:
        """Return the next batch."""
        if self._batches is None:
            self._batches = self._of_epoch(epoch=self.epoch, seed=self.seed)
            for _ in range(self.drawn):
                next(self._batches)
        for batch in self._batches:
            self.drawn += 1
            return batch
        if self.drawn == 0:
            raise InputError(
                f"the auxiliary task '{self.task.name}' has no data: it gave no batch in epoch {self.epoch}"
            )
        self.epoch, self.drawn, self._batches = self.epoch + 1, 0, None
        return self.draw()

    def state_dict(self) -> dict[str, int]:
        """Return the position."""
        return {"epoch": self.epoch, "drawn": self.drawn}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to a position."""
        self.epoch, self.drawn, self._batches = state["epoch"], state["drawn"], None


def check_tasks(primary: object, auxiliaries: object) -> None:
    """Refuse a primary task or auxiliary tasks that the trainer cannot use."""
    missing = _missing(Task, primary)
    if missing:
        raise InputError(
            f"the primary task must be a mt2st.training.Task, but {_named(primary)} lacks {listed(missing)}: make one "
            "with DataLoaderTask, or write these methods"
        )
    assert isinstance(primary, Task)
    if not isinstance(primary.n_batches, int):
        raise InputError(f"n_batches of the task '{primary.name}' must be a number, found {primary.n_batches!r}")
    if primary.n_batches < 1:
        raise InputError(f"the primary task '{primary.name}' has no data: it has no batch to train on")
    if not isinstance(auxiliaries, Sequence) or isinstance(auxiliaries, str):
        raise InputError(f"auxiliaries must be a list of tasks, found {_named(auxiliaries)}: write auxiliaries=[...]")
    names = [_checked_name(primary.name)]
    for task in auxiliaries:
        # Only a kernel task has `update`; `state_dict` is what every module has.
        lacks = _missing(KernelTask if hasattr(task, "update") else Task, task)
        if lacks and _missing(Task, task):
            raise InputError(
                f"an auxiliary must be a Task or a KernelTask of mt2st.training, but {_named(task)} is neither: it "
                f"lacks {listed(lacks)}"
            )
        _checked_name(task.name)
        if task.name == primary.name:
            raise InputError(f"an auxiliary task has the primary task's name '{task.name}': give it another name")
        if task.name in names:
            raise InputError(f"two auxiliary tasks are named '{task.name}': tasks need different names")
        names.append(task.name)


def check_metrics(task: str, found: object) -> dict[str, float]:
    """Return what `Task.evaluate` returned as numbers of Python."""
    if not isinstance(found, Mapping):
        raise InputError(
            f"evaluate of the task '{task}' must return a mapping of metrics by name, or {{}} without validation data; "
            f"found {found!r}"
        )
    metrics = {}
    for name, value in found.items():
        try:
            metrics[str(name)] = float(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"the metric '{name}' that evaluate of the task '{task}' returns must be a number, found {value!r}"
            ) from error
    return metrics


def _checked_name(name: object) -> str:
    """Return a name that strategies, logs and modules can bear."""
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w-]*", name):
        raise InputError(f"a task's name has letters, digits, underscores and hyphens only, found {name!r}")
    return name


def _missing(protocol: type, task: object) -> list[str]:
    methods = [name for each in protocol.__mro__ for name in vars(each) if not name.startswith("_")]
    return [name for name in methods if not hasattr(task, name)]


def _named(task: object) -> str:
    name = getattr(task, "name", None)
    return f"'{name}' ({type(task).__name__})" if isinstance(name, str) else f"{task!r}"
