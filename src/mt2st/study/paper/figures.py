"""Figures 5 to 11: loss and accuracy by epoch in each mode, a picture for each embedding, the switch marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mt2st._files import complete_folder
from mt2st.models.labelled_auxiliaries import PRIMARY
from mt2st.study.curves import Value, by_epoch, epoch_of
from mt2st.study.figures import FORMATS, HEIGHT, WIDTH, draw_lines, new_figure, paper_style
from mt2st.study.palette import styles_of
from mt2st.study.paper.printed import ORIGINAL
from mt2st.study.paper.tables import Pair, pairs
from mt2st.study.study import Study
from mt2st.training import Evaluation, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUMBERS = {"multi-task": (6, 7), "diminish": (8, 9), "switch": (10, 11)}
"""The figures of loss and of accuracy of each mode. Figure 9 is told by its place alone."""


def write_paper_figures(study: Study, folder: Path) -> list[str]:
    """Write the figures as PNG and SVG into a folder, in place of those that are there; return their names."""
    names = []
    with paper_style(), complete_folder(folder) as there:
        for name, figure in paper_figures(study):
            names.append(name)
            for form in FORMATS:
                figure.savefig(there / f"{name}.{form}", metadata={"Date": None} if form == "svg" else None)
    return names


def paper_figures(study: Study) -> Iterator[tuple[str, Figure]]:
    """Yield the figures with their names, of what the study has runs of.

    Figure 5 shows the runs without auxiliary task, those of multi-task, Diminish and Switch a picture for each
    embedding with a line for each auxiliary task: losses of the primary task above those of the auxiliary ones, and
    accuracy on the validation part, or on the training part where the protocol has no other.
    """
    rows = pairs(study)
    measured = f"{study.measured_part} accuracy (%)"
    original = {row.printed.embedding: _runs(row) for row in rows if row.printed.update == ORIGINAL}
    if original:
        yield "figure_5", _original(original, measured)
    for mode, (loss, accuracy) in NUMBERS.items():
        panels: dict[str, dict[str, list[Run]]] = {}
        for row in rows:
            if row.printed.mode == mode and row.printed.update != ORIGINAL:
                panels.setdefault(row.printed.embedding, {})[row.printed.update] = _runs(row)
        if panels:
            yield f"figure_{loss}", _losses(mode, panels)
            yield f"figure_{accuracy}", _accuracies(mode, panels, measured)


def _runs(row: Pair) -> list[Run]:
    return [each.run for each in row.runs.values()]


def _original(runs: Mapping[str, Sequence[Run]], measured: str) -> Figure:
    figure = new_figure(WIDTH, HEIGHT, "Original: the primary task alone")
    left, right = figure.subplots(1, 2)
    styles = styles_of(runs)
    draw_lines(left, [by_epoch(name, each, _primary_loss) for name, each in runs.items()], styles)
    draw_lines(right, [by_epoch(name, each, _accuracy) for name, each in runs.items()], styles)
    left.set(xlabel="epoch", ylabel="training loss")
    right.set(xlabel="epoch", ylabel=measured)
    return figure


def _losses(mode: str, panels: Mapping[str, Mapping[str, Sequence[Run]]]) -> Figure:
    figure = new_figure(WIDTH, 2 * HEIGHT, f"Loss: {mode}")
    above, below = figure.subplots(2, len(panels), squeeze=False)
    for axes, (name, runs) in zip(above, panels.items(), strict=True):
        _draw(axes, runs, _primary_loss)
        axes.set(title=name)
    for axes, runs in zip(below, panels.values(), strict=True):
        _draw(axes, runs, _auxiliary_loss)
        axes.set(xlabel="epoch")
    above[0].set(ylabel="primary task's loss")
    below[0].set(ylabel="auxiliary task's loss")
    return figure


def _accuracies(mode: str, panels: Mapping[str, Mapping[str, Sequence[Run]]], measured: str) -> Figure:
    figure = new_figure(WIDTH, HEIGHT, f"Accuracy: {mode}")
    (row,) = figure.subplots(1, len(panels), squeeze=False, sharey=True)
    for axes, (name, runs) in zip(row, panels.items(), strict=True):
        _draw(axes, runs, _accuracy)
        axes.set(title=name, xlabel="epoch")
    row[0].set(ylabel=measured)
    return figure


def _draw(axes: Axes, runs: Mapping[str, Sequence[Run]], value: Value) -> None:
    """Draw a line for each update, and an upright one where the auxiliary tasks went off."""
    draw_lines(axes, [by_epoch(name, each, value) for name, each in runs.items()], styles_of(runs))
    axes.locator_params(axis="x", integer=True)
    ends = {round(epoch_of(run, each), 2) for every in runs.values() for run in every for each in run.transitions}
    for end in ends:
        axes.axvline(end, color="#b00020", linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)


def _primary_loss(each: Evaluation) -> float | None:
    return each.losses.get(PRIMARY)


def _auxiliary_loss(each: Evaluation) -> float | None:
    return next((loss for task, loss in each.losses.items() if task != PRIMARY), None)


def _accuracy(each: Evaluation) -> float | None:
    return 100 * each.validation["accuracy"]
