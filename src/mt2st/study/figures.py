"""The figures of studies and runs: for the report's page and, as PNG and SVG, for papers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mt2st._files import own_files
from mt2st.errors import InputError, MissingExtraError
from mt2st.evaluation.tables import METRICS
from mt2st.strategy import LineStyle
from mt2st.study.charts import (
    EPOCHS,
    SECONDS,
    Chart,
    Entry,
    IntervalChart,
    LineChart,
    Mark,
    in_percent,
    paper_style,
    sheet,
    styles_of,
)
from mt2st.study.runs import SINGLE_TASK, RunRow
from mt2st.study.statistics import UNKNOWN, p_value, percent, points, ratio_text
from mt2st.study.study import VALIDATION, Study
from mt2st.study.summary import Curve, Row, Value, by_epoch, by_seconds, epoch_of, epochs_of, summarise, tasks_of
from mt2st.study.tables import Table
from mt2st.training import Freeze, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Runs = Mapping[str, Sequence[Run]]
"""Runs by the name of their method."""
FORMATS = ("png", "svg")
SCORES, TARGETS, CURVES, WEIGHTS = "scores", "time_to_target", "learning_curves", "weights"
"""Names of a study's figures, or their beginnings."""
PRIMARY_LABEL = "primary task"


@dataclass(frozen=True)
class Sheet:
    """The charts of one figure, with the name of its file; several settings have one each, and titles."""

    name: str
    charts: Sequence[Chart]
    title: str = ""


def write_sheets(sheets: Iterable[Sheet], folder: Path) -> None:
    """Write figures as PNG and SVG into a folder, in place of those that are there."""
    with paper_style(), own_files(folder) as there:
        for each in sheets:
            figure = sheet(each.charts, each.title)
            for form in FORMATS:
                metadata = {"Date": None} if form == "svg" else None
                figure.savefig(there / f"{each.name}.{form}", metadata=metadata)


@dataclass(frozen=True)
class Panel:
    """The runs of one setting by method, which are drawn together: single-task's among them where it was run.

    ``title`` has the values of the factors that vary in the study; it is empty where none does.
    """

    title: str
    runs: Runs


def panels(study: Study) -> list[Panel]:
    """Return a panel for each setting of a study. Single-task alone gets none if it is part of another panel."""
    settings: dict[tuple[str, ...], dict[str, Mapping[int, RunRow]]] = {}
    titles = {}
    for group, rows in study.groups.items():
        methods = settings.setdefault(group.factors, {})
        titles[group.factors] = group.setting(study.varying)
        if group.name != SINGLE_TASK and not methods and (reference := study.single_task(group)):
            methods[SINGLE_TASK] = reference
        methods[group.name] = rows
    shown = [methods.get(SINGLE_TASK) for methods in settings.values() if len(methods) > 1]
    return [
        Panel(
            titles[factors],
            {name: [study.result_of(row).run for row in rows.values()] for name, rows in methods.items()},
        )
        for factors, methods in settings.items()
        if list(methods) != [SINGLE_TASK] or methods[SINGLE_TASK] not in shown
    ]


def study_sheets(study: Study) -> list[Sheet]:
    """Return the figures of a study; those of several settings are numbered."""
    rows, styles = summarise(study), styles_of(group.name for group in study.groups)
    found = [Sheet(SCORES, score_charts(study, rows, styles))]
    if target := target_chart(study, rows, styles):
        found.append(Sheet(TARGETS, [target]))
    drawn = panels(study)
    for number, panel in enumerate(drawn, start=1):
        ending = f"_{number}" if len(drawn) > 1 else ""
        curves = learning_charts(panel.runs, study.metric, styles, study.measured_part)
        found.append(Sheet(f"{CURVES}{ending}", curves, panel.title))
        if weights := weight_charts(panel.runs):
            found.append(Sheet(f"{WEIGHTS}{ending}", weights, panel.title))
    return found


