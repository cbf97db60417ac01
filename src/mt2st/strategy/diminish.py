"""Diminish: the auxiliary tasks fade out (section III-D, Algorithm 1)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Self

from mt2st.strategy.base import PerTask, Strategy, Unit
from mt2st.strategy.parameters import fraction, non_negative, non_negative_number, of_task

NEGLIGIBLE = 0.05
"""Below a twentieth of the primary's weight a task moves little and still costs its full time. With the default decay
of 0.5 this is from t = 6 on (e ** -3 is 0.0498), so that a run of the default eight epochs ends with three of the
primary task alone; at a hundredth it would be t = 10, and such a run would never come to single-task training."""


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

    Raises:
        InputError: when a parameter is negative or not finite, or names an unknown task.

    Example:
        >>> strategy = Diminish(decay=0.5, auxiliaries=["context"])
        >>> [round(strategy.weights(t)["context"], 3) for t in (1, 2, 3, 5, 6)]
        [0.607, 0.368, 0.223, 0.082, 0.0]
        >>> strategy.single_task_from(last=8)
        6
    """

    foreseeable = True

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
        self.decay = non_negative("decay", decay)
        self.initial = non_negative("initial", initial)
        self.curvature = non_negative("curvature", curvature)
        self.negligible = non_negative_number("negligible", negligible)
        super().__init__(auxiliaries, unit)

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
            InputError: when a factor lies outside (0, 1].

        Example:
            >>> round(Diminish.geometric(0.5, auxiliaries=["analogy"]).weights(3)["analogy"], 6)
            0.125
        """
        alpha = fraction("alpha", alpha)
        decay: PerTask
        if isinstance(alpha, Mapping):
            decay = {task: -math.log(factor) for task, factor in alpha.items()}
        else:
            decay = -math.log(alpha)
        return cls(decay, negligible=negligible, unit=unit, auxiliaries=auxiliaries)

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

    def weight(self, task: str, t: int) -> float:
        """Return gamma_k(t), or exactly 0 once it is below `negligible`."""
        gamma = self.gamma(task, t)
        return gamma if gamma >= self.negligible else 0.0

    def _settings(self) -> dict[str, Any]:
        return {
            "decay": self.decay,
            "initial": self.initial,
            "curvature": self.curvature,
            "negligible": self.negligible,
        }

    def _per_task(self) -> dict[str, PerTask]:
        return {"decay": self.decay, "initial": self.initial, "curvature": self.curvature}
