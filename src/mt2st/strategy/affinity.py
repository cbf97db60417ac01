"""A task's affinity to the primary one, smoothed over evaluations, in [-1, 1] whatever the signal's own scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mt2st.strategy.declarations import Option

OFF_BELOW = {"cosine": -0.03, "gain": -0.3}
"""By signal: the affinity below which `AdaptiveSwitch` suspects a task, unless it is told another.

Gradients in many dimensions are nearly at right angles, so small cosines tell much. A gain's affinity that is pure
noise has a standard deviation of 1/3 at a memory of 0.8; two evaluations that are both against the task come to -0.36.
"""
SENSITIVITY = {"cosine": 20.0, "gain": 3.0}
"""By signal: how strongly the affinity acts on the rate of `AdaptiveDiminish`, unless it is told otherwise."""
SIGNAL = Option("signal", "--signal", "Measure of affinity: cosine of the gradients, or gain of a step on the task.")


class Smoothed:
    """An exponential average of noisy measurements, one for each task.

    Args:
        memory: share of the average that a new value keeps, in [0, 1). The first value is taken as it is.

    Example:
        >>> signal = Smoothed(memory=0.5)
        >>> [signal.update("analogy", value) for value in (1.0, 0.0, 0.0)]
        [1.0, 0.5, 0.25]
    """

    def __init__(self, memory: float) -> None:
        self.memory = memory
        self.values: dict[str, float] = {}

    def update(self, task: str, value: float) -> float | None:
        """Add a measurement and return the average, None before the first. NaN changes nothing."""
        if not math.isnan(value):
            old = self.values.get(task, value)
            self.values[task] = self.memory * old + (1 - self.memory) * value
        return self.values.get(task)


class Affinity:
    r"""The smoothed signal of each task, and what decides: its affinity.

    A **cosine** has a scale of its own; its exponential average is the affinity.

    A **gain** has none: the share of the loss that one step takes away follows the learning rate, the length of the
    task's step and how far the training is, over orders of magnitude. Its affinity is therefore its running mean as a
    share of its running root mean square,

    .. math:: a_n = \frac{m_n}{\sqrt{s_n}}, \quad m_n = \mu\,m_{n-1} + (1-\mu)\,g_n, \quad
              s_n = \mu\,s_{n-1} + (1-\mu)\,g_n^2, \quad m_0 = 0, \; s_0 = g_1^2

    It lies in [-1, 1], and does not change when all gains are multiplied by a positive number. As the mean begins at 0,
    few measurements say little: after :math:`n` equal gains the affinity is :math:`\pm(1-\mu^n)`. Gains of pure noise
    have affinities around 0.

    Args:
        signal: ``"cosine"`` or ``"gain"``.
        memory: the share :math:`\mu` of the averages that a new value leaves, in [0, 1).

    Example:
        >>> gains = Affinity("gain", memory=0.5)
        >>> [gains.update("analogy", value) for value in (2e-5, 2e-5, 2e-5)]
        [0.5, 0.75, 0.875]
        >>> gains.numbers("analogy", 2e-5)
        {'gain': 2e-05, 'affinity by gain': 0.875}
    """

    def __init__(self, signal: str, memory: float) -> None:
        self.signal, self.memory = signal, memory
        self._means, self._squares = Smoothed(memory), Smoothed(memory)

    def update(self, task: str, value: float) -> float | None:
        """Add a measurement and return the affinity, None before the first. NaN changes nothing."""
        if self.signal == "gain" and not math.isnan(value):
            self._means.values.setdefault(task, 0.0)
            self._squares.update(task, value * value)
        self._means.update(task, value)
        return self.of(task)

    def of(self, task: str) -> float | None:
        """Return the affinity by all that was measured so far; None where nothing was."""
        mean = self._means.values.get(task)
        if mean is None or self.signal == "cosine":
            return mean
        square = self._squares.values[task]
        return max(-1.0, min(1.0, mean / math.sqrt(square))) if square > 0 else 0.0

    def numbers(self, task: str, value: float) -> dict[str, float]:
        """Return what a decision tells of a measurement and the affinity that came of it."""
        affinity = self.of(task)
        name = "smoothed cosine" if self.signal == "cosine" else "affinity by gain"
        return {self.signal: value} | ({} if affinity is None else {name: affinity})

    def state(self) -> dict[str, Any]:
        """Return the averages as plain JSON values."""
        return {"smoothed": dict(self._means.values), "squares": dict(self._squares.values)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state`."""
        self._means.values = {task: float(value) for task, value in state["smoothed"].items()}
        self._squares.values = {task: float(value) for task, value in state["squares"].items()}