def score_charts(study: Study, rows: Sequence[Row], styles: Mapping[str, LineStyle]) -> list[Chart]:
    """Return the scores on the test part, and their differences to single-task where it was run."""
    metric = METRICS[study.metric]
    entries, data, differences, compared = [], [], [], []
    for row in rows:
        label, style, own = row.group.title(study.varying), styles[row.group.name], study.groups[row.group]
        entries.append(Entry(label, style, row.score, [each.score for each in own.values()], percent(row.score)))
        data += [[label, str(seed), f"{100 * each.score:.1f} %"] for seed, each in sorted(own.items())]
        if row.difference is None:
            continue
        other, found = study.single_task(row.group), row.difference
        each_seed = [own[seed].score - other[seed].score for seed in sorted(own.keys() & other.keys())]
        p = ", no p-value" if row.p is None else f", {p_value(row.p)}"
        differences.append(Entry(label, style, found.interval, each_seed, f"{points(found.interval)}{p}"))
        p_values = [UNKNOWN if each is None else f"{each:.3g}" for each in (found.p, row.p)]
        compared.append([label, points(found.interval), *p_values, f"{found.better} of {found.n}"])
    line = "line: 95 % t interval; " if any(row.score.low is not None for row in rows) else ""
    charts: list[Chart] = [
        IntervalChart(
            f"{metric.capitalize()} on the test part, by seed",
            entries,
            metric,
            in_percent,
            Table("data", ["strategy", "seed", metric], data),
            percent=True,
            note=f"Dot: mean; {line}ticks: the single seeds.",
        )
    ]
    if differences:
        header = ["strategy", "mean ± half 95 % t interval", "p", "p (Holm)", "better in seeds"]
        chart = IntervalChart(
            f"Difference of {metric} to {SINGLE_TASK}, seed by seed",
            differences,
            "points of 100",
            lambda value: f"{100 * value:+.3g}" if value else "0",
            Table("data", header, compared),
            line=0.0,
            note="Left of the line, single-task is better; right of it, worse.",
        )
        charts.append(chart)
    return charts


def target_chart(study: Study, rows: Sequence[Row], styles: Mapping[str, LineStyle]) -> IntervalChart | None:
    """Return how long each method took to single-task's best, as a ratio to it; None where nothing can be compared."""
    entries, data = [], []
    for row in rows:
        found = row.target.ratios.get(SINGLE_TASK, {}).get("seconds") if row.target else None
        if row.target is None or found is None or row.group.name == SINGLE_TASK:
            continue
        label = row.group.title(study.varying)
        ratio = ratio_text(found.interval) if found.interval else "never"
        text = f"{ratio}, {row.target.reached} of {len(row.target.costs)} seeds"
        entries.append(Entry(label, styles[row.group.name], found.interval, found.ratios, text))
        for seed, cost in row.target.costs.items():
            costs = ["never", UNKNOWN] if cost is None else [f"{cost.seconds:.1f}", f"{cost.steps:,}"]
            data.append([label, str(seed), *costs])
    if not entries:
        return None
    return IntervalChart(
        "Training time until single-task's best validation value was reached",
        entries,
        "ratio to single-task's own time",
        lambda value: f"{value:g}",
        Table("data", ["strategy", "seed", "seconds", "steps"], data),
        line=1.0,
        ratios=True,
        note="Left of the line, faster than single-task. Seeds that never reached it have no tick, and are counted.",
    )


def plot_learning_curves(runs: Run | Mapping[str, Run]) -> Figure:
    """Draw the course of one training, or of several: the metric, the losses, and the weights of auxiliary tasks.

    Args:
        runs: what `mt2st.training.Trainer.fit` returns, or an estimator's ``run_``; several by name. Names of
            strategies have their own colours.

    Returns:
        matplotlib's figure; ``figure.savefig("curves.png")`` writes it.

    Raises:
        InputError: a run has no evaluation: of few labels, all but the word vectors is learned in closed form.
        MissingExtraError: matplotlib (extra ``report``) is not installed.
    """
    named = {"run": runs} if isinstance(runs, Run) else dict(runs)
    for name, run in named.items():
        if not run.evaluations:
            raise InputError(f"the {name if name == 'run' else f'run {name!r}'} has no evaluation: there are no curves")
    measured = next(iter(named.values())).evaluations[0].validation
    metric = next((each for each in [*METRICS, *measured] if each in measured), "loss")
    marks = [Mark(epochs_of(runs)[runs.best], "kept")] if isinstance(runs, Run) else []
    lists = {name: [run] for name, run in named.items()}
    try:
        with paper_style():
            charts = learning_charts(lists, metric, styles_of(named), marks=marks)
            return sheet([*charts, *weight_charts(lists)])
    except ModuleNotFoundError as error:
        raise MissingExtraError("a figure of learning curves", "report") from error


def learning_charts(
    runs: Runs, metric: str, styles: Mapping[str, LineStyle], part: str = VALIDATION, marks: Sequence[Mark] = ()
) -> list[LineChart]:
    """Return the metric that runs were chosen by, by epoch and by second, and each loss by epoch."""
    score, percent = f"{part.capitalize()} {METRICS.get(metric, metric)}", metric in METRICS
    several = any(len(each) > 1 for each in runs.values())
    note = "Lines: mean over the seeds; bands: 95 % t interval, with three seeds or more." if several else ""
    measured = value_of("validation", metric)
    found = [
        LineChart(f"{score} by epoch", _curves(runs, measured), styles, percent=percent, note=note, marks=marks),
        LineChart(
            f"{score} by training time",
            [by_seconds(name, each, measured) for name, each in runs.items()],
            styles,
            SECONDS,
            percent=percent,
            note="Evaluation is no part of the time.",
        ),
    ]
    if metric != "loss":
        loss = _curves(runs, value_of("validation", "loss"))
        found.append(LineChart(f"{part.capitalize()} loss by epoch", loss, styles))
    auxiliaries = tasks_of(run for each in runs.values() for run in each)
    trained = dict.fromkeys(
        task for each in runs.values() for run in each for one in run.evaluations for task in one.losses
    )
    for task in sorted(trained, key=auxiliaries.__contains__):  # the primary task first
        whose = f"Loss of the task {task}" if task in auxiliaries else "Training loss of the primary task"
        found.append(LineChart(f"{whose} by epoch", _curves(runs, value_of("losses", task)), styles))
    return [chart for each in found if (chart := with_points(each)).curves]


