"""The paper's experiments, repeated: its Tables I to III, its Figures 5 to 11 and its claims about time.

`protocol` cuts the data, sets up the models and lists the runs, `tables` and `claims` show what came out and what the
paper printed (``printed.csv``); here it is put together. All of it is made of what `mt2st compare` is made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mt2st._files import own_files
from mt2st.strategy import PRIMARY_TASK
from mt2st.study.charts import LineChart, Mark, styles_of, with_range
from mt2st.study.figures import Runs, Sheet, value_of, with_points, write_sheets
from mt2st.study.paper.tables import ORIGINAL, Pair, pairs, paper_tables, summary, time_table, time_verdict
from mt2st.study.study import Study
from mt2st.study.summary import Value, by_epoch, epoch_of
from mt2st.study.tables import Table, write_each
from mt2st.training import Evaluation, Run

PAPER, FIGURES = "paper", "figures"
"""Folders: ``paper`` in the study's folder, and ``paper/figures``. Tables are in ``paper/tables`` or ``paper/time``."""
REPRODUCED = "reproduced"
"""Key of a study's description: what the study repeats of the paper, ``tables``, ``figures`` or ``time``."""


def reproduced(study: Study) -> str:
    """Return what of the paper a study repeats; empty for any other study."""
    return str(study.about.get(REPRODUCED, ""))


def tables_of(study: Study) -> list[Table]:
    """Return the tables in the paper's layout, of what the study repeats."""
    what = reproduced(study)
    return [time_table(study)] if what == "time" else paper_tables(study) if what == "tables" else []


def verdict_of(study: Study) -> str:
    """Return in a sentence or two how the study stands to what the paper claims; empty where nothing is compared."""
    what = reproduced(study)
    text = time_verdict(study) if what == "time" else summary(study) if what == "tables" else ""
    return f"{text}." if text else ""


def write_paper(study: Study, folder: Path, *, figures: bool = True) -> None:
    """Write what the study repeats into the folder ``paper`` of its folder, in place of what is there."""
    what = reproduced(study)
    if tables := tables_of(study):
        with own_files(folder / PAPER / what) as there:
            write_each(tables, there)
    if figures and what in ("tables", "figures"):
        write_sheets(paper_sheets(study), folder / PAPER / FIGURES)


NUMBERS = {"multi-task": (6, 7), "diminish": (8, 9), "switch": (10, 11)}
"""The figures of loss and of accuracy of each mode. Figure 9 is known by its place alone."""


def paper_sheets(study: Study) -> Iterator[Sheet]:
    """Yield each figure that the study has runs of.

    Figure 5 shows the runs without auxiliary task. Those of multi-task, Diminish and Switch have a chart for each
    embedding with a line for each auxiliary task: the losses of the primary and of the auxiliary tasks, and the
    accuracy on the validation part, or on the training part where the protocol has no other.
    """
    rows = pairs(study)
    measured = f"{study.measured_part} accuracy"
    original = {row.printed.embedding: _runs(study, row) for row in rows if row.printed.update == ORIGINAL}
    if original:
        charts = [_chart("training loss", original, _primary_loss), _chart(measured, original, _accuracy, percent=True)]
        yield Sheet("figure_5", charts, "Original: the primary task alone")
    for mode, (loss, accuracy) in NUMBERS.items():
        panels: dict[str, dict[str, list[Run]]] = {}
        for row in rows:
            if row.printed.mode == mode and row.printed.update != ORIGINAL:
                panels.setdefault(row.printed.embedding, {})[row.printed.update] = _runs(study, row)
        if panels:
            charts = [
                _chart(f"{name}: {which} task's loss", runs, value)
                for name, runs in panels.items()
                for which, value in (("primary", _primary_loss), ("auxiliary", _auxiliary_loss))
            ]
            yield Sheet(f"figure_{loss}", charts, f"Loss: {mode}")
            charts = [_chart(f"{name}: {measured}", runs, _accuracy, percent=True) for name, runs in panels.items()]
            yield Sheet(f"figure_{accuracy}", with_range(charts), f"Accuracy: {mode}")


def _runs(study: Study, row: Pair) -> list[Run]:
    return [study.result_of(each).run for each in row.runs.values()]


def _chart(title: str, runs: Runs, value: Value, *, percent: bool = False) -> LineChart:
    """Return a chart with a line for each update, and a mark where the auxiliary tasks went off."""
    curves = [by_epoch(name, each, value) for name, each in runs.items()]
    ends = {round(epoch_of(run, each), 2) for every in runs.values() for run in every for each in run.transitions}
    marks = [Mark(end, "") for end in sorted(ends)]
    return with_points(LineChart(title, curves, styles_of(runs), percent=percent, marks=marks))


_primary_loss = value_of("losses", PRIMARY_TASK)
_accuracy = value_of("validation", "accuracy")


def _auxiliary_loss(each: Evaluation) -> float | None:
    return next((loss for task, loss in each.losses.items() if task != PRIMARY_TASK), None)
