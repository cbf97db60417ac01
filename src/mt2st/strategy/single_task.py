"""Single-task learning: the primary task alone, the baseline of the paper."""

from __future__ import annotations

from collections.abc import Iterable

from mt2st.strategy.base import Strategy
from mt2st.strategy.parameters import LineStyle


class SingleTask(Strategy):
    """All auxiliary tasks are off from the first step.

    Example:
        >>> SingleTask(auxiliaries=["context"]).weights(1)
        {'context': 0.0}
    """

    is_fixed = True
    options = ()
    style = LineStyle("#1d1d1f", "#f2f0ea", (), "o")  # ink

    def __init__(self, *, auxiliaries: Iterable[str] | None = None) -> None:
        super().__init__(auxiliaries)

    def weight_of(self, task: str, t: int) -> float:  # noqa: ARG002
        """Return 0."""
        return 0.0
