"""Multi-task learning: all tasks to the end, with fixed weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mt2st.strategy.base import PerTask, Strategy
from mt2st.strategy.parameters import non_negative, of_task


class MultiTask(Strategy):
    """Every auxiliary task keeps its weight for the whole run.

    Args:
        weight: weight of the auxiliary tasks, at least 0; one number or ``{task: weight}``.
        auxiliaries: names of the auxiliary tasks.

    Raises:
        InputError: when a weight is negative or not finite.

    Example:
        >>> MultiTask({"context": 0.5}, auxiliaries=["context"]).weights(40)
        {'context': 0.5}
    """

    foreseeable = True

    def __init__(self, weight: PerTask = 1.0, *, auxiliaries: Iterable[str] | None = None) -> None:
        self.fixed = non_negative("weight", weight)
        super().__init__(auxiliaries, unit="epoch")

    def weight(self, task: str, t: int) -> float:  # noqa: ARG002
        """Return the task's fixed weight."""
        return of_task(self.fixed, task)

    def _settings(self) -> dict[str, Any]:
        return {"weight": self.fixed}

    def _per_task(self) -> dict[str, PerTask]:
        return {"weight": self.fixed}
