from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

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


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    saved = json.loads(path.read_text(encoding="utf-8"))
    change(saved)
    path.write_text(json.dumps(saved), encoding="utf-8")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"schema": 2}', '{"schema": 2, "identity": 1}', "\x80", "[" * 100_000]
)
def test_a_file_without_a_result_is_refused_and_stays(data: StudyData, written: Path, content: str) -> None:
    written.write_bytes(content.encode("latin-1"))
    again = re.escape(f"delete {written.parent} to run the cell again")
    with pytest.raises(InputError, match=rf"result.json is not the result of a cell \(.+\); {again}"):
        run_study(data, CELLS[:1], folder=written.parent.parent)
    assert written.read_bytes() == content.encode("latin-1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda saved: saved.update(schema=99), "has schema 99, and mt2st .+ reads schema 2: it is of another version"),
        (lambda saved: saved.update(hash="deadbeef"), "is not as it was written: its hash is 'deadbeef', that of"),
        (lambda saved: saved["identity"]["settings"].update(epochs=9), "is not as it was written"),
    ],
)
def test_a_result_that_cannot_be_used_is_refused_and_stays(
    data: StudyData, written: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    changed(written, change)
    before = written.read_bytes()
    with pytest.raises(InputError, match=message) as told:
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
