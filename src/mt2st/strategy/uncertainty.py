"""UncertaintyWeighting: a baseline that learns a variance of each task along with the network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from mt2st.strategy.base import PRIMARY_TASK, PerTask, Strategy
from mt2st.strategy.parameters import (
    AUXILIARY_WEIGHT,
    INITIAL_RANGE,
    Option,
    Range,
    Scale,
    by_task,
    of_task,
    positive,
    within,
)

MOST = 100.0
"""The largest weight, and the inverse of the smallest. Without it, the weight of a solved task grows for ever."""


class UncertaintyWeighting(Strategy):
    r"""Weigh each task by the inverse of a variance that is learned (Kendall et al. 2018, arXiv 1705.07115, eq. 10).

    The training minimises, over the network and the log-variances :math:`s_k`,

    .. math:: \sum_k e^{-s_k} L_k + s_k / 2

    so that each task, the primary too, weighs :math:`e^{-s_k}`. Each step goes ``rate`` against the gradient,
    :math:`1/2 - e^{-s_k} L_k`. A task whose loss is constant comes to weigh :math:`1 / (2 L_k)`. Weights stay within a
    factor of 100 of 1. This is the form for cross entropies; that of squared errors differs by the scale of the loss.

    Args:
        rate: learning rate of the log-variances, above 0.
        initial: weight of the auxiliary tasks in the first step, from 0.01 to 100; one number or ``{task: weight}``.
            The primary's is 1.
        auxiliaries: names of the auxiliary tasks.

    Example:
        >>> strategy = UncertaintyWeighting(rate=0.5, auxiliaries=["context"])
        >>> for _ in range(100):
        ...     strategy.after_step({"context": 2.0}, primary_loss=0.5)
        >>> round(strategy.primary_weight(1), 3), round(strategy.weights(1)["context"], 3)
        (1.0, 0.25)
    """

    name = "uncertainty"
    needs_losses = True
    per_task = ("initial",)
    options = (
        Option("rate", "--uncertainty-rate", "Learning rate of the tasks' log-variances."),
        Option("initial", AUXILIARY_WEIGHT, "Weight of the auxiliary tasks in the first step."),
    )
    learned = ("_log_variances",)
    search = (INITIAL_RANGE, Range("rate", 0.2, 5.0, Scale.FACTOR, log=True))

    def __init__(self, rate: float = 0.02, *, initial: PerTask = 1.0, auxiliaries: Iterable[str] | None = None) -> None:
        self.rate = positive("rate", rate)
        self.initial = by_task(within(1 / MOST, MOST), "initial", initial)
        self._log_variances: dict[str, float] = {}
        super().__init__(auxiliaries, unit="step")

    def weight_of(self, task: str, t: int) -> float:  # noqa: ARG002
        """Return the task's weight as learned so far, whatever the time."""
        return math.exp(-self._log_variance(task))

    def primary_weight(self, t: int) -> float:
        """Return the primary's weight as learned so far, whatever the time."""
        return self.weight_of(PRIMARY_TASK, t)

    def after_step(self, losses: Mapping[str, float], primary_loss: float) -> None:
        """Take a step on the log-variances of the tasks whose losses are given and finite."""
        bound = math.log(MOST)
        for task, loss in {PRIMARY_TASK: primary_loss, **losses}.items():
            if math.isfinite(loss):
                s = self._log_variance(task)
                s -= self.rate * (0.5 - math.exp(-s) * loss)
                self._log_variances[task] = min(bound, max(-bound, s))

    def _log_variance(self, task: str) -> float:
        if task in self._log_variances:
            return self._log_variances[task]
        return 0.0 if task == PRIMARY_TASK else -math.log(of_task(self.initial, task))
