from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import mean
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from tests.study.report.folders import METHODS, results

from mt2st.study import Study
from mt2st.study.curves import panels
from mt2st.study.figures import curves_figure, paper_style, target_figure, weights_figure, write_figures
from mt2st.study.palette import styles_of
from mt2st.study.summary import summarise


def runs_of(study: Study) -> dict[str, list]:
    return {name: [each.run for each in by_seed.values()] for name, by_seed in panels(study)[0].methods.items()}


def test_all_figures_are_written_as_pictures_of_both_kinds(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    write_figures(Study(results()), tmp_path / "figures")
    names = {"scores", "time_to_target", "learning_curves", "weights"}
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        f"{name}.{form}" for name in names for form in ("png", "svg")
    }
    curves = ElementTree.parse(tmp_path / "figures" / "learning_curves.svg")  # our own file
    written = {text.text for text in curves.iter("{http://www.w3.org/2000/svg}text")}
    assert set(METHODS) <= written  # names at the lines, as text
    assert dict(mpl.rcParams) == before  # the user's own style is left alone


def test_long_names_leave_room_for_the_picture(tmp_path: Path) -> None:
    long = [
        replace(each, name=each.name + " long" * 30, factors={"embedding": "x" * 200}) for each in results(["switch"])
    ]
    write_figures(Study([*results(), *long]), tmp_path / "figures")  # matplotlib warns where nothing is left
    assert (tmp_path / "figures" / "learning_curves_1.png").is_file()


def test_lines_are_the_means_of_the_runs() -> None:
    study = Study(results())
    with paper_style():
        figure = curves_figure(runs_of(study), "accuracy", styles_of(METHODS))
    for line, method in zip(figure.axes[0].lines, METHODS, strict=True):
        runs = runs_of(study)[method]
        expected = [100 * mean(run.evaluations[at].validation["accuracy"] for run in runs) for at in range(4)]
        assert list(line.get_ydata()) == pytest.approx(expected)  # type: ignore[arg-type]
        assert list(line.get_xdata()) == [1, 2, 3, 4]  # type: ignore[arg-type]


def test_transitions_are_marked_and_single_task_has_no_weights() -> None:
    study = Study(results())
    styles = styles_of(METHODS)
    figure = weights_figure(runs_of(study), styles)
    assert figure is not None
    colours = {line.get_color() for line in figure.axes[0].lines}
    assert styles["single-task"].light not in colours
    upright = {line.get_xdata()[0] for line in figure.axes[0].lines if len(line.get_xdata()) == 2}  # type: ignore[arg-type, index]
    assert upright == {2.0, 3.0}  # epochs before switch's and diminish's transition
    assert weights_figure({"single-task": runs_of(study)["single-task"]}, styles) is None


def test_nobody_is_timed_without_single_task() -> None:
    study = Study(results(["switch", "diminish"]))
    assert target_figure(study, summarise(study), styles_of(METHODS)) is None
    rows = summarise(Study(results()))
    assert target_figure(Study(results()), rows, styles_of(METHODS)) is not None
