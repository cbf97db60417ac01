from __future__ import annotations

from pathlib import Path

import pytest
from tests.study.paper.made_up import result

from mt2st._files import OWN
from mt2st.study import Study
from mt2st.study.figures import write_sheets
from mt2st.study.paper import paper_sheets
from mt2st.study.study import MEASURED_PART

STUDY = Study(
    [
        result("single-task", 1, 0.6),
        *(result(mode, 1, 0.7, auxiliary="misalignment") for mode in ("multi-task", "diminish", "switch")),
        result("switch", 1, 0.7, auxiliary="analogy", embedding="cbow"),
    ]
)


def test_there_are_figures_5_to_11_each_with_what_it_is_about() -> None:
    figures = {sheet.name: sheet.charts for sheet in paper_sheets(STUDY)}
    assert list(figures) == [f"figure_{number}" for number in range(5, 12)]
    assert [chart.title for chart in figures["figure_5"]] == ["training loss", "validation accuracy"]
    cbow, skipgram = figures["figure_11"]
    assert [cbow.title, skipgram.title] == ["CBOW: validation accuracy", "SkipGram: validation accuracy"]
    assert [point.y for point in skipgram.curves[0].points] == pytest.approx([0.5, 0.6, 0.7, 0.7])
    assert cbow.y_range == skipgram.y_range  # one can compare them
    primary, auxiliary = figures["figure_6"]
    assert [point.y for point in primary.curves[0].points] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert [point.y for point in auxiliary.curves[0].points] == pytest.approx([0.5, 0.25, 0.5 / 3, 0.125])


@pytest.mark.parametrize(("about", "part"), [({}, "validation"), ({MEASURED_PART: "training"}, "training")])
def test_accuracy_is_called_by_the_part_that_it_was_measured_on(about: dict[str, str], part: str) -> None:
    sheets = paper_sheets(Study(STUDY.results, about=about))
    titles = {chart.title.split(": ")[-1] for sheet in sheets for chart in sheet.charts if "accuracy" in chart.title}
    assert titles == {f"{part} accuracy"}


def test_the_switch_is_marked_where_the_auxiliary_task_went_off_and_nowhere_else() -> None:
    marks = {sheet.name: [mark.x for chart in sheet.charts for mark in chart.marks] for sheet in paper_sheets(STUDY)}
    assert marks["figure_11"] == [2.0, 2.0]
    assert marks["figure_7"] == []


def test_they_are_written_as_png_and_svg(tmp_path: Path) -> None:
    write_sheets(paper_sheets(STUDY), tmp_path / "figures")
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        OWN, *(f"figure_{number}.{form}" for number in range(5, 12) for form in ("png", "svg"))
    }  # fmt: skip
