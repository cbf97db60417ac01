"""Strategies whose weights change in each step, and that end."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mt2st.strategy import PRIMARY_TASK, Diminish, UncertaintyWeighting


class UncertaintySwitch(UncertaintyWeighting):
    """Learns the weights until a step, and then trains the primary task alone."""

    def __init__(self, at: int = 5, rate: float = 0.3, *, auxiliaries: Iterable[str] | None = None) -> None:
        self.at = at
        super().__init__(rate, auxiliaries=auxiliaries)

    def weight_of(self, task: str, t: int) -> float:
        return super().weight_of(task, t) if t < self.at or task == PRIMARY_TASK else 0.0


def diminish_until(at: int) -> Diminish:
    """Diminish that is negligible from a step on."""
    return Diminish(decay=0.1, unit="step", negligible=math.exp(-0.1 * (at - 0.5)))
