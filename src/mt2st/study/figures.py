"""A study's figures for papers, as PNG and SVG: learning curves, weights over time, scores and time to target.

They are drawn in a style of their own (``paper.mplstyle``), whatever the user's matplotlib is set to. Lines have their
names at their ends, and are told apart by dashes and markers on paper without colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from mt2st._files import complete_folder
from mt2st.evaluation.tables import METRICS
from mt2st.study.curves import Curve, by_epoch, by_seconds, epoch_of, panels, tasks_of
from mt2st.study.palette import Style, styles_of
from mt2st.study.scale import apart, ratio_ticks
from mt2st.study.statistics import Interval
from mt2st.study.study import VALIDATION, Study
from mt2st.study.summary import Row, summarise
from mt2st.study.time_to_target import SINGLE_TASK
from mt2st.study.verdict import group_title
from mt2st.training import Evaluation, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
WIDTH, HEIGHT = 7.0, 2.4
"""Of a row of two pictures, in inches: the width of a page of two columns."""
ROW = 0.24
"""Height of a line in a picture of intervals, in inches."""
LABEL = 9.0
"""Least distance of two names, in points."""
NAME, WIDE, LONGEST = 24, 18, 48
"""Longest name at a line, name of a row that still leaves room in half the width, and longest one of all."""


def write_figures(study: Study, folder: Path) -> None:
    """Write a study's figures as PNG and SVG into a folder, in place of those that are there.

    Raises:
        InputError: when the results cannot be compared, or the folder cannot be written.
    """
    with paper_style(), complete_folder(folder) as there:
        for name, figure in figures_of(study):
            for form in FORMATS:
                figure.savefig(there / f"{name}.{form}", metadata={"Date": None} if form == "svg" else None)


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw in the style of papers within a block.

    Example:
        >>> import matplotlib
        >>> with paper_style():
        ...     matplotlib.rcParams["font.size"]
        8.0
    """
    import matplotlib.style

    with as_file(files("mt2st.study").joinpath("paper.mplstyle")) as path, matplotlib.style.context(path):
        yield


def figures_of(study: Study) -> Iterator[tuple[str, Figure]]:
    """Yield the figures with their names; those of several settings are numbered.

    Raises:
        InputError: when the results cannot be compared.
    """
    rows = summarise(study)
    styles = styles_of(group.name for group in study.groups)
    yield "scores", scores_figure(study, rows, styles)
    targets = target_figure(study, rows, styles)
    if targets is not None:
        yield "time_to_target", targets
    drawn = panels(study)
    for number, panel in enumerate(drawn, start=1):
        runs = {name: [each.run for each in results.values()] for name, results in panel.methods.items()}
        ending = f"_{number}" if len(drawn) > 1 else ""
        title = panel.title(study.varying)
        yield f"learning_curves{ending}", curves_figure(runs, study.metric, styles, title, part=study.measured_part)
        weights = weights_figure(runs, styles, title)
        if weights is not None:
            yield f"weights{ending}", weights


def curves_figure(
    runs: Mapping[str, Sequence[Run]],
    metric: str,
    styles: Mapping[str, Style],
    title: str = "",
    *,
    part: str = VALIDATION,
) -> Figure:
    """Return measure and loss by epoch, and the measure by second: means with their 95 % t intervals.

    Args:
        runs: by the name of their method.
        metric: the measure.
        styles: by the same names.
        title: of the whole.
        part: what the measured part is called.
    """

    def measure(each: Evaluation) -> float | None:
        return each.validation.get(metric)

    figure = new_figure(WIDTH, 2 * HEIGHT, title)
    (left, right), (lower_left, lower_right) = figure.subplots(2, 2)
    score = f"{part} {METRICS[metric]} (%)"
    hundred = lambda value: 100 * value  # noqa: E731
    draw_lines(left, [by_epoch(name, each, measure) for name, each in runs.items()], styles, hundred)
    draw_lines(right, [by_seconds(name, each, measure) for name, each in runs.items()], styles, hundred)
    losses = [by_epoch(name, each, lambda one: one.validation.get("loss")) for name, each in runs.items()]
    draw_lines(lower_left, losses, styles)
    left.set(xlabel="epoch", ylabel=score)
    right.set(xlabel="seconds of training", ylabel=score)
    lower_left.set(xlabel="epoch", ylabel=f"{part} loss")
    tasks = tasks_of(run for each in runs.values() for run in each)
    if tasks:
        draw_lines(lower_right, [by_epoch(name, each, partial(_loss, tasks[0])) for name, each in runs.items()], styles)
        lower_right.set(xlabel="epoch", ylabel=f"loss of the task {tasks[0]}")
    else:
        lower_right.remove()
    return figure


