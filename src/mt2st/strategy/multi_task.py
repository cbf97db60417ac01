"""Multi-task learning: all tasks to the end, with fixed weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from mt2st.strategy.base import PerTask, Strategy
from mt2st.strategy.parameters import WEIGHT, WEIGHT_RANGE, LineStyle, Option, Range, by_task, non_negative, of_task


class MultiTask(Strategy):
    """Every auxiliary task keeps its weight for the whole run.

    Args:
        weight: weight of the auxiliary tasks, at least 0. One number or ``{task: weight}``.
        auxiliaries: names of the auxiliary tasks.

    Example:
        >>> MultiTask({"context": 0.5}, auxiliaries=["context"]).weights(40)
        {'context': 0.5}
    """

    is_fixed = True
    per_task = ("weight",)
    options: ClassVar[tuple[Option, ...] | None] = (WEIGHT,)
    search: ClassVar[tuple[Range, ...]] = (WEIGHT_RANGE,)
    style: ClassVar[LineStyle | None] = LineStyle("#77757a", "#9b99a0", (6.0, 3.0), "s")  # grey

    def __init__(self, weight: PerTask = 1.0, *, auxiliaries: Iterable[str] | None = None) -> None:
        self.weight = by_task(non_negative, "weight", weight)
        super().__init__(auxiliaries)

    def weight_of(self, task: str, t: int) -> float:  # noqa: ARG002
        """Return the task's fixed weight."""
        return of_task(self.weight, task)
