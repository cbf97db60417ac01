"""What an adaptive strategy has decided, with its cause: the audit trail of the feedback loop (section III-B6)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Decision:
    """One decision about one auxiliary task.

    Attributes:
        task: the auxiliary task.
        action: ``"off"`` or ``"decay"`` (its decay rate was changed).
        cause: why, in words.
        numbers: the figures that it was decided by.
        epoch: epochs finished when it was taken.
        step: optimizer steps done when it was taken.
    """

    task: str
    action: str
    cause: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    epoch: int = 0
    step: int = 0


class Smoothed:
    """An exponential average of noisy measurements, one for each task.

    Args:
        memory: share of the average that a new value leaves, in [0, 1); the first value is taken as it is.

    Example:
        >>> signal = Smoothed(memory=0.5)
        >>> [signal.update("analogy", value) for value in (1.0, 0.0, 0.0)]
        [1.0, 0.5, 0.25]
    """

    def __init__(self, memory: float) -> None:
        self.memory = memory
        self.values: dict[str, float] = {}

    def update(self, task: str, value: float) -> float | None:
        """Take in a measurement and return the average, None before the first; NaN changes nothing."""
        if not math.isnan(value):
            old = self.values.get(task, value)
            self.values[task] = self.memory * old + (1 - self.memory) * value
        return self.values.get(task)
