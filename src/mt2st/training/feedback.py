"""The feedback loop's measurements (III-B6): how auxiliary tasks and the primary get along on the embedding."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mt2st._checkpoint import Stateful
from mt2st.errors import InputError
from mt2st.strategy.parameters import whole
from mt2st.training.modules import embedding_weight, rows_with_gradient

ValidationLoss = Callable[[nn.Module, int], float]
"""Returns the primary's loss on some validation data, without dropout and gradients. The number of the look-ahead, from
0, may choose the data."""


class Feedback(Stateful):
    """Measures, every few steps, how each auxiliary task and the primary get along on the shared embedding.

    The *direction* of a task in a step is its negative gradient. A kernel task has no gradient in torch; its direction
    is the displacement of the table by its update. Two signals are measured for each auxiliary task that is on:

    - **cosine** of its direction and the primary's, over the rows (words) on which the primary has a gradient. Above 0,
      the task moves these words in the primary's favour (Du et al. 2018, arXiv 1812.02224).
    - **gain** (with ``look_ahead``): the relative decrease of the primary's validation loss after the task's step alone
      on the embedding (Fifty et al. 2021, arXiv 2109.04617, with one step instead of two). A kernel task's step is its
      own. The step of a task with a gradient is as long as Adam's first one: the learning rate in every entry that has
      a gradient.

    Adaptive strategies read the means since the last evaluation from the `Observation`. The weights do not scale the
    signals.

    A look-ahead makes one forward pass more than there are tasks on. With more tasks there are fewer look-aheads, so
    their share of the training time stays the same. The first step after each evaluation is measured by both signals,
    so that every evaluation has the signals of all tasks that were on.

    Args:
        every: steps between two measurements, at least 1. The first step after each evaluation is measured too.
        look_ahead: returns the primary's loss on some validation data; None measures no gain.
        look_ahead_every: measurements of the cosine per measurement of the gain with one task on, at least 1; with more
            tasks, in proportion to ``(tasks + 1) / 2``.

    Attributes:
        look_aheads: number of look-aheads so far.
        measurements_to_go: measurements of the cosine alone before the next look-ahead.

    Raises:
        InputError: a number is out of its range.
    """

    _state = ("look_aheads", "measurements_to_go", "_after_evaluation", "_sums")

    def __init__(self, every: int = 10, *, look_ahead: ValidationLoss | None = None, look_ahead_every: int = 4) -> None:
        self.every, self.look_ahead = whole("every", every), look_ahead
        self.look_ahead_every = whole("look_ahead_every", look_ahead_every)
        self.look_aheads = 0
        self.measurements_to_go = 0
        self._after_evaluation = False
        self._sums: dict[str, dict[str, tuple[float, int]]] = {"cosine": {}, "gain": {}}

    def watch(self, module: nn.Module, optimizer: Optimizer, step: int) -> StepDirections | None:
        """Return what collects the directions of a step, counted from 1; None for a step that is not measured.

        A look-ahead needs them over the whole table.

        Raises:
            InputError: the optimizer lacks the embedding.
        """
        if not (self._after_evaluation or (step - 1) % self.every == 0):
            return None
        table = embedding_weight(module, "feedback")
        groups = [group for group in optimizer.param_groups if any(each is table for each in group["params"])]
        if not groups:
            raise InputError(
                "feedback measures steps on module.embedding.weight, which the optimizer does not have: add it to the "
                "optimizer, or train without feedback"
            )
        rate = groups[0]["lr"]
        return StepDirections(
            table,
            whole=self.look_ahead is not None and self.measurements_to_go == 0,
            measure=lambda directions: self.measure(module, table, directions, learning_rate=rate),
        )

    def measure(self, network: nn.Module, table: nn.Parameter, step: StepDirections, *, learning_rate: float) -> None:
        """Use the directions of a step, before the optimizer's step and with all kernels at rest.

        Args:
            network: the network, for the look-ahead.
            table: the shared embedding's weight, ``[vocabulary, vector_size]``.
            step: the step's directions.
            learning_rate: the embedding's.
        """
        self._after_evaluation = False
        directions = step.directions()
        for task, cosine in step.cosines(directions).items():
            self._add("cosine", task, cosine)
        if self.look_ahead is not None and step.whole:
            self._measure_gains(network, table, step, directions, learning_rate)
            self.measurements_to_go = math.ceil(self.look_ahead_every * (len(directions) + 1) / 2)
        self.measurements_to_go = max(0, self.measurements_to_go - 1)

    def take(self) -> dict[str, dict[str, float]]:
        """Return the signals' means since the last call, ``{"cosine": {task: mean}, "gain": ...}``; reset them.

        Called at each evaluation: the next step is measured, with a look-ahead.
        """
        means = {
            signal: {task: total / count for task, (total, count) in sums.items()}
            for signal, sums in self._sums.items()
        }
        self._sums = {"cosine": {}, "gain": {}}
        self.measurements_to_go, self._after_evaluation = 0, True
        return means

    @torch.no_grad()
    def _measure_gains(
        self,
        network: nn.Module,
        table: nn.Parameter,
        step: StepDirections,
        directions: Mapping[str, Tensor],
        learning_rate: float,
    ) -> None:
        assert self.look_ahead is not None
        now = table.detach().clone()
        try:
            if step.before is not None:  # kernels have moved the table already
                table.copy_(step.before)
            start = table.detach().clone() if step.before is not None else now
            before = self.look_ahead(network, self.look_aheads)
            for task, direction in directions.items():
                if task not in step.of_kernels:
                    norm, entries = float(direction.norm()), int(direction.count_nonzero())
                    direction = direction * (learning_rate * math.sqrt(entries) / norm) if norm > 0 else direction
                table.copy_(start + direction)
                after = self.look_ahead(network, self.look_aheads)
                self._add("gain", task, (before - after) / before if before > 0 else math.nan)
            self.look_aheads += 1
        finally:
            table.copy_(now)

    def _add(self, signal: str, task: str, value: float) -> None:
        if not math.isnan(value):
            total, count = self._sums[signal].get(task, (0.0, 0))
            self._sums = {**self._sums, signal: {**self._sums[signal], task: (total + value, count + 1)}}


class StepDirections:
    """Collects the directions of one step on the embedding, task by task.

    Args:
        table: the shared embedding's weight, with no gradient yet.
        whole: take the directions over the whole table, as a look-ahead needs them. Else over the primary's rows alone,
            which is all that cosines need, and costs a fraction.
    """

    def __init__(
        self,
        table: nn.Parameter,
        *,
        whole: bool = True,
        measure: Callable[[StepDirections], None] = lambda _: None,
    ) -> None:
        self._table, self.whole, self._measure = table, whole, measure
        self._starts: dict[str, Tensor] = {}
        self._steps: dict[str, Tensor] = {}
        self._so_far: Tensor | None = None
        self._rows: Tensor | None = None
        self._primary: Tensor | None = None

    @property
    def of_kernels(self) -> Collection[str]:
        """The tasks whose direction is the displacement that a kernel gave."""
        return self._starts.keys()

    @property
    def before(self) -> Tensor | None:
        """The table before any kernel moved it; None without kernels."""
        return next(iter(self._starts.values()), None)

    def watched(self, task: str, job: Callable[[], float], weight: float) -> Callable[[], float]:  # noqa: ARG002
        """Return the job of a kernel task, wrapped to record its displacement of the table. Jobs run in turn."""

        def watched() -> float:
            start = self._table.detach().clone()
            loss = job()
            self._starts[task] = start
            return loss

        return watched

    def take(self, task: str) -> None:
        """Record the gradient that a task's backward pass has just added to the table's; the primary comes first."""
        gradient = torch.zeros_like(self._table) if self._table.grad is None else self._table.grad.detach()
        if self._so_far is None:
            self._rows = rows_with_gradient(gradient)
            self._primary = -gradient[self._rows]
            self._so_far = self._seen(gradient)
            return
        total = self._seen(gradient)
        self._steps[task] = self._so_far - total
        self._so_far = total

    def finish(self) -> None:
        """Measure the step, with all kernels at rest and before the optimizer moves anything."""
        self._measure(self)

    def directions(self) -> dict[str, Tensor]:
        """Return where each auxiliary task would move the table; with all kernels at rest.

        ``[vocabulary, vector_size]`` by name; the primary's rows alone unless `whole`.
        """
        # Where one kernel began is where the one before it ended.
        places = [*self._starts.values(), self._table.detach()]
        moved = {
            task: self._seen(end) - self._seen(start)
            for task, (start, end) in zip(self._starts, pairwise(places), strict=True)
        }
        return moved | self._steps

    def cosines(self, directions: Mapping[str, Tensor]) -> dict[str, float]:
        """Return the cosine of each direction with the primary's on its rows; NaN where one of them is zero there."""
        assert self._primary is not None, "primary comes first"
        return {
            task: _cosine(self._primary, each[self._rows] if self.whole else each) for task, each in directions.items()
        }

    def _seen(self, values: Tensor) -> Tensor:
        """Return a copy of what the probe keeps of a table."""
        return values.clone() if self.whole else values[self._rows]


def _cosine(a: Tensor, b: Tensor) -> float:
    norms = float(a.norm()) * float(b.norm())
    return float((a * b).sum()) / norms if norms > 0 else math.nan
