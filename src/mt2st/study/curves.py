"""The curves of runs: what was measured over the epochs, and its mean over the seeds of a method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mt2st.study.result import CellResult
from mt2st.study.statistics import t_interval
from mt2st.study.study import FACTORS, Study
from mt2st.study.time_to_target import SINGLE_TASK
from mt2st.training import Evaluation, Run, Transition

Value = Callable[[Evaluation], float | None]
"""Reads a value off an evaluation; None, or one that is not finite, where there is none."""


@dataclass(frozen=True)
class Point:
    """A point of a curve.

    Attributes:
        x: epochs, or seconds of training.
        y: mean of the runs that have a value there.
        low: lower bound of its 95 % t interval; None with one run, and where all have the same.
        high: upper bound; likewise.
        n: how many runs have one.
    """

    x: float
    y: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Curve:
    """A line of a figure.

    Attributes:
        name: of the method or the task that it is about.
        points: in the order of ``x``.
    """

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Panel:
    """What is drawn in one figure: the methods of a setting, single-task always among them where it was run.

    Attributes:
        factors: encoder, embedding and auxiliary tasks, in the order of `FACTORS`.
        methods: the results by method, and then by seed.
    """

    factors: tuple[str, ...]
    methods: Mapping[str, Mapping[int, CellResult]]

    def title(self, varying: Sequence[str]) -> str:
        """Return what tells the panel from others of its study: empty where nothing varies.

        Example:
            >>> Panel(("cnn", "random", "context"), {}).title(["encoder", "auxiliary"])
            'encoder cnn, auxiliary context'
        """
        return ", ".join(f"{factor} {self.factors[FACTORS.index(factor)]}" for factor in varying)


def panels(study: Study) -> list[Panel]:
    """Return a panel for each setting of a study, in its order; single-task alone has none if it stands in another."""
    settings: dict[tuple[str, ...], dict[str, Mapping[int, CellResult]]] = {}
    for group, results in study.groups.items():
        methods = settings.setdefault(group.factors, {})
        if group.name != SINGLE_TASK and not methods and (reference := study.reference(group, SINGLE_TASK)):
            methods[SINGLE_TASK] = reference
        methods[group.name] = results
    found = [Panel(factors, methods) for factors, methods in settings.items()]
    shown = [panel.methods[SINGLE_TASK] for panel in found if len(panel.methods) > 1 and SINGLE_TASK in panel.methods]
    return [panel for panel in found if list(panel.methods) != [SINGLE_TASK] or panel.methods[SINGLE_TASK] not in shown]


def epochs_of(run: Run) -> list[float]:
    """Return how many epochs lay behind at each evaluation: with several an epoch, fractions of one.

    Example:
        >>> def at(epoch): return Evaluation(epoch, 0, 0.0, {}, {}, {}, 0.0, {})
        >>> epochs_of(Run([at(1), at(1), at(2), at(2)]))
        [0.5, 1.0, 1.5, 2.0]
    """
    counts: dict[int, int] = {}
    for each in run.evaluations:
        counts[each.epoch] = counts.get(each.epoch, 0) + 1
    in_each = max(counts.values(), default=1)  # the last epoch may have ended early
    seen: dict[int, int] = {}
    positions = []
    for each in run.evaluations:
        seen[each.epoch] = seen.get(each.epoch, 0) + 1
        positions.append(each.epoch - 1 + seen[each.epoch] / in_each)
    return positions


def by_epoch(name: str, runs: Iterable[Run], value: Value) -> Curve:
    """Return the mean over the runs at each epoch; runs that have ended, or have no value, are left out there."""
    found: dict[float, list[float]] = {}
    for run in runs:
        for x, each in zip(epochs_of(run), run.evaluations, strict=True):
            y = value(each)
            if y is not None and math.isfinite(y):
                found.setdefault(round(x, 6), []).append(y)
    return Curve(name, tuple(_point(x, found[x]) for x in sorted(found)))


def by_seconds(name: str, runs: Sequence[Run], value: Value) -> Curve:
    """Return the same as `by_epoch`, at the mean seconds of training that lay behind then."""
    runs = list(runs)
    seconds = {point.x: point.y for point in by_epoch(name, runs, lambda each: each.train_seconds).points}
    return Curve(
        name,
        tuple(
            Point(seconds[point.x], point.y, point.low, point.high, point.n)
            for point in by_epoch(name, runs, value).points
        ),
    )


def tasks_of(runs: Iterable[Run]) -> list[str]:
    """Return the auxiliary tasks that have a weight in any of the runs, in their order."""
    return list(dict.fromkeys(task for run in runs for each in run.evaluations for task in each.weights))


def epoch_of(run: Run, transition: Transition) -> float:
    """Return how many epochs lay behind when an auxiliary task went off.

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


def _point(x: float, values: Sequence[float]) -> Point:
    interval = t_interval(values)
    return Point(x, interval.mean, interval.low, interval.high, interval.n)