def weights_figure(runs: Mapping[str, Sequence[Run]], styles: Mapping[str, Style], title: str = "") -> Figure | None:
    """Return the weights of each auxiliary task over time, with the moments when it went off; None without any."""
    tasks = tasks_of(run for each in runs.values() for run in each)
    if not tasks:
        return None
    figure = new_figure(WIDTH, HEIGHT * ((len(tasks) + 1) // 2), title)
    grid = figure.subplots((len(tasks) + 1) // 2, 2, squeeze=False)
    for axes, task in zip(grid.flat, tasks, strict=False):
        curves = [by_epoch(name, each, partial(_weight, task)) for name, each in runs.items()]
        draw_lines(axes, [curve for curve in curves if any(point.y for point in curve.points)], styles, steps=True)
        for name, each in runs.items():
            for place in {
                round(epoch_of(run, gone), 3) for run in each for gone in run.transitions if gone.task == task
            }:
                axes.axvline(place, color=styles[name].light, linewidth=0.6, linestyle=":")
        axes.set(xlabel="epoch", ylabel=f"weight of the task {task}")
    for axes in grid.flat[len(tasks) :]:
        axes.remove()
    return figure


def scores_figure(study: Study, rows: Sequence[Row], styles: Mapping[str, Style]) -> Figure:
    """Return the metric on the test part of each method: mean, 95 % t interval, single seeds."""
    labels = [group_title(row.group, study.varying) for row in rows]
    figure = _row_figure(labels)
    axes = figure.subplots()
    for place, row in enumerate(rows):
        scores = [100 * each.score for each in study.groups[row.group].values()]
        _interval(axes, place, row.score, scores, styles[row.group.name], 100.0)
    _rows(axes, labels)
    axes.set_xlabel(f"{METRICS[study.metric]} on the test part (%)")
    return figure


def target_figure(study: Study, rows: Sequence[Row], styles: Mapping[str, Style]) -> Figure | None:
    """Return how long each method took to single-task's best, as a ratio to it; None where nobody can be compared."""
    compared = [
        (row, found)
        for row in rows
        if row.group.name != SINGLE_TASK
        and row.target is not None
        and (found := row.target.ratios.get(SINGLE_TASK, {}).get("seconds")) is not None
    ]
    if not compared:
        return None
    labels = [
        f"{_short(group_title(row.group, study.varying), LONGEST)} ({found.reached}/{found.reached + found.never})"
        for row, found in compared
    ]
    figure = _row_figure(labels)
    axes = figure.subplots()
    for place, (row, found) in enumerate(compared):
        if found.interval is not None:
            _interval(axes, place, found.interval, [], styles[row.group.name])
    _rows(axes, labels)
    axes.axvline(1, color="0.4", linewidth=0.8)
    axes.set_xscale("log", base=2)
    places = ratio_ticks(*axes.get_xlim())
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.minorticks_off()
    axes.set_xlabel(f"training time to {SINGLE_TASK}'s best,\nratio to its own (in how many seeds)")
    return figure


def new_figure(width: float, height: float, title: str = "") -> Figure:
    """Return an empty figure of that size in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(_short(title, 2 * LONGEST), fontsize=8, x=0, ha="left")
    return figure


def _row_figure(labels: Sequence[str]) -> Figure:
    """Return a figure for rows with these labels; long ones get more room."""
    longest = max(map(len, labels))
    return new_figure(WIDTH / 2 if longest <= WIDE else WIDTH, ROW * len(labels) + 0.6)


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def draw_lines(
    axes: Axes,
    curves: Sequence[Curve],
    styles: Mapping[str, Style],
    form: Callable[[float], float] = lambda value: value,
    *,
    steps: bool = False,
) -> None:
    """Draw curves with their bounds into axes, each with its name at its end.

    Args:
        axes: where.
        curves: those without a point are left out.
        styles: by the names of the curves.
        form: of a value, that which is drawn.
        steps: draw steps that end at each point, without bounds.
    """
    ends: list[tuple[str, Style, float, float]] = []
    for curve in curves:
        if not curve.points:
            continue
        style = styles[curve.name]
        x, y = [each.x for each in curve.points], [form(each.y) for each in curve.points]
        line = (0, style.dash) if style.dash else "-"
        shown = ([0.0, *x], [y[0], *y]) if steps else (x, y)
        axes.plot(
            *shown,
            color=style.light,
            linestyle=line,
            marker=style.marker,
            markevery=[len(shown[0]) - 1],
            drawstyle="steps-pre" if steps else "default",
            clip_on=False,
        )
        bounds = [
            (each.x, form(each.low), form(each.high))
            for each in curve.points
            if each.low is not None and each.high is not None
        ]
        limits = axes.get_ylim()
        if bounds and not steps:
            places, low, high = (list(each) for each in zip(*bounds, strict=True))
            axes.fill_between(places, low, high, color=style.light, alpha=0.12, linewidth=0)
            axes.set_ylim(limits)
        ends.append((curve.name, style, x[-1], y[-1]))
    _names(axes, ends)


def _names(axes: Axes, ends: Sequence[tuple[str, Style, float, float]]) -> None:
    """Write the names at the right, each at the height of its line's end, as near as the others allow."""
    if not ends:
        return
    axes.relim()
    axes.autoscale(axis="y")
    low, high = axes.get_ylim()
    inches = axes.get_position().height * axes.get_figure(root=True).get_figheight()  # type: ignore[union-attr]
    height = 72 * inches / (high - low)
    places = apart([(y - low) * height for *_, y in ends], LABEL, 0.0, (high - low) * height)
    for (name, style, x, y), place in zip(ends, places, strict=True):
        axes.annotate(
            _short(name, NAME),
            (x, y),
            xytext=(1.02, place / height / (high - low)),
            textcoords="axes fraction",
            va="center",
            fontsize=7,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.4,
                "color": style.light,
                "linestyle": ":",
                "shrinkB": 3,
                "relpos": (0, 0.5),
            },
        )


def _interval(
    axes: Axes, place: int, interval: Interval, values: Sequence[float], style: Style, factor: float = 1.0
) -> None:
    if values:
        axes.plot(values, [place] * len(values), "|", color=style.light, alpha=0.5, markersize=6)
    if interval.low is not None and interval.high is not None:
        axes.plot([factor * interval.low, factor * interval.high], [place] * 2, color=style.light, linewidth=1.6)
    axes.plot([factor * interval.mean], [place], style.marker, color=style.light, markersize=5)


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [_short(label, LONGEST + 10) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.spines["left"].set_visible(False)


def _loss(task: str, each: Evaluation) -> float | None:
    return each.losses.get(task)


def _weight(task: str, each: Evaluation) -> float | None:
    return each.weights.get(task)
