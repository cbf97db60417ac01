from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import mean
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from tests.study.report.folders import METHODS, course, results

from mt2st._files import OWN
from mt2st.errors import InputError
from mt2st.study import Study, plot_learning_curves
from mt2st.study.charts import paper_style, sheet, styles_of
from mt2st.study.figures import (
    learning_charts,
    panels,
    score_charts,
    study_sheets,
    target_chart,
    weight_charts,
    write_sheets,
)
from mt2st.study.summary import summarise
from mt2st.training import Evaluation, Run


def test_all_figures_are_written_as_pictures_of_both_kinds(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    write_sheets(study_sheets(Study(results())), tmp_path / "figures")
    names = {"scores", "time_to_target", "learning_curves", "weights"}
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        OWN, *(f"{name}.{form}" for name in names for form in ("png", "svg"))
    }  # fmt: skip
    curves = ElementTree.parse(tmp_path / "figures" / "learning_curves.svg")  # our own file
    written = {text.text for text in curves.iter("{http://www.w3.org/2000/svg}text")}
    assert set(METHODS) <= written  # names at the lines, as text
    assert dict(mpl.rcParams) == before  # the user's own style is left alone


def test_long_names_leave_room_for_the_picture(tmp_path: Path) -> None:
    long = [
        replace(each, name=each.name + " long" * 30, factors={"embedding": "x" * 200}) for each in results(["switch"])
    ]
    write_sheets(
        study_sheets(Study([*results(), *long])), tmp_path / "figures"
    )  # matplotlib warns where nothing is left
    assert (tmp_path / "figures" / "learning_curves_1.png").is_file()


def test_lines_are_the_means_of_the_runs() -> None:
    panel = panels(Study(results()))[0]
    with paper_style():
        axes = sheet(learning_charts(panel.runs, "accuracy", styles_of(METHODS))[:1]).axes[0]
    lines = [line for line in axes.lines if line.get_gid() == "line"]
    by_end = [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[union-attr]
    assert by_end == ["switch", "diminish", "multi-task", "single-task"]
    for line, method in zip(lines, METHODS, strict=True):
        expected = [mean(run.evaluations[at].validation["accuracy"] for run in panel.runs[method]) for at in range(4)]
        assert list(line.get_ydata()) == pytest.approx(expected)  # type: ignore[arg-type]
        assert list(line.get_xdata()) == [1, 2, 3, 4]  # type: ignore[arg-type]


def test_the_learning_curves_of_runs_are_drawn_in_one_call(tmp_path: Path) -> None:
    runs = {name: each[0] for name, each in panels(Study(results()))[0].runs.items()}
    figure = plot_learning_curves(runs)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0] == "Validation accuracy by epoch"
    assert "Training loss of the primary task by epoch" in titles
    assert "Weights of the auxiliary tasks: switch" in titles
    drawn = [line.get_ydata() for line in figure.axes[0].lines if line.get_gid() == "line"]
    for line, run in zip(drawn, runs.values(), strict=True):
        assert list(line) == pytest.approx([each.validation["accuracy"] for each in run.evaluations])
    figure.savefig(tmp_path / "curves.png")

    switch = plot_learning_curves(runs["switch"])
    assert "kept" in {text.get_text() for text in switch.axes[0].texts}


def test_the_curves_of_a_task_of_ones_own_are_not_in_percent() -> None:
    def at(epoch: int, error: float) -> Evaluation:
        return Evaluation(epoch, epoch, 0.1 * epoch, {"own": error}, {"helper": 1.0}, {}, 0.0, {"loss": error})

    figure = plot_learning_curves(Run([at(1, 30.0), at(2, 20.0)], best=1))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Validation loss by epoch",
        "Validation loss by training time",
        "Training loss of the primary task by epoch",
        "Weights of the auxiliary tasks: run",
    ]
    assert figure.axes[0].get_ylim()[1] > 30
    with pytest.raises(InputError, match="the run has no evaluation"):
        plot_learning_curves(Run())


def test_transitions_are_marked_and_single_task_has_no_weights() -> None:
    charts = weight_charts(panels(Study(results()))[0].runs)
    assert [chart.title.split(": ")[1] for chart in charts] == list(METHODS[1:])
    marks = {chart.title.split(": ")[1]: [mark.x for mark in chart.marks] for chart in charts}
    assert marks == {"multi-task": [], "diminish": [3.0], "switch": [2.0]}  # epochs before the transition


def test_nobody_is_timed_without_single_task() -> None:
    study = Study(results(["switch", "diminish"]))
    assert target_chart(study, summarise(study), styles_of(METHODS)) is None
    assert target_chart(Study(results()), summarise(Study(results())), styles_of(METHODS)) is not None


@pytest.mark.parametrize("seeds", [2, 3])
def test_shares_stay_between_0_and_100_percent(seeds: int) -> None:
    """Accuracies near 1 that differ much: their t intervals go far beyond."""
    levels = {1: 0.99, 2: 0.4, 3: 0.9}
    cells = [
        replace(
            each,
            test={"accuracy": levels[each.seed], "macro_f1": 0.5},
            run=course(each.name, each.seed, levels[each.seed]),
        )
        for each in results(seeds=seeds)
    ]
    study = Study(cells)
    charts = [*score_charts(study, summarise(study), styles_of(METHODS))[:1]]
    charts += learning_charts(panels(study)[0].runs, "accuracy", styles_of(METHODS))[:2]
    for number, chart in enumerate(charts):
        with paper_style():
            axes = sheet([chart]).axes[0]
        low, high = axes.get_ylim() if number else axes.get_xlim()
        assert 0 <= low < high <= 1
        drawn = [value for line in axes.lines for value in (line.get_ydata() if number else line.get_xdata())]
        bands = [band.get_paths()[0] for band in axes.collections if band.get_gid() == "band"]
        assert len(bands) == (len(METHODS) if number and seeds > 2 else 0)
        drawn += [value for band in bands for value in band.vertices[:, 1]]
        if number:
            assert all(low - 1e-9 <= value <= high + 1e-9 for value in drawn)
