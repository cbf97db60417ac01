"""UncertaintyWeighting: a baseline that learns a variance of each task along with the network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mt2st.strategy.base import PRIMARY_TASK, PerTask, Strategy
from mt2st.strategy.declarations import AUXILIARY_WEIGHT, INITIAL_RANGE, Option, Range, Scale
from mt2st.strategy.parameters import of_task, positive_number, within

MOST = 100.0
"""The largest weight, and the inverse of the smallest: the loss of a task that is solved, or below 0, asks for ever
more."""


class UncertaintyWeighting(Strategy):
    r"""Weigh each task by the inverse of a variance that is learned (Kendall et al. 2018, arXiv 1705.07115, eq. 10).

    The training minimises, over the network and the log-variances :math:`s_k`,

    .. math:: \sum_k e^{-s_k} L_k + s_k / 2

    so that a task weighs :math:`e^{-s_k}`, the primary's among them. The gradient with respect to :math:`s_k` needs no
    more than the loss as a number, :math:`1/2 - e^{-s_k} L_k`; each step goes ``rate`` against it. A task whose loss
    stays as it is comes to weigh :math:`1 / (2 L_k)`. Weights stay within a factor of 100 of 1.

    This is the form for cross entropies; that of a squared error has :math:`e^{-s_k} L_k / 2`, which is another scale
    of the loss only.

    Args:
        rate: learning rate of the log-variances, above 0.
        initial: weight of the auxiliary tasks in the first step, from 0.01 to 100; one number or ``{task: weight}``.
            The primary's is 1.
        auxiliaries: names of the auxiliary tasks.

    Raises:
        InputError: when a parameter is out of its range.

    Example:
        >>> strategy = UncertaintyWeighting(rate=0.5, auxiliaries=["context"])
        >>> for _ in range(100):
        ...     strategy.after_step({"context": 2.0}, primary_loss=0.5)
        >>> round(strategy.primary_weight(1), 3), round(strategy.weights(1)["context"], 3)
        (1.0, 0.25)
    """

    name = "uncertainty"
    is_fixed = True
    needs_losses = True
    options = (
        Option("rate", "--uncertainty-rate", "Learning rate of the tasks' log-variances."),
        Option("initial", AUXILIARY_WEIGHT, "Weight of the auxiliary tasks in the first step."),
    )
    search = (INITIAL_RANGE, Range("rate", 0.2, 5.0, Scale.FACTOR, log=True))

    def __init__(self, rate: float = 0.02, *, initial: PerTask = 1.0, auxiliaries: Iterable[str] | None = None) -> None:
        self.rate = positive_number("rate", rate)
        self.initial = within("initial", initial, 1 / MOST, MOST)
        self._log_variances: dict[str, float] = {}
        super().__init__(auxiliaries, unit="step")

    def weight_of(self, task: str, t: int) -> float:  # noqa: ARG002  # it depends on what was learned, not on time
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

    def learned_state(self) -> dict[str, Any]:
        """Return what was learned from the losses, as plain JSON values."""
        return {"log_variances": dict(self._log_variances)} if self._log_variances else {}

    def load_learned_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a `learned_state`."""
        self._log_variances = {task: float(value) for task, value in state["log_variances"].items()}
