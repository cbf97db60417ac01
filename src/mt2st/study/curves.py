"""Curves of runs: a value over the epochs or seconds, as its mean over the seeds of a method."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mt2st.study.result import CellResult
from mt2st.study.runs import FACTORS, SINGLE_TASK, RunRow
from mt2st.study.statistics import t_interval
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


@dataclass(frozen=True)
class Panel:
    """The methods of one setting (`FACTORS`), which are drawn together, single-task among them where it was run."""

    factors: tuple[str, ...]
    methods: Mapping[str, Mapping[int, CellResult]]

    @property
    def runs(self) -> dict[str, list[Run]]:
        """The runs of each method."""
        return {name: [each.run for each in results.values()] for name, results in self.methods.items()}

    def title(self, varying: Sequence[str]) -> str:
        """Return the values of the factors that vary in the study; empty where none does.

        Example:
            >>> Panel(("cnn", "random", "context"), {}).title(["encoder", "auxiliary"])
            'encoder cnn, auxiliary context'
        """
        return ", ".join(f"{factor} {self.factors[FACTORS.index(factor)]}" for factor in varying)


def panels(study: Study) -> list[Panel]:
    """Return a panel for each setting of a study. Single-task alone gets none if it is part of another panel."""
    settings: dict[tuple[str, ...], dict[str, Mapping[int, CellResult]]] = {}

    def whole(rows: Mapping[int, RunRow]) -> Mapping[int, CellResult]:
        return {seed: study.result_of(row) for seed, row in rows.items()}

    for group, rows in study.groups.items():
        methods = settings.setdefault(group.factors, {})
        if group.name != SINGLE_TASK and not methods and (reference := study.single_task(group)):
            methods[SINGLE_TASK] = whole(reference)
        methods[group.name] = whole(rows)
    found = [Panel(factors, methods) for factors, methods in settings.items()]
    shown = [panel.methods[SINGLE_TASK] for panel in found if len(panel.methods) > 1 and SINGLE_TASK in panel.methods]
    return [panel for panel in found if list(panel.methods) != [SINGLE_TASK] or panel.methods[SINGLE_TASK] not in shown]


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
