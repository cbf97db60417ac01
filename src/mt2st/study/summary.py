"""From the results of a study to the rows of its table, and to the curves of its charts.

How soon a method is as good as single-task gets: each run's row (`mt2st.study.runs`) has what the run had spent when it
first reached the best validation score of single-task with the same seed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mt2st.evaluation.tables import SECOND_METRIC
from mt2st.study.runs import MULTI_TASK, QUANTITIES, SINGLE_TASK, Cost, Group, Groups, RunRow, reference
from mt2st.study.statistics import (
    SIGNIFICANT,
    Difference,
    Interval,
    geometric_interval,
    holm,
    paired_difference,
    t_interval,
    t_test,
)
from mt2st.study.study import Study
from mt2st.training import Evaluation, Run, Transition

Value = Callable[[Evaluation], float | None]
"""Reads a value from an evaluation. None and values that are not finite are left out."""


@dataclass(frozen=True)
class Point:
    """A point of a curve: at ``x`` epochs, or seconds of training, the mean of ``n`` runs, with its 95 % t interval."""

    x: float
    y: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Curve:
    """A line of a chart: the name of its method or task, and its points in the order of ``x``."""

    name: str
    points: tuple[Point, ...]


def epochs_of(run: Run) -> list[float]:
    """Return the epochs that had passed at each evaluation: fractions, with several evaluations an epoch.

    Example:
        >>> def at(epoch): return Evaluation(epoch, 0, 0.0, {}, {}, {}, 0.0, {})
        >>> epochs_of(Run([at(1), at(1), at(2), at(2)]))
        [0.5, 1.0, 1.5, 2.0]
    """
    in_each = max(Counter(each.epoch for each in run.evaluations).values(), default=1)  # the last may have ended early
    seen: Counter[int] = Counter()
    positions = []
    for each in run.evaluations:
        seen[each.epoch] += 1
        positions.append(each.epoch - 1 + seen[each.epoch] / in_each)
    return positions


def by_epoch(name: str, runs: Iterable[Run], value: Value) -> Curve:
    """Return the mean over the runs at each epoch. Runs that have ended, or have no value there, are left out."""
    found: dict[float, list[float]] = {}
    for run in runs:
        for x, each in zip(epochs_of(run), run.evaluations, strict=True):
            y = value(each)
            if y is not None and math.isfinite(y):
                found.setdefault(round(x, 6), []).append(y)
    intervals = ((x, t_interval(found[x])) for x in sorted(found))
    return Curve(name, tuple(Point(x, each.mean, each.low, each.high, each.n) for x, each in intervals))


def by_seconds(name: str, runs: Sequence[Run], value: Value) -> Curve:
    """Return the curve of `by_epoch` over the mean seconds of training that had passed."""
    seconds = {point.x: point.y for point in by_epoch(name, runs, lambda each: each.train_seconds).points}
    points = by_epoch(name, runs, value).points
    return Curve(name, tuple(replace(point, x=seconds[point.x]) for point in points))


def tasks_of(runs: Iterable[Run]) -> list[str]:
    """Return the auxiliary tasks that have a weight in any of the runs, in their order."""
    return list(dict.fromkeys(task for run in runs for each in run.evaluations for task in each.weights))


def epoch_of(run: Run, transition: Transition) -> float:
    """Return the epochs that had passed when an auxiliary task went off.

    Example:
        >>> def at(epoch): return Evaluation(epoch, 10 * epoch, 0.0, {}, {}, {}, 0.0, {})
        >>> epoch_of(Run([at(1), at(2)]), Transition("context", epoch=2, step=16))
        1.5
    """
    before, step = 0.0, 0
    for x, each in zip(epochs_of(run), run.evaluations, strict=True):
        if each.step >= transition.step:
            return before + (x - before) * (transition.step - 1 - step) / max(1, each.step - step)
        before, step = x, each.step
    return before


@dataclass(frozen=True)
class Ratio:
    """A cost over that of another method, seed by seed.

    Attributes:
        ratios: of the seeds in which both reached the target.
        never: seeds in which the other one reached it, and this one never did.
    """

    ratios: Sequence[float]
    never: int

    @property
    def interval(self) -> Interval | None:
        """Geometric mean of the ratios with its t interval; None without any."""
        return geometric_interval(self.ratios) if self.ratios else None

    @property
    def p(self) -> float | None:
        """p-value of the paired t test (`t_test`) on the logarithms of the costs, not adjusted for anything."""
        return t_test([math.log(each) for each in self.ratios]) if self.ratios else None

    @property
    def reached(self) -> int:
        """In how many seeds both reached the target."""
        return len(self.ratios)


@dataclass(frozen=True)
class TimeToTarget:
    """How soon a group's runs reached their targets: costs by seed, and ratios by other method, then by quantity."""

    costs: Mapping[int, Cost | None]
    ratios: Mapping[str, Mapping[str, Ratio]]

    @property
    def reached(self) -> int:
        """In how many seeds the target was reached."""
        return sum(cost is not None for cost in self.costs.values())


