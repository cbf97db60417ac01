"""How soon a method is as good as single-task gets: in seconds of training, in steps, in floating-point operations.

The costs of each run are in its row (`mt2st.study.runs`): what it had spent when it first reached the best validation
score of single-task with the same seed. Here they are compared with those of single-task and multi-task.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import median

from mt2st.study.runs import MULTI_TASK, QUANTITIES, SINGLE_TASK, Cost, Group, Groups, RunRow, reference
from mt2st.study.statistics import Interval, geometric_interval, t_test


@dataclass(frozen=True)
class Ratio:
    """A cost over that of another method, seed by seed.

    Attributes:
        interval: geometric mean over the seeds in which both reached the target, with its t interval; None without any.
        median: over the seeds in which the other one reached it; one that was never reached counts as infinite. None
            without any.
        reached: seeds in which both reached it.
        never: seeds in which the other one reached it, and this one never did.
        p: two-sided p-value of the paired t test on the logarithms of the costs in those seeds in which both reached
            it, not adjusted for anything; None with fewer than `LEAST_SEEDS` of them, and where the ratios are all the
            same.
    """

    interval: Interval | None
    median: float | None
    reached: int
    never: int
    p: float | None


@dataclass(frozen=True)
class TimeToTarget:
    """How soon a group's runs reached their targets.

    Attributes:
        costs: by seed; None where the target was never reached.
        ratios: by the name of the method that it is compared with, then by quantity (`QUANTITIES`).
    """

    costs: Mapping[int, Cost | None]
    ratios: Mapping[str, Mapping[str, Ratio]]

    @property
    def reached(self) -> int:
        """In how many seeds the target was reached."""
        return sum(cost is not None for cost in self.costs.values())


def ratio(costs: Mapping[int, Cost | None], others: Mapping[int, Cost | None], quantity: str) -> Ratio:
    """Return the costs over those of the same seeds in another method.

    Args:
        costs: by seed.
        others: by seed; those that never reached the target leave nothing to compare with.
        quantity: one of `QUANTITIES`.

    Example:
        >>> costs = {1: Cost(10.0, 50, 0.0), 2: Cost(10.0, 50, 0.0), 3: None}
        >>> others = {1: Cost(20.0, 50, 0.0), 2: Cost(80.0, 50, 0.0), 3: Cost(9.0, 9, 0.0)}
        >>> found = ratio(costs, others, "seconds")
        >>> round(found.interval.mean, 3), found.median, found.reached, found.never
        (0.25, 0.5, 2, 1)
    """
    ratios = []
    for seed in sorted(costs.keys() & others.keys()):
        cost, other = costs[seed], others[seed]
        if other is None or getattr(other, quantity) == 0:
            continue
        ratios.append(math.inf if cost is None else getattr(cost, quantity) / getattr(other, quantity))
    reached = [each for each in ratios if 0 < each < math.inf]
    return Ratio(
        interval=geometric_interval(reached) if reached else None,
        median=median(ratios) if ratios else None,
        reached=len(reached),
        never=sum(each == math.inf for each in ratios),
        p=t_test([math.log(each) for each in reached]),
    )


def time_to_target(groups: Groups) -> dict[Group, TimeToTarget]:
    """Return how soon each group reached single-task's best; groups without a single-task run are left out.

    The ratios are to single-task and to multi-task in the same setting, where they were run. A seed in which
    single-task never rose above 0 (F1 of a tagger that finds nothing) has nothing to reach, and is left out.

    Args:
        groups: of a study.
    """
    found = {}
    for group, rows in groups.items():
        targets = [seed for seed, row in reference(groups, group, SINGLE_TASK).items() if row.validation]
        costs = _costs(rows, targets)
        if not costs:
            continue
        others = {name: _costs(reference(groups, group, name), targets) for name in (SINGLE_TASK, MULTI_TASK)}
        ratios = {
            name: {quantity: ratio(costs, each, quantity) for quantity in QUANTITIES}
            for name, each in others.items()
            if each
        }
        found[group] = TimeToTarget(costs, ratios)
    return found


def _costs(rows: Mapping[int, RunRow], targets: Collection[int]) -> dict[int, Cost | None]:
    return {seed: rows[seed].to_best for seed in sorted(rows.keys() & set(targets))}
