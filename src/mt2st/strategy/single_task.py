"""Single-task learning: the primary task alone, the baseline of the paper."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mt2st.strategy.base import Strategy


class SingleTask(Strategy):
    """Every auxiliary task is off from the first step.

    Example:
        >>> SingleTask(auxiliaries=["context"]).weights(1)
        {'context': 0.0}
    """

    foreseeable = True

    def __init__(self, *, auxiliaries: Iterable[str] | None = None) -> None:
        super().__init__(auxiliaries, unit="epoch")

    def weight(self, task: str, t: int) -> float:  # noqa: ARG002
        """Return 0."""
        return 0.0

    def _settings(self) -> dict[str, Any]:
        return {}
