from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from tests.study.conftest import QUICK

from mt2st import InputError, SingleTask
from mt2st import _lock as lock
from mt2st._lock import LOCK, BusyCellWarning, cell_lock, is_busy
from mt2st.study import Cell, CellResult, Grid, Outcome, StudyData, Watcher, run_study
from mt2st.study.worker import DASK, Order, attempt, connected, request_stop

CELLS = Grid({"single-task": SingleTask()}, QUICK, seeds=(1, 2)).cells()
FIRST, SECOND = (cell.folder for cell in CELLS)


class Elsewhere(Watcher):
    """Another process at the first cell, which ends when a cell has ended here, or this one has to wait.

    Args:
        folder: the study's.
        made: a folder from which it puts its result into the cell's; None: it is killed before it has any.
        during: what this process does meanwhile: ``"cell"``, it works on the other one, or ``"wait"``.
    """

    def __init__(self, folder: Path, made: Path | None, monkeypatch: pytest.MonkeyPatch, during: str = "cell") -> None:
        self.place, self.made, self.during = folder / FIRST, made, during
        self.outcomes: list[tuple[str, bool]] = []
        self.at_work = cell_lock(self.place)
        assert self.at_work.__enter__()
        monkeypatch.setattr(lock, "time", SimpleNamespace(sleep=self.on_sleep))

    def on_sleep(self, seconds: float) -> None:  # what it stands in for has it
        assert self.during == "wait"
        self.end()

    def on_outcome(self, outcome: Outcome) -> None:
        trained_here = (self.place.parent / outcome.cell.folder / "model").exists()
        self.outcomes.append((outcome.cell.folder, trained_here))
        if len(self.outcomes) == 1 and self.during == "cell":
            self.end()

    def end(self) -> None:
        if self.made:
            shutil.copyfile(self.made / FIRST / "result.json", self.place / "result.json")
        self.at_work.__exit__(None, None, None)


@pytest.fixture
def made(data: StudyData, tmp_path: Path) -> Path:
    """A finished study of the same cells."""
    run_study(data, CELLS, folder=tmp_path / "made")
    return tmp_path / "made"


def test_a_cell_at_which_another_process_is_comes_last_and_is_not_done_again(
    data: StudyData, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    other = Elsewhere(folder, made, monkeypatch)
    study = run_study(data, CELLS, folder=folder, watcher=other)
    assert other.outcomes == [(SECOND, True), (FIRST, False)]
    assert [result.seed for result in study.results] == [1, 2]
    assert not study.missing
    assert (folder / FIRST / "result.json").read_bytes() == (made / FIRST / "result.json").read_bytes()
    assert not (folder / FIRST / "model").exists()


def test_the_end_of_another_process_is_waited_for(
    data: StudyData, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Elsewhere(tmp_path / "study", made, monkeypatch, during="wait")
    with pytest.warns(BusyCellWarning, match="another process works on single-task, seed 1, in the same") as told:
        study = run_study(data, CELLS, folder=tmp_path / "study", watcher=other)
    assert len(told) == 1
    assert other.outcomes == [(SECOND, True), (FIRST, False)]
    assert not study.missing


def test_a_cell_that_another_process_gave_up_is_done(
    data: StudyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Elsewhere(tmp_path, None, monkeypatch)
    study = run_study(data, CELLS, folder=tmp_path, watcher=other)
    assert other.outcomes == [(SECOND, True), (FIRST, True)]
    assert not study.missing
    assert not is_busy(tmp_path / FIRST)


def test_the_result_of_another_experiment_at_the_same_time_is_not_taken(
    data: StudyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = Grid({"single-task": SingleTask()}, QUICK.updated(optimisation__epochs=3), seeds=(1, 2)).cells()
    run_study(data, longer, folder=tmp_path / "made")
    other = Elsewhere(tmp_path / "study", tmp_path / "made", monkeypatch)
    study = run_study(data, CELLS, folder=tmp_path / "study", watcher=other)
    assert [result.seed for result in study.results] == [2]
    assert "is the result of other settings (optimisation.epochs is 3 there and 2 here)" in study.failures[0].error
    assert sorted(path.name for path in (tmp_path / "study" / FIRST).iterdir()) == [LOCK, "result.json"]


@pytest.mark.slow
def test_a_pool_of_processes_does_not_repeat_what_another_does(
    data: StudyData, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Elsewhere(tmp_path / "study", made, monkeypatch)
    study = run_study(data, CELLS, folder=tmp_path / "study", jobs=2, watcher=other)
    assert other.outcomes == [(SECOND, True), (FIRST, False)]
    assert [result.jobs for result in study.results] == [1, 2]


@pytest.mark.filterwarnings("ignore")  # what a cluster's threads warn of at its end is not ours
def test_a_cluster_does_not_repeat_what_another_process_does(
    data: StudyData, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")
    other = Elsewhere(tmp_path / "study", made, monkeypatch)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        connected(cluster.scheduler_address),
    ):
        study = run_study(data, CELLS, folder=tmp_path / "study", jobs=-1, backend=DASK, watcher=other)
    assert other.outcomes == [(SECOND, True), (FIRST, False)]
    assert not study.missing


def test_what_waits_can_be_stopped(data: StudyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = _order(CELLS[0], data, tmp_path)

    def sleep(_: float) -> None:
        assert not order.stopped
        request_stop(tmp_path / ".stop-1")

    monkeypatch.setattr(lock, "time", SimpleNamespace(sleep=sleep))
    with cell_lock(tmp_path / FIRST) as held:
        assert held
        assert attempt(order) == Outcome(CELLS[0], busy=True)
        assert attempt(replace(order, waits=True)) == Outcome(CELLS[0])
    assert order.stopped


def test_a_file_system_without_locks_keeps_nobody_from_work(
    data: StudyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refused(FileLock):
        def acquire(self, *_: object, **__: object) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "FileLock", Refused)
    assert attempt(_order(CELLS[0], data, tmp_path)).result is not None
    path = tmp_path / FIRST / "result.json"
    written = path.stat().st_mtime_ns
    assert attempt(_order(CELLS[0], data, tmp_path)).result == CellResult.read(path)
    assert path.stat().st_mtime_ns == written


def test_a_folder_that_cannot_be_written_is_named(data: StudyData, tmp_path: Path) -> None:
    (tmp_path / FIRST).touch()
    with pytest.raises(InputError, match=f"{FIRST} cannot be written: File exists"):
        run_study(data, CELLS, folder=tmp_path)


def _order(cell: Cell, data: StudyData, folder: Path) -> Order:
    return Order(cell, data, cell.identity(data), folder, folder / ".stop-1")
