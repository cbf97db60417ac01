from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.study.conftest import QUICK
from tests.study.results import cell

from mt2st import InputError, SingleTask
from mt2st.study import CellResult, Grid, StudyData, run_study
from mt2st.study.run import is_finished
from mt2st.study.runs import rows_of

CELLS = Grid({"single-task": SingleTask()}, QUICK, seeds=(1, 2)).cells()


@pytest.fixture
def written(data: StudyData, tmp_path: Path) -> Path:
    """The result of the first cell, as a run leaves it."""
    result = replace(cell("single-task", 1, [0.5], 0.5), identity=CELLS[0].identity(data))
    place = tmp_path / CELLS[0].folder
    place.mkdir()
    result.write(place)
    return place / "result.json"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"schema": 2}', '{"schema": 2, "identity": 1}', "\x80", "[" * 100_000]
)
def test_a_file_without_a_result_is_refused_and_stays(data: StudyData, written: Path, content: str) -> None:
    written.write_bytes(content.encode("latin-1"))
    again = re.escape(f"delete {written.parent} to run the cell again")
    with pytest.raises(InputError, match=rf"result.json is not the result of a cell \(.+\); {again}"):
        run_study(data, CELLS[:1], folder=written.parent.parent)
    assert written.read_bytes() == content.encode("latin-1")


def test_a_result_of_another_version_is_refused_and_stays(data: StudyData, written: Path) -> None:
    saved = json.loads(written.read_text(encoding="utf-8"))
    written.write_text(json.dumps(saved | {"schema": 99}), encoding="utf-8")
    before = written.read_bytes()
    with pytest.raises(InputError, match="has schema 99, and mt2st .+ reads schema 2: it is of another vers") as told:
        run_study(data, CELLS, folder=written.parent.parent)
    assert f"delete {written.parent} to run the cell again" in str(told.value)
    assert written.read_bytes() == before
    assert is_finished(written.parent.parent, CELLS[0])


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="result.json cannot be read: No such file"):
        CellResult.read(tmp_path / "result.json")


def test_a_score_that_was_not_measured_is_told() -> None:
    with pytest.raises(InputError, match="switch, seed 3: there is no accuracy on the test part to compare"):
        assert rows_of([replace(cell("switch", 3, [0.5], 0.5), test={})])[0].score
