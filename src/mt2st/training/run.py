"""The position of a training and its course, as plain values that a checkpoint keeps."""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from mt2st._settings import checked_fields
from mt2st.strategy import Decision


@contextmanager
def timed(owner: Any, attribute: str) -> Iterator[None]:
    """Add the seconds of the block to an attribute."""
    start = time.perf_counter()
    try:
        yield
    finally:
        setattr(owner, attribute, getattr(owner, attribute) + time.perf_counter() - start)


@dataclass
class Progress:
    """The position of a training.

    Attributes:
        epoch: the current epoch, from 1.
        batch: primary batches done in it.
        step: optimizer steps in all.
        train_seconds: time of training; evaluation, callbacks and checkpoints are not training.
        kernel_seconds: those of them that steps have spent on kernel tasks, or waiting for them.
        active: auxiliary tasks that were on in the last step.
        single_task: whether the transition has happened: all auxiliary tasks have gone off for good, after one had been
            on.
        losses: sum and number of each task's losses since the last evaluation.
        norms: sum and number of the primary's gradient norms since the last evaluation.
        flops: floating-point operations so far, if a `mt2st.training.flops.FlopMeter` counts them.
    """

    epoch: int = 1
    batch: int = 0
    step: int = 0
    train_seconds: float = 0.0
    kernel_seconds: float = 0.0
    active: list[str] = field(default_factory=list)
    single_task: bool = False
    losses: dict[str, tuple[float, int]] = field(default_factory=dict)
    norms: tuple[float, int] = (0.0, 0)
    flops: float = 0.0

    def record_loss(self, task: str, loss: float) -> None:
        """Add the loss of a task in a step."""
        total, count = self.losses.get(task, (0.0, 0))
        self.losses[task] = (total + loss, count + 1)

    def record_norm(self, norm: float) -> None:
        """Add the norm of the primary's gradient in a step."""
        total, count = self.norms
        self.norms = (total + norm, count + 1)

    def take_means(self) -> tuple[dict[str, float], float]:
        """Return mean losses and mean norm (NaN without one) since the last call, and reset them."""
        losses = {task: total / count for task, (total, count) in self.losses.items()}
        total, count = self.norms
        self.losses, self.norms = {}, (0.0, 0)
        return losses, total / count if count else math.nan


@dataclass(frozen=True)
class Evaluation:
    """The state of a run at one evaluation.

    Attributes:
        epoch: the current epoch, from 1.
        step: optimizer steps so far.
        train_seconds: seconds of training so far; evaluation, logging and checkpoints are not training.
        losses: mean training loss of each task since the last evaluation; tasks that were off are missing.
        weights: the weights of the auxiliary tasks in the last step.
        learning_rates: learning rate of each parameter group, and of each kernel task that is on and has a ``rate``.
        gradient_norm: mean norm of the primary's gradient since the last evaluation.
        validation: the primary task's validation metrics.
        gradient_cosines: cosine of each auxiliary task's gradient with the primary's since the last evaluation, if
            measured.
        gains: share by which each auxiliary task's step lowered the validation loss since then, if measured.
        flops: floating-point operations of training so far; 0 if they were not counted.
        primary_weight: weight of the primary task in the last step: 1 except for some baselines.
    """

    epoch: int
    step: int
    train_seconds: float
    losses: Mapping[str, float]
    weights: Mapping[str, float]
    learning_rates: Mapping[str, float]
    gradient_norm: float
    validation: Mapping[str, float]
    gradient_cosines: Mapping[str, float] = field(default_factory=dict)
    gains: Mapping[str, float] = field(default_factory=dict)
    flops: float = 0.0
    primary_weight: float = 1.0

    def rank(self, metric: str) -> tuple[float, float]:
        """Return a sort key: the metric, then the lower loss; the best evaluation has the greatest, and NaN the least.

        ``"loss"`` is minimised, every other metric maximised.
        """
        value, loss = self.validation[metric], self.validation.get("loss", 0.0)
        less = -math.inf if math.isnan(loss) else -loss
        if metric == "loss":
            return less, less
        return -math.inf if math.isnan(value) else value, less


@dataclass(frozen=True)
class Transition:
    """An auxiliary task went off.

    Attributes:
        task: its name.
        epoch: the first epoch without it.
        step: the first step without it.
    """

    task: str
    epoch: int
    step: int