def weight_charts(runs: Runs) -> list[LineChart]:
    """Return the weights of the auxiliary tasks over time: a chart for each method that has such tasks on."""
    tasks = tasks_of(run for each in runs.values() for run in each)
    styles = {**styles_of(tasks), PRIMARY_LABEL: styles_of([SINGLE_TASK])[SINGLE_TASK]}
    found = []
    for method, each in runs.items():
        curves = [by_epoch(task, each, value_of("weights", task)) for task in tasks]
        curves = [curve for curve in curves if any(point.y > 0 for point in curve.points)]
        if any(one.primary_weight != 1 for run in each for one in run.evaluations):
            curves.append(by_epoch(PRIMARY_LABEL, each, lambda one: one.primary_weight))
        if curves:
            marks = _transitions(each)
            note = f"{'; '.join(mark.label for mark in marks)}." if marks else "No task went off before the end."
            title = f"Weights of the auxiliary tasks: {method}"
            found.append(LineChart(title, curves, styles, EPOCHS, steps=True, marks=marks, note=note))
    return found


def with_points(chart: LineChart) -> LineChart:
    """Return a chart without the curves that have no point."""
    return replace(chart, curves=[curve for curve in chart.curves if curve.points])


def value_of(mapping: Literal["losses", "weights", "validation"], name: str) -> Value:
    """Return what reads a value by its name from one of an evaluation's mappings; None where it is not there."""
    return lambda each: getattr(each, mapping).get(name)


def _curves(runs: Runs, value: Value) -> list[Curve]:
    return [by_epoch(name, each, value) for name, each in runs.items()]


def _transitions(runs: Sequence[Run]) -> list[Mark]:
    """Return when tasks went off: one mark a task, or one for each different time of it."""
    found = Counter((each.task, round(epoch_of(run, each), 3)) for run in runs for each in run.transitions)
    marks = []
    for (task, x), count in sorted(found.items(), key=lambda item: item[0][1]):
        seeds = "" if count == len(runs) else f" ({count} of {len(runs)} seeds)"
        marks.append(Mark(x, f"{task} off after {x:.3g} epoch{'' if x == 1 else 's'}{seeds}"))
    return marks


FREE = "0.75"
"""Grey of the dimensions that went on learning."""


def plot_frozen_dimensions(freezes: Sequence[Freeze], path: Path | None = None) -> Figure:
    """Draw the relevance of each dimension, sorted, with the frozen ones coloured by the epoch of their freezing.

    The freezes are a run's, or what `mt2st.training.load_freezes` read; the relevance drawn is that of the last one.
    The figure is written to ``path`` in the format of its name's end (.png, .svg, .pdf).

    Example:
        >>> figure = plot_frozen_dimensions([Freeze(epoch=3, step=31, dimensions=[1], relevance=[0.5, 0.1, 0.2])])
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['learning (2)', 'frozen from epoch 3 (1)']
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    if not freezes:
        raise InputError("no dimension was frozen in this run: there is nothing to draw")
    relevance = freezes[-1].relevance
    order = sorted(range(len(relevance)), key=lambda dimension: relevance[dimension])
    rank = {dimension: number for number, dimension in enumerate(order)}
    frozen = {dimension for freeze in freezes for dimension in freeze.dimensions}
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    free = [dimension for dimension in order if dimension not in frozen]
    colours = colormaps["viridis"](np.linspace(0, 0.9, len(freezes)))
    bars: list[tuple[str, Sequence[int], Any]] = [(f"learning ({len(free)})", free, FREE)]
    for freeze, colour in zip(freezes, colours, strict=True):
        bars.append((f"frozen from epoch {freeze.epoch} ({len(freeze.dimensions)})", freeze.dimensions, colour))
    for label, dimensions, colour in bars:
        heights = [relevance[each] for each in dimensions]
        axes.bar([rank[each] for each in dimensions], heights, color=colour, width=1.0, label=label)
    axes.set_xlabel("dimensions, by relevance")
    axes.set_ylabel("relevance to the primary task")
    if min(relevance) > 0:
        axes.set_yscale("log")
    axes.legend(frameon=False)
    if path is not None:
        figure.savefig(path)
    return figure
