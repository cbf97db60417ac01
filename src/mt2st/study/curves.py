"""Curves of runs: a value over the epochs or seconds, as its mean over the seeds of a method."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from mt2st.study.statistics import t_interval
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