@dataclass(frozen=True)
class Freeze:
    """Dimensions of the embedding were frozen.

    Attributes:
        epoch: the first epoch with them frozen.
        step: the first step with them frozen.
        dimensions: which.
        relevance: the relevance of every dimension at that time.
    """

    epoch: int
    step: int
    dimensions: list[int]
    relevance: list[float]


@dataclass(frozen=True)
class ProbeFit:
    """The primary's head was fitted on the encoder's vectors (`mt2st.models.linear_probe.LinearProbe`).

    Attributes:
        epoch: first epoch with the new head.
        step: first step with the new head.
        texts: number of texts that it was fitted on.
        iterations: iterations of the solver; of several classes, the most.
        converged: whether the solver converged; else the head has the values of its last iteration.
        operations: floating-point operations of encoder and solver.
    """

    epoch: int
    step: int
    texts: int
    iterations: int
    converged: bool
    operations: float


OPTIMIZER = "optimizer"
"""Stands for all groups of the optimizer in `Halving.halved`."""


@dataclass(frozen=True)
class Halving:
    """The training had diverged, went back to its last good state, and goes on with lower rates.

    Attributes:
        epoch: where it went back to.
        step: where it went back to.
        diverged: the step in which it had diverged.
        cause: what showed it.
        halved: whose rates were halved: `OPTIMIZER`, and the names of kernel tasks.
    """

    epoch: int
    step: int
    diverged: int
    cause: str
    halved: list[str]


@dataclass
class Run:
    """The course of a training run.

    Attributes:
        evaluations: all evaluations in order.
        transitions: auxiliary tasks that went off, with the time; tasks that ran to the end or never ran are missing.
        decisions: decisions of an adaptive strategy, with causes and numbers.
        freezes: frozen dimensions of the embedding, with the time and the relevance of all dimensions.
        probes: fits of the primary's head by a probe.
        halvings: returns to a good state after the training had diverged.
        best: index of the evaluation whose parameters the module has at the end.
        stopped: how the run ended: ``"epochs"``, ``"converged"`` or ``"interrupted"``.
        cause: the reason in words, if it converged.
    """

    evaluations: list[Evaluation] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    freezes: list[Freeze] = field(default_factory=list)
    probes: list[ProbeFit] = field(default_factory=list)
    halvings: list[Halving] = field(default_factory=list)
    best: int = -1
    stopped: str = "epochs"
    cause: str = ""

    @property
    def train_seconds(self) -> float:
        """Seconds of training in all."""
        return self.evaluations[-1].train_seconds if self.evaluations else 0.0

    @property
    def transition_step(self) -> int | None:
        """The first step of single-task training after the transition; None where the run did not come so far."""
        ended = self.transitions and self.evaluations and not any(self.evaluations[-1].weights.values())
        return self.transitions[-1].step if ended else None

    @property
    def kept_frozen(self) -> list[int]:
        """Frozen dimensions of the embedding at the evaluation whose parameters were kept."""
        if not self.evaluations:
            return []
        step = self.evaluations[self.best].step
        return [dimension for freeze in self.freezes if freeze.step <= step for dimension in freeze.dimensions]

    @property
    def kept_single_task(self) -> bool:
        """Whether the parameters that the network has are of an evaluation after the transition."""
        since = self.transition_step
        return since is not None and self.evaluations[self.best].step >= since

    @property
    def flops(self) -> float:
        """Floating-point operations of training in all; 0 if they were not counted."""
        return self.evaluations[-1].flops if self.evaluations else 0.0

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return self.evaluations[-1].step if self.evaluations else 0

    def rate_factor(self, name: str) -> float:
        """Return what halvings have left of the rates of a kernel task, or of the optimizer (`OPTIMIZER`)."""
        return float(0.5 ** sum(name in each.halved for each in self.halvings))

    def best_value(self, metric: str) -> float:
        """Return the best validation value of a metric over the run: the least ``"loss"``, the largest of any other."""
        return max(self.evaluations, key=lambda each: each.rank(metric)).validation[metric]

    def first_at(self, metric: str, target: float) -> Evaluation | None:
        """Return the first evaluation whose validation metric reached the target, or None if none did.

        ``"loss"`` reaches it from above, every other metric from below.
        """
        reached = operator.le if metric == "loss" else operator.ge
        return next((each for each in self.evaluations if reached(each.validation[metric], target)), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the run as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the run that `as_dict` described.

        Raises:
            ValueError: a value is missing, or is none of its kind.
        """
        return checked_fields(cls, values)
