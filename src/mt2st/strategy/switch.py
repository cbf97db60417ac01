"""Switch: all tasks first, then the primary task alone (section III-E, Algorithm 2); and PretrainFinetune."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mt2st.strategy.base import PerTask, Strategy, Unit
from mt2st.strategy.parameters import (
    AT_RANGE,
    UNIT,
    WEIGHT,
    WEIGHT_RANGE,
    LineStyle,
    Option,
    by_task,
    non_negative,
    of_task,
    whole,
)

SWITCH_AT = 4
"""With the default eight epochs, the first three are multi-task and the last five single-task."""
AT = Option("at", "--switch-at", "First epoch (or step) of single-task training.")


class Switch(Strategy):
    r"""All tasks while ``t < at``, the primary alone from ``t >= at``: eqs. 4, 5 and 10 of arXiv 2406.18038v2.

    Args:
        at: :math:`T_{switch}`, at least 1: the first epoch (or step) of single-task training. ``at=1`` never runs an
            auxiliary task. One time or ``{task: time}``: the transition is when the last task goes off.
        weight: weight of the auxiliary tasks before the switch, 1 in the paper. One number or ``{task: weight}``.
        unit: whether ``at`` and ``t`` count epochs or optimizer steps.
        auxiliaries: names of the auxiliary tasks.

    Example:
        >>> strategy = Switch(at=3, auxiliaries=["context"])
        >>> [strategy.weights(t)["context"] for t in (1, 2, 3, 4)]
        [1.0, 1.0, 0.0, 0.0]
        >>> by_task = Switch(at={"analogy": 2, "context": 4}, auxiliaries=["analogy", "context"])
        >>> by_task.weights(3), by_task.transition_time(last=8)
        ({'analogy': 0.0, 'context': 1.0}, 4)
    """

    is_fixed = True
    reaches_single_task = True
    per_task = ("at", "weight")
    options = (AT, WEIGHT, UNIT)
    search = (WEIGHT_RANGE, AT_RANGE)
    style = LineStyle("#c14d00", "#ff8c42", (), "^")  # vermilion

    def __init__(
        self,
        at: int | Mapping[str, int] = SWITCH_AT,
        *,
        weight: PerTask = 1.0,
        unit: Unit = "epoch",
        auxiliaries: Iterable[str] | None = None,
    ) -> None:
        self.at = by_task(whole, "at", at)
        self.weight = by_task(non_negative, "weight", weight)
        super().__init__(auxiliaries, unit=unit)

    def weight_of(self, task: str, t: int) -> float:
        """Return the task's weight before the switch, exactly 0 from the switch on."""
        return of_task(self.weight, task) if t < of_task(self.at, task) else 0.0


class PretrainFinetune(Switch):
    """A baseline: `Switch` without the primary task before the switch.

    The auxiliary tasks run alone at first, then the primary alone. An epoch is still one pass over the primary's data:
    in each of its steps the auxiliary tasks get the same batches as with the other strategies.

    Args:
        at: the first epoch (or step) of the primary, at least 1, for all tasks at once. At 1 nothing is pretrained.
        weight: as for `Switch`, as are ``unit`` and ``auxiliaries``.

    Example:
        >>> strategy = PretrainFinetune(at=3, auxiliaries=["context"])
        >>> [(strategy.primary_weight(t), strategy.weights(t)["context"]) for t in (1, 2, 3)]
        [(0.0, 1.0), (0.0, 1.0), (1.0, 0.0)]
    """

    at: int

    def __init__(
        self,
        at: int = SWITCH_AT,
        *,
        weight: PerTask = 1.0,
        unit: Unit = "epoch",
        auxiliaries: Iterable[str] | None = None,
    ) -> None:
        super().__init__(whole("at", at), weight=weight, unit=unit, auxiliaries=auxiliaries)

    def primary_weight(self, t: int) -> float:
        """Return 0 in the pretraining, 1 from then on."""
        return 0.0 if t < self.at else 1.0
