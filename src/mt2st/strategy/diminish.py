"""Diminish: the auxiliary tasks fade out (section III-D, Algorithm 1)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar, Self

from mt2st.strategy.base import PerTask, Strategy, Unit
from mt2st.strategy.parameters import (
    DECAY_RANGE,
    INITIAL_RANGE,
    UNIT,
    LineStyle,
    Option,
    Range,
    by_task,
    fraction,
    non_negative,
    of_task,
)

NEGLIGIBLE = 0.05
"""Below a twentieth of the primary's weight a task moves little and still costs its full time. With the default decay
of 0.5 this is from t = 6 on (e ** -3 is 0.0498), so a run of the default eight epochs ends with three of the primary
task alone. At a hundredth it would be t = 10, and such a run would never reach single-task training."""


def _decay_of(parameter: str, alpha: PerTask) -> PerTask:
    """Return the decay rate of a factor per unit of time, in (0, 1]: ``-ln(alpha)``, by eq. 11."""
    alpha = by_task(fraction, parameter, alpha)
    if isinstance(alpha, Mapping):
        return {task: -math.log(factor) for task, factor in alpha.items()}
    return -math.log(alpha)


DECAY = Option("decay", "--decay", "Decay rate eta, at least 0. adaptive-diminish begins with it.")
FACTOR = Option(
    "decay",
    "--factor",
    "Factor per epoch (or step), above 0 and at most 1 (eq. 11).",
    convert=partial(_decay_of, "factor"),
)
INITIAL = Option("initial", "--initial", "Initial weight of the auxiliary tasks, at least 0.")
CURVATURE = Option("curvature", "--curvature", "Curvature nu, at least 0.")
NEGLIGIBLE_OPTION = Option("negligible", "--negligible", "Below this weight a task is off.")


class Diminish(Strategy):
    r"""Each auxiliary weight decays with time, eq. 2 of arXiv 2406.18038v2.

    .. math:: \gamma_k(t) = \gamma_{k,0} \, e^{-\eta_k t^{\nu_k}}

    Args:
        decay: the decay rate :math:`\eta_k`, at least 0.
        initial: the initial weight :math:`\gamma_{k,0}`, at least 0. The weight at ``t = 1`` is already decayed once.
        curvature: the curvature :math:`\nu_k`, at least 0: below 1 the decay is fast first and then slow, above 1 it
            is slow first and then fast; 0 makes the weight constant.
        negligible: a weight below this is returned as exactly 0, so that the task is not computed any more. The paper
            has no such threshold (0 restores its letter); without it an auxiliary task costs its full time for ever,
            and the transition to single-task training never comes.
        unit: whether ``t`` counts epochs or optimizer steps.
        auxiliaries: names of the auxiliary tasks.

    Each of ``decay``, ``initial`` and ``curvature`` is one number for all tasks or a mapping by task.

    Example:
        >>> strategy = Diminish(decay=0.5, auxiliaries=["context"])
        >>> [round(strategy.weights(t)["context"], 3) for t in (1, 2, 3, 5, 6)]
        [0.607, 0.368, 0.223, 0.082, 0.0]
        >>> strategy.transition_time(last=8)
        6
    """

    is_fixed = True
    reaches_single_task = True
    per_task = ("decay", "initial", "curvature")
    options: ClassVar[tuple[Option, ...] | None] = (DECAY, FACTOR, INITIAL, CURVATURE, NEGLIGIBLE_OPTION, UNIT)
    # The decay's range needs the curvature, so it comes after it.
    search: ClassVar[tuple[Range, ...]] = (INITIAL_RANGE, Range("curvature", 0.5, 2.0, log=True), DECAY_RANGE)
    style: ClassVar[LineStyle | None] = LineStyle("#0067a5", "#56b4e9", (), "D")  # blue

    def __init__(
        self,
        decay: PerTask = 0.5,
        *,
        initial: PerTask = 1.0,
        curvature: PerTask = 1.0,
        negligible: float = NEGLIGIBLE,
        unit: Unit = "epoch",
        auxiliaries: Iterable[str] | None = None,
    ) -> None:
        self.decay = by_task(non_negative, "decay", decay)
        self.initial = by_task(non_negative, "initial", initial)
        self.curvature = by_task(non_negative, "curvature", curvature)
        self.negligible = non_negative("negligible", negligible)
        super().__init__(auxiliaries, unit=unit)

    @classmethod
    def geometric(
        cls,
        alpha: PerTask,
        *,
        negligible: float = NEGLIGIBLE,
        unit: Unit = "epoch",
        auxiliaries: Iterable[str] | None = None,
    ) -> Self:
        """Return the form of eq. 11: the weight is ``alpha ** t``, that is ``curvature = 1, decay = -ln(alpha)``.

        Args:
            alpha: factor per unit of time, above 0 and at most 1; one number or ``{task: factor}``.
            negligible: as for the class.
            unit: as for the class.
            auxiliaries: as for the class.

        Raises:
            InputError: a factor lies outside (0, 1].

        Example:
            >>> round(Diminish.geometric(0.5, auxiliaries=["analogy"]).weights(3)["analogy"], 6)
            0.125
        """
        return cls(_decay_of("alpha", alpha), negligible=negligible, unit=unit, auxiliaries=auxiliaries)

    def gamma(self, task: str, t: int) -> float:
        """Return gamma_k(t) of eq. 2, before the threshold."""
        eta, nu = of_task(self.decay, task), of_task(self.curvature, task)
        if eta == 0:
            return of_task(self.initial, task)
        try:
            exponent = eta * float(t) ** nu
        except OverflowError:
            return 0.0
        return of_task(self.initial, task) * math.exp(-exponent)

    def weight_of(self, task: str, t: int) -> float:
        """Return gamma_k(t), or exactly 0 once it is below `negligible`."""
        gamma = self.gamma(task, t)
        return gamma if gamma >= self.negligible else 0.0
