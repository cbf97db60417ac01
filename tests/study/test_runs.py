from __future__ import annotations

from pathlib import Path

import pytest
from tests.study.results import cell

from mt2st import InputError
from mt2st.study import Study, summarise
from mt2st.study.runs import Cost, read_runs, write_runs
from mt2st.study.study import MEASURED_PART
from mt2st.study.tables import result_table, target_table

STUDY = Study(
    [
        cell("single-task", 1, [0.5, 0.7, 0.6], 0.6),
        cell("single-task", 2, [0.5, 0.6, 0.8], 0.7),
        cell("switch", 1, [0.7, 0.8, 0.9], 0.8123456789012345, auxiliary='a "b",\rc'),
        cell("switch", 2, [0.6, 0.7, 0.79], 0.9, auxiliary='a "b",\rc'),
    ]
)


def test_rows_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    write_runs(STUDY.rows, tmp_path / "runs.csv")
    assert read_runs(tmp_path / "runs.csv") == STUDY.rows
    assert (tmp_path / "runs.csv").read_bytes().count(b"\n") == 5


def test_tables_of_the_file_are_those_of_the_study(tmp_path: Path) -> None:
    write_runs(STUDY.rows, tmp_path / "runs.csv")
    read = Study.load(tmp_path / "runs.csv")
    assert summarise(read) == summarise(STUDY)
    assert result_table(read) == result_table(STUDY)
    assert target_table(read) == target_table(STUDY)
    assert (read.metric, read.seeds, read.varying) == (STUDY.metric, STUDY.seeds, STUDY.varying)


def test_a_row_has_the_costs_of_the_run_and_of_reaching_single_tasks_best() -> None:
    single, _, switch, slow = STUDY.rows
    assert (switch.validation, switch.epochs, switch.cost) == (0.9, 3, Cost(30.0, 15, 300.0))
    assert (single.to_best, switch.to_best, slow.to_best) == (Cost(20.0, 10, 200.0), Cost(10.0, 5, 100.0), None)


def test_without_a_validation_part_rows_have_no_target() -> None:
    rows = Study(STUDY.results, about={MEASURED_PART: "training"}).rows
    assert {(row.validation, row.to_best) for row in rows} == {(None, None)}


@pytest.mark.parametrize("text", ["", "method,seed\nswitch,1\n", "a,b\n1,2\n"])
def test_a_file_that_is_none_of_runs_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"runs\.csv is not a file of a study's runs"):
        Study.load(path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        Study.load(tmp_path / "other.csv")
