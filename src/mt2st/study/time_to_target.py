"""How soon a method is as good as single-task gets: in seconds of training, in steps, in floating-point operations.

The target of a seed is the best validation value that single-task reached with this seed, in the same setting. A run
reaches it at its first evaluation that is as good: with few evaluations an epoch, costs come in coarse steps
(``evaluations_per_epoch``). Evaluation itself is no part of the seconds, nor is the training of first word vectors,
which is the same for all that start from them. Where single-task never rose above 0 (F1 of a tagger that finds
nothing), there is nothing to reach, and the seed is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from mt2st.study.result import CellResult
from mt2st.study.statistics import Interval, geometric_interval, t_test
from mt2st.study.study import Group, Study

QUANTITIES = ("seconds", "steps", "flops")
"""What reaching the target costs."""
SINGLE_TASK, MULTI_TASK = "single-task", "multi-task"


@dataclass(frozen=True)
class Cost:
    """What a run had spent at some point.

    Attributes:
        seconds: of training.
        steps: of the optimizer.
        flops: floating-point operations (`mt2st.training.flops.FlopMeter`); 0 where nobody counted them.
    """

    seconds: float
    steps: int
    flops: float


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


def cost_to(result: CellResult, target: float) -> Cost | None:
    """Return what a run had spent when its validation metric first reached a target; None if it never did."""
    first = result.run.first_at(result.metric, target)
    return None if first is None else Cost(first.train_seconds, first.step, first.flops)


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


def time_to_target(
    study: Study, *, target: str = SINGLE_TASK, against: tuple[str, ...] = (SINGLE_TASK, MULTI_TASK)
) -> dict[Group, TimeToTarget]:
    """Return how soon each group reached its targets; groups without a run of the target's method are left out.

    Args:
        study: the results.
        target: the method whose best validation value, in the same setting and seed, is the target.
        against: the methods whose costs to the same target the ratios are to; those that were not run are left out.
    """
    found = {}
    for group, results in study.groups.items():
        goals = {
            seed: each.best_validation
            for seed, each in study.reference(group, target).items()
            if each.best_validation > 0
        }
        costs = _costs(results, goals)
        if not costs:
            continue
        others = {name: _costs(study.reference(group, name), goals) for name in against}
        ratios = {
            name: {quantity: ratio(costs, each, quantity) for quantity in QUANTITIES}
            for name, each in others.items()
            if each
        }
        found[group] = TimeToTarget(costs, ratios)
    return found


def _costs(results: Mapping[int, CellResult], goals: Mapping[int, float]) -> dict[int, Cost | None]:
    return {seed: cost_to(results[seed], goals[seed]) for seed in sorted(results.keys() & goals.keys())}
