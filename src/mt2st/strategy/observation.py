"""What the training reports to a strategy, what the adaptive ones follow, and what they decide (section III-B6)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mt2st._checkpoint import Stateful

Signal = Literal["cosine", "gain"]
"""The feedback loop's measurements of how an auxiliary task affects the primary one."""


@dataclass(frozen=True)
class Observation:
    """What the training loop reports to a strategy after an evaluation.

    Attributes:
        epoch: epochs finished, from 1.
        step: optimizer steps done, from 1.
        metrics: the primary task's validation metrics, for example ``{"accuracy": 0.81, "loss": 0.44}``.
        gradient_cosines: for each auxiliary task that was on, the mean cosine in [-1, 1] of its gradient and the
            primary's on the shared embedding since the last evaluation. Empty if not measured.
        gains: for each auxiliary task that was on, the mean share by which a step on it alone lowered the primary's
            validation loss since the last evaluation. Empty if not measured.
        losses: the mean training loss of each auxiliary task that was on, since the last evaluation.
        primary_loss: the same of the primary task. NaN if it was off or is not reported.
    """

    epoch: int
    step: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    gradient_cosines: Mapping[str, float] = field(default_factory=dict)
    gains: Mapping[str, float] = field(default_factory=dict)
    losses: Mapping[str, float] = field(default_factory=dict)
    primary_loss: float = math.nan

    def signal(self, name: str, task: str) -> float:
        """Return a task's ``"cosine"`` or ``"gain"``. NaN if it was not measured."""
        return (self.gradient_cosines if name == "cosine" else self.gains).get(task, math.nan)


@dataclass(frozen=True)
class Decision:
    """One decision of an adaptive strategy about one auxiliary task.

    Attributes:
        task: the auxiliary task.
        action: ``"off"`` or ``"decay"`` (its decay rate was changed).
        cause: the reason in words.
        numbers: the figures behind the decision.
        epoch: epochs finished at that time.
        step: optimizer steps done at that time.
    """

    task: str
    action: str
    cause: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    epoch: int = 0
    step: int = 0


class Plateau:
    """Counts the evaluations in a row in which a validation metric has not improved.

    Args:
        monitor: the metric; less of ``"loss"`` is better, more of every other one.
        minimum_gain: an improvement is more than this, at least 0.

    Attributes:
        waited: evaluations since the last improvement.

    Example:
        >>> plateau = Plateau("loss")
        >>> [plateau.update({"loss": loss}) for loss in (0.6, 0.5, 0.55)], plateau.best
        ([False, False, True], 0.5)
    """

    def __init__(self, monitor: str, minimum_gain: float = 0.0) -> None:
        self.monitor, self.minimum_gain = monitor, minimum_gain
        self.waited = 0
        self._cost = math.inf

    @property
    def best(self) -> float:
        """The best value so far."""
        return self._cost if self.monitor == "loss" else -self._cost

    def update(self, metrics: Mapping[str, float]) -> bool:
        """Return whether an evaluation is without improvement. One without the metric, or with NaN, does not count."""
        value = metrics.get(self.monitor, math.nan)
        if math.isnan(value):
            return False
        cost = value if self.monitor == "loss" else -value
        if cost < self._cost - self.minimum_gain:
            self._cost, self.waited = cost, 0
            return False
        self.waited += 1
        return True

    def restart(self) -> None:
        """Forget all evaluations."""
        self._cost, self.waited = math.inf, 0

    def state_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"best": None if math.isinf(self._cost) else self._cost, "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`."""
        self._cost, self.waited = math.inf if state["best"] is None else state["best"], state["waited"]


class Affinity(Stateful):
    r"""The smoothed signal of each task.

    A **cosine** has a scale of its own; its exponential average is the affinity.

    A **gain** has none: the share of the loss that one step takes away follows the learning rate, the length of the
    task's step and how far the training is, over orders of magnitude. Its affinity is therefore its running mean as a
    share of its running root mean square,

    .. math:: a_n = \frac{m_n}{\sqrt{s_n}}, \quad m_n = \mu\,m_{n-1} + (1-\mu)\,g_n, \quad
              s_n = \mu\,s_{n-1} + (1-\mu)\,g_n^2, \quad m_0 = 0, \; s_0 = g_1^2

    It does not change when all gains are multiplied by a positive number. After :math:`n` equal gains it is
    :math:`\pm(1-\mu^n)`, so few measurements say little. Gains of pure noise have affinities around 0.

    Args:
        signal: ``"cosine"`` or ``"gain"``.
        memory: weight :math:`\mu` of the old value in the averages, in [0, 1).

    Example:
        >>> gains = Affinity("gain", memory=0.5)
        >>> [gains.update("analogy", value) for value in (2e-5, 2e-5, 2e-5)]
        [0.5, 0.75, 0.875]
        >>> gains.numbers("analogy", 2e-5)
        {'gain': 2e-05, 'affinity by gain': 0.875}
    """

    _state = ("_smoothed", "_squares")

    def __init__(self, signal: str, memory: float) -> None:
        self.signal, self.memory = signal, memory
        self._smoothed: dict[str, float] = {}
        self._squares: dict[str, float] = {}

    def update(self, task: str, value: float) -> float | None:
        """Add a measurement and return the affinity, None before the first. NaN changes nothing."""
        if not math.isnan(value):
            start = 0.0 if self.signal == "gain" else value
            for averages, first, new in ((self._smoothed, start, value), (self._squares, value * value, value * value)):
                averages[task] = self.memory * averages.get(task, first) + (1 - self.memory) * new
        return self.of(task)

    def of(self, task: str) -> float | None:
        """Return the affinity by all measurements so far, None without any."""
        mean = self._smoothed.get(task)
        if mean is None or self.signal == "cosine":
            return mean
        square = self._squares[task]
        return max(-1.0, min(1.0, mean / math.sqrt(square))) if square > 0 else 0.0

    def numbers(self, task: str, value: float) -> dict[str, float]:
        """Return the values of a decision: the measurement, and the affinity after it."""
        affinity = self.of(task)
        name = "smoothed cosine" if self.signal == "cosine" else "affinity by gain"
        return {self.signal: value} | ({} if affinity is None else {name: affinity})


def evaluations(count: int) -> str:
    """Return a number of evaluations in words."""
    return f"{count} evaluation" + ("" if count == 1 else "s")
