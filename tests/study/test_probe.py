from __future__ import annotations

import pytest
from tests.study.conftest import QUICK, texts

from mt2st.strategy import Diminish, MultiTask, SingleTask, Switch
from mt2st.study import Grid, StudyData, estimate
from mt2st.study.estimate import Timed, probed_seconds


def test_epochs_with_auxiliary_tasks_cost_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch takes 3 s with an auxiliary task and 1 s without, all else 2 s, the test part 5 validations."""
    monkeypatch.setattr(
        estimate,
        "_timed",
        lambda *each: Timed(3.0 if isinstance(each[2], MultiTask) else 1.0, evaluation=0.5, rest=2.0),
    )
    data = StudyData(texts(12), texts(4), texts(20))
    methods = {
        "single-task": SingleTask(),
        "multi-task": MultiTask(),
        "switch": Switch(at=4),
        "diminish": Diminish(),
        "switch in steps": Switch(at=2, unit="step"),
        "late switch in steps": Switch(at=1000, unit="step"),
    }
    cells = Grid(methods, QUICK.updated(optimisation__epochs=10, auxiliaries=("context",)), (1, 2)).cells()
    by_method = {name: probed_seconds(data, [cell for cell in cells if cell.name == name]) for name in methods}
    assert by_method["single-task"] == 2 * (10 + 2 + 2.5)
    assert by_method["multi-task"] == 2 * (30 + 2 + 2.5)
    assert by_method["switch"] == 2 * (3 * 3 + 7 + 2 + 2.5)
    # An epoch is two steps: half of the first one has the auxiliary task.
    assert by_method["switch in steps"] == 2 * (0.5 * 3 + 9.5 + 2 + 2.5)
    assert by_method["late switch in steps"] == by_method["multi-task"]
    assert probed_seconds(data, cells) == pytest.approx(sum(by_method.values()))


def test_a_run_is_timed_in_its_parts() -> None:
    data = StudyData(texts(24), texts(8), texts(10))
    cell = Grid({"multi-task": MultiTask()}, QUICK, (1,)).cells()[0]
    timed = estimate._timed(data, cell, cell.strategy)
    assert timed.epoch > timed.evaluation >= 0
    assert timed.rest >= 0
