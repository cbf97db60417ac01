"""Switch: all tasks first, then the primary task alone (section III-E, Algorithm 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mt2st.strategy.base import PerTask, Strategy, Unit
from mt2st.strategy.parameters import non_negative, of_task, whole_per_task


class Switch(Strategy):
    r"""All tasks while ``t < at``, the primary alone from ``t >= at``: eqs. 4, 5 and 10 of arXiv 2406.18038v2.

    Args:
        at: :math:`T_{switch}`, at least 1: the first epoch (or step) of single-task training. ``at=1`` never runs an
            auxiliary task. One time or ``{task: time}``; the transition is when the last task goes off.
        weight: weight of the auxiliary tasks before the switch; the paper's is 1. One number or ``{task: weight}``.
        unit: whether ``at`` and ``t`` count epochs or optimizer steps.
        auxiliaries: names of the auxiliary tasks.

    Raises:
        InputError: when a time is no whole number of at least 1, a weight is negative or not finite, or an unknown task
            is named.

    Example:
        >>> strategy = Switch(at=3, auxiliaries=["context"])
        >>> [strategy.weights(t)["context"] for t in (1, 2, 3, 4)]
        [1.0, 1.0, 0.0, 0.0]
        >>> by_task = Switch(at={"analogy": 2, "context": 4}, auxiliaries=["analogy", "context"])
        >>> by_task.weights(3), by_task.single_task_from(last=8)
        ({'analogy': 0.0, 'context': 1.0}, 4)
    """

    foreseeable = True

    def __init__(
        self,
        at: int | Mapping[str, int],
        *,
        weight: PerTask = 1.0,
        unit: Unit = "epoch",
        auxiliaries: Iterable[str] | None = None,
    ) -> None:
        self.at = whole_per_task("at", at)
        self.before = non_negative("weight", weight)
        super().__init__(auxiliaries, unit)

    def weight(self, task: str, t: int) -> float:
        """Return the task's weight before the switch, exactly 0 from the switch on."""
        return of_task(self.before, task) if t < of_task(self.at, task) else 0.0

    def _settings(self) -> dict[str, Any]:
        return {"at": self.at, "weight": self.before}

    def _per_task(self) -> dict[str, PerTask]:
        return {"at": self.at, "weight": self.before}
