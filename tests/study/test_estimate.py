from __future__ import annotations

from threading import Barrier

import pytest
from tests.study.conftest import QUICK, texts

from mt2st import SingleTask
from mt2st.models import ModelSettings
from mt2st.study import Cell, Grid, StudyData, estimate
from mt2st.study.estimate import REST, estimated_seconds

STEP, FORWARD = 0.1, 0.01


@pytest.fixture
def passes_together(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Four cores, and passes that take as long as so many others are made beside them."""
    monkeypatch.setattr(estimate, "usable_cores", lambda: 4)
    asked: list[tuple[int, int]] = []

    def passes(settings: ModelSettings, batch: int, length: int, together: Barrier) -> tuple[float, float]:
        asked.append((batch, length))
        together.wait(timeout=30)  # all are made at a time, or this breaks
        assert together.parties == 3
        return 3 * STEP, 3 * FORWARD

    monkeypatch.setattr(estimate, "_passes", passes)
    return asked


def cells(n: int) -> list[Cell]:
    return Grid({"single-task": SingleTask()}, QUICK, range(n)).cells()


def test_passes_are_timed_as_many_at_a_time_as_there_will_be_cells(
    data: StudyData, passes_together: list[tuple[int, int]]
) -> None:
    seconds = estimated_seconds(cells(7), data, jobs=3)
    batches = [
        -(-len(part) // QUICK.optimisation.batch_size) for part in (data.train, data.validation, data.test or texts(0))
    ]
    train, validation, test = batches
    one = QUICK.optimisation.epochs * (train * 3 * STEP + validation * 3 * FORWARD) + test * 3 * FORWARD
    assert seconds == pytest.approx(REST * one * 3)  # 3, 3 and 1 of the cells
    assert len(passes_together) == 3


@pytest.mark.usefixtures("passes_together")
def test_cells_that_are_not_there_take_no_core(data: StudyData) -> None:
    assert estimated_seconds(cells(3), data, jobs=50) == pytest.approx(estimated_seconds(cells(3), data, jobs=3))
    assert estimated_seconds([], data, jobs=3) == 0.0


def test_this_machine_takes_some_time(data: StudyData) -> None:
    assert 0 < estimated_seconds(cells(2), data, jobs=2) < 60
