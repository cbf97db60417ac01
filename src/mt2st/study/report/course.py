"""Pictures of the course of runs: measures, losses, weights of the auxiliary tasks, each with its data in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from mt2st.evaluation.tables import METRICS
from mt2st.models.labelled_auxiliaries import PRIMARY
from mt2st.study.curves import Curve, Point, Value, by_epoch, by_seconds, epoch_of, tasks_of
from mt2st.study.palette import Style, styles_of
from mt2st.study.report.blocks import Picture
from mt2st.study.report.line_chart import LineChart, Mark
from mt2st.study.study import VALIDATION
from mt2st.study.tables import UNKNOWN, Table
from mt2st.study.time_to_target import SINGLE_TASK
from mt2st.training import Evaluation, Run

Runs = Mapping[str, Sequence[Run]]
"""Runs by the name of their method."""
EPOCHS, SECONDS = "epochs of training", "seconds of training"
PRIMARY_LABEL = "primary task"
LOW = 190.0
"""Height of a picture of weights."""


def percents(value: float) -> str:
    """Return a measure as a share of 100."""
    return f"{100 * value:.1f} %"


def shares(value: float) -> str:
    """Return a round measure beside an axis."""
    return f"{100 * value:.6g} %"


def plain(value: float) -> str:
    """Return a loss or a weight."""
    return f"{value:.4g}"


def short(value: float) -> str:
    """Return a round loss or weight beside an axis."""
    return f"{value:.6g}"


def learning_curves(
    runs: Runs,
    metric: str,
    styles: Mapping[str, Style],
    name: str,
    *,
    part: str = VALIDATION,
    marks: Sequence[Mark] = (),
) -> list[Picture]:
    """Return pictures of the measure between epochs, by epoch and by second, and of each loss by epoch.

    Args:
        runs: by method.
        metric: the measure that the runs were chosen by.
        styles: by method.
        name: what the identifiers of the pictures begin with.
        part: what the measured part is called.
        marks: moments, in epochs.
    """
    part = part.capitalize()
    measure: Value = lambda each: each.validation.get(metric)  # noqa: E731
    several = any(len(each) > 1 for each in runs.values())
    note = "Lines: mean over the seeds; bands: 95 % t interval." if several else ""
    found = [
        _picture(
            f"{name}-epochs",
            f"{part} {METRICS[metric]} by epoch",
            [by_epoch(method, each, measure) for method, each in runs.items()],
            styles,
            EPOCHS,
            shares,
            percents,
            note,
            marks=marks,
        ),
        _picture(
            f"{name}-seconds",
            f"{part} {METRICS[metric]} by training time",
            [by_seconds(method, each, measure) for method, each in runs.items()],
            styles,
            SECONDS,
            shares,
            percents,
            "Evaluation is no part of the time.",
        ),
        _picture(
            f"{name}-validation-loss",
            f"{part} loss by epoch",
            [by_epoch(method, each, lambda one: one.validation.get("loss")) for method, each in runs.items()],
            styles,
            EPOCHS,
            short,
            plain,
        ),
    ]
    tasks = [PRIMARY, *tasks_of(run for each in runs.values() for run in each)]
    for number, task in enumerate(tasks):
        title = "Training loss of the primary task by epoch" if task == PRIMARY else f"Loss of the task {task} by epoch"
        curves = [by_epoch(method, each, partial(_loss, task)) for method, each in runs.items()]
        found.append(_picture(f"{name}-loss-{number}", title, curves, styles, EPOCHS, short, plain))
    return [each for each in found if each is not None]


def weight_courses(runs: Runs, name: str) -> list[Picture]:
    """Return a picture of the weights of the auxiliary tasks over time for each method that has such tasks on.

    Args:
        runs: by method.
        name: what the identifiers of the pictures begin with.
    """
    tasks = tasks_of(run for each in runs.values() for run in each)
    colours = {**styles_of(tasks), PRIMARY_LABEL: styles_of([SINGLE_TASK])[SINGLE_TASK]}
    found = []
    for number, (method, each) in enumerate(runs.items()):
        curves = [by_epoch(task, each, partial(_weight, task)) for task in tasks]
        curves = [curve for curve in curves if any(point.y > 0 for point in curve.points)]
        if any(one.primary_weight != 1 for run in each for one in run.evaluations):
            curves.append(by_epoch(PRIMARY_LABEL, each, lambda one: one.primary_weight))
        if not curves:
            continue
        marks = _transitions(each)
        note = f"{'; '.join(mark.label for mark in marks)}." if marks else "No task went off before the end."
        picture = _picture(
            f"{name}-{number}",
            f"Weights of the auxiliary tasks: {method}",
            curves,
            colours,
            EPOCHS,
            short,
            plain,
            note,
            y_range=(0.0, 1.0),
            steps=True,
            marks=marks,
            height=LOW,
        )
        if picture:
            found.append(picture)
    return found


def _picture(
    identifier: str,
    title: str,
    curves: Iterable[Curve],
    styles: Mapping[str, Style],
    x_label: str,
    form: Callable[[float], str],
    exact: Callable[[float], str],
    note: str = "",
    *,
    y_range: tuple[float, float] | None = None,
    steps: bool = False,
    marks: Sequence[Mark] = (),
    height: float | None = None,
) -> Picture | None:
    """Return a picture of the curves that have points, or None without any."""
    drawn = [curve for curve in curves if curve.points]
    if not drawn:
        return None
    x_form = seconds if x_label == SECONDS else epochs
    more = {} if height is None else {"height": height}
    chart = LineChart(
        identifier, title, drawn, styles, x_label, form, exact, x_form, y_range, steps=steps, marks=marks, **more
    )
    table = by_time_table if x_label == SECONDS else by_epoch_table
    return Picture(chart, table(drawn, exact), note)


def epochs(value: float) -> str:
    """Return a number of epochs in words."""
    return f"epoch {value:.3g}"


def seconds(value: float) -> str:
    """Return seconds in words."""
    return f"{value:,.1f} s"


def by_epoch_table(curves: Sequence[Curve], form: Callable[[float], str]) -> Table:
    """Return curves over epochs as a table: a row an epoch, a column a curve."""
    places = sorted({point.x for curve in curves for point in curve.points})
    values = [{point.x: point for point in curve.points} for curve in curves]
    rows = [[f"{x:.6g}", *(_field(each.get(x), form) for each in values)] for x in places]
    return Table("data", ["epoch", *(curve.name for curve in curves)], rows)


def by_time_table(curves: Sequence[Curve], form: Callable[[float], str]) -> Table:
    """Return curves over seconds as a table: a row an evaluation of a curve, as each has times of its own."""
    rows = [[curve.name, f"{each.x:.1f}", _field(each, form)] for curve in curves for each in curve.points]
    return Table("data", ["", SECONDS, "value"], rows)


def _field(point: Point | None, form: Callable[[float], str]) -> str:
    if point is None:
        return UNKNOWN
    if point.low is None or point.high is None:
        return form(point.y) if point.n == 1 else f"{form(point.y)} ({point.n})"
    return f"{form(point.y)} [{form(point.low)}, {form(point.high)}] ({point.n})"


def _transitions(runs: Sequence[Run]) -> list[Mark]:
    """Return when tasks went off: one mark a task, or one for each different time of it."""
    found: dict[tuple[str, float], int] = {}
    for run in runs:
        for each in run.transitions:
            key = each.task, round(epoch_of(run, each), 3)
            found[key] = found.get(key, 0) + 1
    marks = []
    for (task, x), count in sorted(found.items(), key=lambda item: item[0][1]):
        share = "" if count == len(runs) else f" ({count} of {len(runs)} seeds)"
        marks.append(Mark(x, f"{task} off after {_count(x)}{share}"))
    return marks


def _count(epochs: float) -> str:
    return f"{epochs:.3g} epoch{'' if epochs == 1 else 's'}"


def _loss(task: str, each: Evaluation) -> float | None:
    return each.losses.get(task)


def _weight(task: str, each: Evaluation) -> float | None:
    return each.weights.get(task)