def ratio(costs: Mapping[int, Cost | None], others: Mapping[int, Cost | None], quantity: str) -> Ratio:
    """Return the costs over those of the same seeds in another method, which is left out where it reached no target.

    Example:
        >>> costs = {1: Cost(10.0, 50, 0.0), 2: Cost(10.0, 50, 0.0), 3: None}
        >>> others = {1: Cost(20.0, 50, 0.0), 2: Cost(80.0, 50, 0.0), 3: Cost(9.0, 9, 0.0)}
        >>> ratio(costs, others, "seconds")
        Ratio(ratios=[0.5, 0.125], never=1)
    """
    seeds = [seed for seed in sorted(costs.keys() & others.keys()) if getattr(others[seed], quantity, 0)]
    both = [(getattr(costs[seed], quantity), getattr(others[seed], quantity)) for seed in seeds if costs[seed]]
    return Ratio([own / other for own, other in both if own], never=len(seeds) - len(both))


def time_to_target(groups: Groups) -> dict[Group, TimeToTarget]:
    """Return how soon each group reached single-task's best; groups without a single-task run are left out.

    The ratios are to single-task and to multi-task in the same setting, where they were run. A seed in which
    single-task never rose above 0 (F1 of a tagger that finds nothing) has nothing to reach, and is left out.
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


@dataclass(frozen=True)
class Row:
    """A group in the table: a method in a setting, over its seeds.

    Attributes:
        score: the metric on the test part, in [0, 1].
        second: the second metric (`mt2st.evaluation.tables.SECOND_METRIC`), in [0, 1].
        seconds: of training of a run, evaluation apart.
        difference: of the metric to the reference's, paired by seed; None for the reference, or without one.
        p: its p-value, adjusted for the number of methods that are compared with the reference in its setting (the
            same encoder, embedding and auxiliary tasks); None where the difference has none, as with two seeds.
        target: how soon single-task's best was reached; None where single-task was not run, or there is no validation
            part to reach it on.
        best: whether its mean is the largest and its lead over each other row is significant, adjusted for the number
            of these leads.
    """

    group: Group
    seeds: int
    score: Interval
    second: Interval
    seconds: Interval
    difference: Difference | None = None
    p: float | None = None
    target: TimeToTarget | None = None
    best: bool = False

    @property
    def significant(self) -> bool:
        """Whether the difference to the reference is significant."""
        return self.p is not None and self.p < SIGNIFICANT


def summarise(study: Study) -> list[Row]:
    """Return a row a group, in the order of the study; each is compared with single-task in its own setting.

    Raises:
        InputError: when the results are of different metrics, or there is none.
    """
    metric = study.metric
    targets = time_to_target(study.groups)
    rows = [
        Row(
            group=group,
            seeds=len(results),
            score=t_interval([each.score for each in results.values()]),
            second=t_interval([each.test[SECOND_METRIC[metric]] for each in results.values()]),
            seconds=t_interval([each.cost.seconds for each in results.values()]),
            difference=None if group.name == SINGLE_TASK else _difference(results, study.single_task(group)),
            target=targets.get(group),
        )
        for group, results in study.groups.items()
    ]
    return _with_best(study, _with_p(rows))


def _with_p(rows: list[Row]) -> list[Row]:
    """Adjust the p-values, each setting for itself: a setting more must not hide what another one shows."""
    settings: dict[tuple[str, ...], dict[int, float]] = {}
    for number, row in enumerate(rows):
        if row.difference and row.difference.p is not None:
            settings.setdefault(row.group.factors, {})[number] = row.difference.p
    for p_values in settings.values():
        for number, p in zip(p_values, holm(list(p_values.values())), strict=True):
            rows[number] = replace(rows[number], p=p)
    return rows


def _with_best(study: Study, rows: list[Row]) -> list[Row]:
    first = max(range(len(rows)), key=lambda number: rows[number].score.mean)
    leads = [
        _difference(study.groups[rows[first].group], study.groups[row.group])
        for number, row in enumerate(rows)
        if number != first
    ]
    # The means are over all seeds of each, the leads over those in common: these may have the other sign.
    p_values = [lead.p for lead in leads if lead is not None and lead.p is not None and lead.interval.mean > 0]
    if leads and len(p_values) == len(leads) and max(holm(p_values)) < SIGNIFICANT:
        rows[first] = replace(rows[first], best=True)
    return rows


def _difference(results: Mapping[int, RunRow], reference: Mapping[int, RunRow]) -> Difference | None:
    return paired_difference(_scores(results), _scores(reference))


def _scores(results: Mapping[int, RunRow]) -> dict[int, float]:
    return {seed: each.score for seed, each in results.items()}
