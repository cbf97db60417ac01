"""Figures 5 to 11 of the paper: loss and accuracy by epoch in each mode, a chart for each embedding."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mt2st.strategy import PRIMARY_TASK
from mt2st.study.charts import LineChart, Mark, with_range
from mt2st.study.curves import Value, by_epoch, epoch_of
from mt2st.study.figures import Runs, loss_of, with_points, write_sheets
from mt2st.study.palette import styles_of
from mt2st.study.paper.printed import ORIGINAL
from mt2st.study.paper.tables import Pair, pairs
from mt2st.study.study import Study
from mt2st.training import Evaluation, Run

NUMBERS = {"multi-task": (6, 7), "diminish": (8, 9), "switch": (10, 11)}
"""The figures of loss and of accuracy of each mode. Figure 9 is known by its place alone."""


def write_paper_figures(study: Study, folder: Path) -> list[str]:
    """Write the figures as PNG and SVG into a folder, in place of those that are there; return their names."""
    return write_sheets(paper_sheets(study), folder)


def paper_sheets(study: Study) -> Iterator[tuple[str, str, list[LineChart]]]:
    """Yield name, title and charts of each figure that the study has runs of.

    Figure 5 shows the runs without auxiliary task. Those of multi-task, Diminish and Switch have a chart for each
    embedding with a line for each auxiliary task: the losses of the primary and of the auxiliary tasks, and the
    accuracy on the validation part, or on the training part where the protocol has no other.
    """
    rows = pairs(study)
    measured = f"{study.measured_part} accuracy"
    original = {row.printed.embedding: _runs(study, row) for row in rows if row.printed.update == ORIGINAL}
    if original:
        charts = [_chart("training loss", original, _primary_loss), _chart(measured, original, _accuracy, percent=True)]
        yield "figure_5", "Original: the primary task alone", charts
    for mode, (loss, accuracy) in NUMBERS.items():
        panels: dict[str, dict[str, list[Run]]] = {}
        for row in rows:
            if row.printed.mode == mode and row.printed.update != ORIGINAL:
                panels.setdefault(row.printed.embedding, {})[row.printed.update] = _runs(study, row)
        if panels:
            yield (
                f"figure_{loss}",
                f"Loss: {mode}",
                [
                    _chart(f"{name}: {which} task's loss", runs, value)
                    for name, runs in panels.items()
                    for which, value in (("primary", _primary_loss), ("auxiliary", _auxiliary_loss))
                ],
            )
            charts = [_chart(f"{name}: {measured}", runs, _accuracy, percent=True) for name, runs in panels.items()]
            yield f"figure_{accuracy}", f"Accuracy: {mode}", with_range(charts)


def _runs(study: Study, row: Pair) -> list[Run]:
    return [study.result_of(each).run for each in row.runs.values()]


def _chart(title: str, runs: Runs, value: Value, *, percent: bool = False) -> LineChart:
    """Return a chart with a line for each update, and a mark where the auxiliary tasks went off."""
    curves = [by_epoch(name, each, value) for name, each in runs.items()]
    ends = {round(epoch_of(run, each), 2) for every in runs.values() for run in every for each in run.transitions}
    marks = [Mark(end, "") for end in sorted(ends)]
    return with_points(LineChart(title, curves, styles_of(runs), percent=percent, marks=marks))


_primary_loss = partial(loss_of, PRIMARY_TASK)


def _auxiliary_loss(each: Evaluation) -> float | None:
    return next((loss for task, loss in each.losses.items() if task != PRIMARY_TASK), None)


def _accuracy(each: Evaluation) -> float | None:
    return each.validation["accuracy"]
