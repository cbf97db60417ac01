from __future__ import annotations

import os
import signal
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from tests.study.conftest import QUICK, texts

from mt2st import InputError, SingleTask, Switch
from mt2st.cli.run_folder import own_share
from mt2st.models.trained_model import AnyModel
from mt2st.study import Cell, Grid, Group, Method, Outcome, Study, StudyData, Watcher, run_study
from mt2st.study.report.page import Code, Paragraph
from mt2st.study.report.sections import setup_section
from mt2st.study.runs import reference
from mt2st.study.study import EARLIER, STUDY
from mt2st.study.worker import Order, request_stop
from mt2st.training import Callback, Evaluation, Trainer

METHODS = {"single-task": SingleTask(), "switch": Switch(2)}
GRID = Grid(METHODS, QUICK, seeds=(1, 2))


class Log(Watcher):
    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def on_outcome(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


def test_a_study_is_the_same_from_its_run_and_from_its_folder(data: StudyData, tmp_path: Path) -> None:
    study = run_study(data, GRID.cells(), folder=tmp_path / "study", about={"command": "mt2st compare"})
    loaded = Study.load(tmp_path / "study")
    assert [result.as_dict() for result in loaded.results] == [result.as_dict() for result in study.results]
    assert [result.identity for result in loaded.results] == [result.identity for result in study.results]
    assert (loaded.metric, loaded.seeds, loaded.missing, loaded.failures) == ("accuracy", [1, 2], [], [])
    assert loaded.about == {"command": "mt2st compare"}
    assert [group.name for group in loaded.groups] == ["single-task", "switch"]
    other_tasks = Group("switch", ("mean", "random", "analogy"))
    assert list(loaded.single_task(other_tasks)) == [1, 2]  # which does nothing with auxiliary tasks
    assert not reference(loaded.groups, other_tasks, "switch")
    result = study.results[0]
    assert result.versions["torch"]
    assert result.machine["cores"]
    assert result.factors == {"embedding": "random", "auxiliary": "none", "encoder": "mean"}
    assert result.run.steps == 6
    assert 0 < result.run.flops == 2 * result.run.evaluations[0].flops


def test_finished_cells_are_read_and_shares_make_a_whole(data: StudyData, tmp_path: Path) -> None:
    cells, worked = GRID.cells(), []
    for number in (1, 2, 3):
        log = Log()
        study = run_study(data, cells, folder=tmp_path, share=own_share(f"{number}/3", cells), watcher=log)
        worked.append([outcome.cell.folder for outcome in log.outcomes])
    assert worked == [["single-task-seed1"], ["switch-seed1"], ["single-task-seed2", "switch-seed2"]]
    assert [result.name for result in study.results] == ["single-task", "switch", "single-task", "switch"]
    assert not study.missing
    assert Study.load(tmp_path).results[3].seed == 2


def test_the_commands_that_made_runs_are_kept(data: StudyData, tmp_path: Path) -> None:
    def run(command: str, *seeds: int) -> Study:
        cells = Grid({"single-task": SingleTask()}, QUICK, seeds=seeds).cells()
        return run_study(data, cells, folder=tmp_path, about={"command": command})

    assert EARLIER not in run("a", 1).about
    assert run("unneeded", 1).about == {"command": "a"}  # it finds all done, and leaves no trace
    assert run("b", 1, 2).about == {"command": "b", EARLIER: ["a"]}
    assert run("a", 1, 2, 3).about == {"command": "a", EARLIER: ["b"]}
    study = Study.load(tmp_path)
    assert study.about == {"command": "a", EARLIER: ["b"]}
    earlier = Paragraph("Earlier ones, which may have made some of the runs:")
    assert setup_section(study).blocks[:4] == [Paragraph("The command:"), Code("a"), earlier, Code("b")]
    (tmp_path / STUDY).write_text("{", encoding="utf-8")
    assert run("c", 4).about == {"command": "c"}


def test_a_failed_cell_is_told_and_does_not_stop_the_others(data: StudyData, tmp_path: Path) -> None:
    methods = {"bad": Method(SingleTask(), {"embedding__init": "nowhere.vec"}), "single-task": SingleTask()}
    cells = Grid(methods, QUICK, seeds=(1,)).cells()
    study = run_study(data, cells, folder=tmp_path)
    assert [result.name for result in study.results] == ["single-task"]
    (failure,) = study.failures
    assert (failure.name, failure.fault) == ("bad", False)
    assert "nowhere.vec" in failure.error
    assert Study.load(tmp_path).failures == [failure]
    vectors = tmp_path / "nowhere.vec"
    vectors.write_text("2 4\nfilm 1 2 3 4\nfine 1 2 3 4\n", encoding="utf-8")
    methods["bad"] = Method(SingleTask(), {"embedding__init": str(vectors)})
    assert not run_study(data, Grid(methods, QUICK, seeds=(1,)).cells(), folder=tmp_path).failures
    assert not Study.load(tmp_path).failures


def test_a_fault_is_told_with_the_place_where_it_happened(
    data: StudyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> list[str]:
        raise ZeroDivisionError("a bug")

    data = replace(data, unlabelled=list)
    assert data.fingerprint
    object.__setattr__(data, "unlabelled", broken)
    study = run_study(data, GRID.cells()[:1], folder=tmp_path)
    assert study.failures[0].fault
    assert study.failures[0].error == "ZeroDivisionError: a bug"
    assert "in broken" in study.failures[0].traceback


def test_a_result_of_other_data_is_refused_before_anything_is_trained(data: StudyData, tmp_path: Path) -> None:
    run_study(data, GRID.cells()[-1:], folder=tmp_path)
    log = Log()
    with pytest.raises(InputError, match="result of other data"):
        run_study(replace(data, test=texts(12)), GRID.cells(), folder=tmp_path, watcher=log)
    assert not log.outcomes


def test_a_cell_that_is_stopped_goes_on_as_if_it_had_not_been(data: StudyData, tmp_path: Path) -> None:
    cells = Grid(METHODS, QUICK.updated(optimisation__epochs=6, optimisation__tolerance=1e-30), seeds=(1,)).cells()
    whole = run_study(data, cells, folder=tmp_path / "whole")

    class Stopping(Watcher):
        def callback(self, cell: Cell, model: AnyModel) -> Callback:
            class StopAtThree(Callback):
                def on_evaluation(self, trainer: Trainer, evaluation: Evaluation) -> None:
                    if evaluation.epoch == 3 and cell.name == "switch":
                        model.stop()

            return StopAtThree()

    first = run_study(data, cells, folder=tmp_path / "parts", watcher=Stopping())
    assert first.interrupted
    assert first.missing == ["switch-seed1"]
    assert Study.load(tmp_path / "parts").missing == ["switch-seed1"]
    second = run_study(data, cells, folder=tmp_path / "parts")
    for one, other in zip(whole.results, second.results, strict=True):
        assert one.test == other.test
        assert [each.flops for each in one.run.evaluations] == [each.flops for each in other.run.evaluations]


@pytest.mark.slow
def test_several_processes_find_what_one_does(data: StudyData, tmp_path: Path) -> None:
    alone = run_study(data, GRID.cells(), folder=tmp_path / "alone")
    several = run_study(data, GRID.cells(), folder=tmp_path / "several", jobs=2)
    assert [(result.name, result.seed, result.test) for result in several.results] == [
        (result.name, result.seed, result.test) for result in alone.results
    ]
    assert [result.jobs for result in several.results] == [2] * 4
    stopped = run_study(data, GRID.cells(), folder=tmp_path / "stopped", jobs=2, watcher=StopsAtOnce())
    assert stopped.interrupted
    assert len(stopped.missing) == 4
    assert not list((tmp_path / "stopped").glob(".stop-*"))


class StopsAtOnce(Watcher):
    def on_stop_file(self, path: Path) -> None:
        request_stop(path)


class Deadly:
    """Unlabelled text that kills every process in which it is read but one."""

    def __init__(self, parent: int) -> None:
        self.parent = parent

    def __call__(self) -> list[str]:
        if os.getpid() != self.parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:A worker stopped while some jobs")
def test_what_dies_while_the_study_is_stopped_has_stopped(data: StudyData, tmp_path: Path) -> None:
    deadly = replace(data, unlabelled=DeadlyAndStopping(os.getpid(), tmp_path))
    study = run_study(deadly, GRID.cells()[:2], folder=tmp_path, jobs=2)
    assert study.interrupted
    assert not study.failures


class DeadlyAndStopping(Deadly):
    """Asks the study to stop first, as a signal to all of its processes does."""

    def __init__(self, parent: int, folder: Path) -> None:
        super().__init__(parent)
        self.folder = folder

    def __call__(self) -> list[str]:
        if os.getpid() != self.parent:
            frames = [frame.f_locals.get("order") for frame, _ in traceback.walk_stack(None)]
            request_stop(next(order.stop for order in frames if order is not None))
        return super().__call__()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:A worker stopped while some jobs")
def test_a_killed_process_is_a_failure_of_its_cell(data: StudyData, tmp_path: Path) -> None:
    deadly = replace(data, unlabelled=Deadly(os.getpid()))
    study = run_study(deadly, GRID.cells()[:2], folder=tmp_path, jobs=2)
    assert [failure.fault for failure in study.failures] == [True, True]
    assert "killed" in study.failures[0].error


def test_a_folder_that_is_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no study"):
        Study.load(tmp_path)
    assert not Order(GRID.cells()[0], StudyData(texts(2), texts(2), texts(2)), {}, None).stopped
