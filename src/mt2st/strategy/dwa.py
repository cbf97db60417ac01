"""DWA, dynamic weight average: a baseline that weighs by how fast each loss falls."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mt2st.strategy.base import PRIMARY_TASK, Strategy
from mt2st.strategy.observation import Observation
from mt2st.strategy.parameters import Option, Range, positive

LARGEST = 1e6
"""Bound on a ratio of losses, so that no exponential overflows."""


class DWA(Strategy):
    r"""Weigh most the tasks whose losses fall slowest (Liu et al. 2019, arXiv 1803.10704, eq. 7).

    .. math:: \lambda_k(t) = \frac{K \, e^{w_k(t-1)/T}}{\sum_i e^{w_i(t-1)/T}}, \quad
              w_k(t-1) = \frac{L_k(t-1)}{L_k(t-2)}

    with :math:`L_k(t)` the mean training loss of task :math:`k` in epoch :math:`t` and :math:`K` the number of tasks,
    the primary's among them; in the first two epochs all weights are 1. The weights always sum to :math:`K`. The ratio
    of a task whose loss is not above 0, or was not measured, counts as 1.

    Args:
        temperature: :math:`T`, above 0: the larger, the more alike the weights. The paper's is 2.
        auxiliaries: names of the auxiliary tasks.

    Example:
        >>> strategy = DWA(temperature=2.0, auxiliaries=["context"])
        >>> strategy.after_evaluation(Observation(1, 10, losses={"context": 2.0}, primary_loss=0.8))
        >>> strategy.after_evaluation(Observation(2, 20, losses={"context": 2.0}, primary_loss=0.4))
        >>> round(strategy.primary_weight(3), 3), {task: round(each, 3) for task, each in strategy.weights(3).items()}
        (0.876, {'context': 1.124})
    """

    off_is_final = False
    options = (Option("temperature", "--dwa-temperature", "The larger, the more alike the weights."),)
    search = (Range("temperature", 0.5, 8.0, log=True),)
    learned = ("_sums", "_last_step")

    def __init__(self, temperature: float = 2.0, *, auxiliaries: Iterable[str] | None = None) -> None:
        self.temperature = positive("temperature", temperature)
        # By epoch and task, the sum of its losses over steps and their number.
        self._sums: dict[str, dict[str, list[float]]] = {}
        self._last_step = 0
        super().__init__(auxiliaries)

    def weight_of(self, task: str, t: int) -> float:
        """Return the task's weight in an epoch, from the losses of the two before."""
        names = (PRIMARY_TASK, *self.auxiliaries)
        ratios = {name: self._ratio(name, t) for name in names}
        largest = max(ratios.values())
        shares = {name: math.exp((ratio - largest) / self.temperature) for name, ratio in ratios.items()}
        return len(names) * shares[task] / sum(shares.values())

    def primary_weight(self, t: int) -> float:
        """Return the primary's weight in an epoch."""
        return self.weight_of(PRIMARY_TASK, t)

    def after_evaluation(self, observation: Observation) -> None:
        """Use an evaluation's losses; of several in an epoch, the mean over its steps counts."""
        steps = max(1, observation.step - self._last_step)
        self._last_step = observation.step
        sums = self._sums.setdefault(str(observation.epoch), {})
        for task, loss in {PRIMARY_TASK: observation.primary_loss, **observation.losses}.items():
            if math.isfinite(loss):
                total, count = sums.get(task, [0.0, 0])
                sums[task] = [total + steps * loss, count + steps]

    def _ratio(self, task: str, t: int) -> float:
        last, before = self._mean(task, t - 1), self._mean(task, t - 2)
        return min(last / before, LARGEST) if last > 0 and before > 0 else 1.0

    def _mean(self, task: str, epoch: int) -> float:
        total, count = self._sums.get(str(epoch), {}).get(task, [math.nan, 1])
        return total / count
