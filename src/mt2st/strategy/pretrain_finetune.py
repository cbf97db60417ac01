"""PretrainFinetune: the auxiliary tasks alone first, then the primary alone; a baseline of the paper's two methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mt2st.strategy.base import PerTask, Strategy, Unit
from mt2st.strategy.parameters import non_negative, of_task, whole


class PretrainFinetune(Strategy):
    """The auxiliary tasks alone while ``t < at``, the primary alone from ``t >= at``.

    What `Switch` is without the primary task before the switch. An epoch is one of the primary's data all the same: in
    each of its steps the auxiliary tasks get what they get in the other strategies.

    Args:
        at: the first epoch (or step) of the primary, at least 1; at 1 nothing is pretrained.
        weight: weight of the auxiliary tasks while they are on; one number or ``{task: weight}``.
        unit: whether ``at`` and ``t`` count epochs or optimizer steps.
        auxiliaries: names of the auxiliary tasks.

    Raises:
        InputError: when ``at`` is no whole number of at least 1, or a weight is negative or not finite.

    Example:
        >>> strategy = PretrainFinetune(at=3, auxiliaries=["context"])
        >>> [(strategy.primary_weight(t), strategy.weights(t)["context"]) for t in (1, 2, 3)]
        [(0.0, 1.0), (0.0, 1.0), (1.0, 0.0)]
    """

    foreseeable = True

    def __init__(
        self,
        at: int,
        *,
        weight: PerTask = 1.0,
        unit: Unit = "epoch",
        auxiliaries: Iterable[str] | None = None,
    ) -> None:
        self.at = whole("at", at)
        self.before = non_negative("weight", weight)
        super().__init__(auxiliaries, unit)

    def weight(self, task: str, t: int) -> float:
        """Return the task's weight while it is pretrained on, exactly 0 from then on."""
        return of_task(self.before, task) if t < self.at else 0.0

    def primary_weight(self, t: int) -> float:
        """Return 0 in the pretraining, 1 from then on."""
        return 0.0 if t < self.at else 1.0

    def _settings(self) -> dict[str, Any]:
        return {"at": self.at, "weight": self.before}

    def _per_task(self) -> dict[str, PerTask]:
        return {"weight": self.before}
