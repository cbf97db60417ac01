from __future__ import annotations

import math

import pytest
from tests.study.results import with_scores

from mt2st.study import Study
from mt2st.study.figures import panels
from mt2st.study.summary import by_epoch, by_seconds, epoch_of
from mt2st.training import Evaluation, Run, Transition


def run(values: list[float], *, seconds: float = 1.0) -> Run:
    return Run(
        [
            Evaluation(epoch, 10 * epoch, seconds * epoch, {"primary": value}, {}, {}, 0.0, {})
            for epoch, value in enumerate(values, start=1)
        ]
    )


def loss(each: Evaluation) -> float:
    return each.losses["primary"]


def test_a_point_is_the_mean_of_the_runs_that_are_still_running() -> None:
    points = by_epoch("a", [run([1.0, 2.0, 3.0]), run([3.0, math.nan]), run([2.0])], loss).points
    assert [(point.x, point.y, point.n) for point in points] == [(1, 2.0, 3), (2, 2.0, 1), (3, 3.0, 1)]
    assert points[0].low == pytest.approx(2 - 4.302653 / math.sqrt(3))  # t with two degrees of freedom, s = 1
    assert points[1].low is None


def test_seconds_are_the_mean_of_the_runs() -> None:
    points = by_seconds("a", [run([1.0, 2.0], seconds=2.0), run([1.0, 2.0], seconds=4.0)], loss).points
    assert [point.x for point in points] == [3.0, 6.0]


def test_a_transition_lies_where_its_step_does() -> None:
    assert epoch_of(run([1.0] * 4), Transition("context", 3, 21)) == 2.0
    assert epoch_of(run([1.0] * 4), Transition("context", 3, 26)) == 2.5


def test_single_task_stands_in_every_setting_that_it_was_run_for() -> None:
    cells = [
        *with_scores("single-task", [0.5, 0.6]),
        *with_scores("switch", [0.6, 0.7]),
        *with_scores("switch", [0.6, 0.7], auxiliary="analogy"),
        *with_scores("single-task", [0.5, 0.6], encoder="cnn"),
    ]
    study = Study(cells)
    assert [(panel.title, list(panel.runs)) for panel in panels(study)] == [
        ("encoder bilstm, auxiliary context", ["single-task", "switch"]),
        ("encoder bilstm, auxiliary analogy", ["single-task", "switch"]),
        ("encoder cnn, auxiliary context", ["single-task"]),
    ]
    elsewhere = Study([*cells[:2], *cells[4:6]])
    assert [panel.title for panel in panels(elsewhere)] == ["auxiliary analogy"]
    alone = Study(with_scores("switch", [0.6]))
    assert [list(panel.runs) for panel in panels(alone)] == [["switch"]]
