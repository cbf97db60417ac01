"""A task's affinity to the primary one, smoothed over evaluations, in [-1, 1] whatever the signal's own scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class Affinity:
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

    def __init__(self, signal: str, memory: float) -> None:
        self.signal, self.memory = signal, memory
        self._means: dict[str, float] = {}
        self._squares: dict[str, float] = {}

    def update(self, task: str, value: float) -> float | None:
        """Add a measurement and return the affinity, None before the first. NaN changes nothing."""
        if not math.isnan(value):
            start = 0.0 if self.signal == "gain" else value
            for averages, first, new in ((self._means, start, value), (self._squares, value * value, value * value)):
                averages[task] = self.memory * averages.get(task, first) + (1 - self.memory) * new
        return self.of(task)

    def of(self, task: str) -> float | None:
        """Return the affinity by all measurements so far, None without any."""
        mean = self._means.get(task)
        if mean is None or self.signal == "cosine":
            return mean
        square = self._squares[task]
        return max(-1.0, min(1.0, mean / math.sqrt(square))) if square > 0 else 0.0

    def numbers(self, task: str, value: float) -> dict[str, float]:
        """Return the values of a decision: the measurement, and the affinity after it."""
        affinity = self.of(task)
        name = "smoothed cosine" if self.signal == "cosine" else "affinity by gain"
        return {self.signal: value} | ({} if affinity is None else {name: affinity})

    def state(self) -> dict[str, Any]:
        """Return the averages as plain JSON values."""
        return {"smoothed": dict(self._means), "squares": dict(self._squares)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state`."""
        self._means, self._squares = dict(state["smoothed"]), dict(state["squares"])
