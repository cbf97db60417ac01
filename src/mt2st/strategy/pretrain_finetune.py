"""PretrainFinetune: the auxiliary tasks alone first, then the primary alone; a baseline."""

from __future__ import annotations

from collections.abc import Iterable

from mt2st.strategy.base import PerTask, Strategy, Unit
from mt2st.strategy.declarations import AT_RANGE, UNIT, WEIGHT, WEIGHT_RANGE
from mt2st.strategy.parameters import non_negative, of_task, whole
from mt2st.strategy.switch import AT, SWITCH_AT


class PretrainFinetune(Strategy):
    """The auxiliary tasks alone while ``t < at``, the primary alone from ``t >= at``.

    This is `Switch` without the primary task before the switch. An epoch is still one pass over the primary's data: in
    each of its steps the auxiliary tasks get the same batches as with the other strategies.

    Args:
        at: the first epoch (or step) of the primary, at least 1. At 1 nothing is pretrained.
        weight: weight of the auxiliary tasks while they are on. One number or ``{task: weight}``.
        unit: whether ``at`` and ``t`` count epochs or optimizer steps.
        auxiliaries: names of the auxiliary tasks.

    Raises:
        InputError: if ``at`` is no whole number of at least 1, or a weight is negative or not finite.

    Example:
        >>> strategy = PretrainFinetune(at=3, auxiliaries=["context"])
        >>> [(strategy.primary_weight(t), strategy.weights(t)["context"]) for t in (1, 2, 3)]
        [(0.0, 1.0), (0.0, 1.0), (1.0, 0.0)]
    """

    is_fixed = True
    reaches_single_task = True
    options = (AT, WEIGHT, UNIT)
    search = (WEIGHT_RANGE, AT_RANGE)

    def __init__(
        self,
        at: int = SWITCH_AT,
        *,
        weight: PerTask = 1.0,
        unit: Unit = "epoch",
        auxiliaries: Iterable[str] | None = None,
    ) -> None:
        self.at = whole("at", at)
        self.weight = non_negative("weight", weight)
        super().__init__(auxiliaries, unit=unit)

    def weight_of(self, task: str, t: int) -> float:
        """Return the task's weight in the pretraining, exactly 0 from then on."""
        return of_task(self.weight, task) if t < self.at else 0.0

    def primary_weight(self, t: int) -> float:
        """Return 0 in the pretraining, 1 from then on."""
        return 0.0 if t < self.at else 1.0
