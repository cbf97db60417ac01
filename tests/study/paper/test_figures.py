from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from tests.study.paper.made_up import result

from mt2st.study import Study
from mt2st.study.paper.figures import paper_figures, write_paper_figures
from mt2st.study.study import MEASURED_PART

STUDY = Study(
    [
        result("single-task", 1, 0.6),
        *(result(mode, 1, 0.7, auxiliary="misalignment") for mode in ("multi-task", "diminish", "switch")),
        result("switch", 1, 0.7, auxiliary="analogy", embedding="cbow"),
    ]
)


def test_there_are_figures_5_to_11_each_with_what_it_is_about() -> None:
    figures = dict(paper_figures(STUDY))
    assert list(figures) == [f"figure_{number}" for number in range(5, 12)]
    assert [axes.get_ylabel() for axes in figures["figure_5"].axes] == ["training loss", "validation accuracy (%)"]
    accuracy = figures["figure_11"].axes
    assert [axes.get_title() for axes in accuracy] == ["CBOW", "SkipGram"]
    assert list(accuracy[1].lines[0].get_ydata()) == pytest.approx([50, 60, 70, 70])
    losses = figures["figure_6"].axes
    assert list(losses[0].lines[0].get_ydata()) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert list(losses[1].lines[0].get_ydata()) == pytest.approx([0.5, 0.25, 0.5 / 3, 0.125])
    plt.close("all")


@pytest.mark.parametrize(("about", "part"), [({}, "validation"), ({MEASURED_PART: "training"}, "training")])
def test_accuracy_is_called_by_the_part_that_it_was_measured_on(about: dict[str, str], part: str) -> None:
    figures = dict(paper_figures(Study(STUDY.results, about=about)))
    labels = {axes.get_ylabel() for figure in figures.values() for axes in figure.axes}
    assert {label for label in labels if "accuracy" in label} == {f"{part} accuracy (%)"}
    plt.close("all")


def test_the_switch_is_marked_where_the_auxiliary_task_went_off_and_nowhere_else() -> None:
    figures = dict(paper_figures(STUDY))

    def upright(name: str) -> list[float]:
        return [
            float(line.get_xdata()[0])  # type: ignore[index,arg-type]
            for axes in figures[name].axes
            for line in axes.lines
            if list(line.get_xdata()) == [line.get_xdata()[0]] * 2  # type: ignore[index]
        ]

    assert upright("figure_11") == [2.0, 2.0]
    assert upright("figure_7") == []


def test_they_are_written_as_png_and_svg(tmp_path: Path) -> None:
    names = write_paper_figures(STUDY, tmp_path / "figures")
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == sorted(
        f"{name}.{form}" for name in names for form in ("png", "svg")
    )
