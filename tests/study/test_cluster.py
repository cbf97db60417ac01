from __future__ import annotations

import os
import signal
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from tests.study.conftest import QUICK

from mt2st import InputError, SingleTask
from mt2st.study import Grid, Study, StudyData, run_study
from mt2st.study.worker import DASK, connected

dask = pytest.importorskip("dask", reason="needs the extra 'cluster'")
distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.filterwarnings("ignore")  # what a cluster's threads warn of at its end is not ours
def test_cells_run_on_a_dask_cluster(threads: int, data: StudyData, tmp_path: Path) -> None:
    cells = Grid({"single-task": SingleTask()}, QUICK, seeds=(1, 2)).cells()
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=threads, processes=False, dashboard_address=None
        ) as cluster,
        connected(cluster.scheduler_address),
    ):
        study = run_study(data, cells, folder=tmp_path, jobs=-1, backend=DASK)
    assert [result.seed for result in study.results] == [1, 2]
    assert [result.test for result in study.results] == [result.test for result in Study.load(tmp_path).results]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.filterwarnings("ignore")
def test_a_cell_that_kills_its_workers_has_failed_and_the_others_go_on(
    workers: int, data: StudyData, tmp_path: Path
) -> None:
    deadly = replace(data, unlabelled=Deadly(os.getpid()))
    cells = Grid({"single-task": SingleTask()}, QUICK, seeds=(1, 2, 3)).cells()
    with (
        # A local cluster gives a worker up that is not there 15 s after a death: on a busy machine, one that restarts.
        dask.config.set({"distributed.deploy.lost-worker-timeout": "10 minutes"}),
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))
        study = run_study(deadly, cells, folder=tmp_path, jobs=-1, backend=DASK)
    assert sorted(result.seed for result in study.results) == [2, 3]
    assert [failure.seed for failure in study.failures] == [1]
    assert "killed" in study.failures[0].error


class Deadly:
    """Unlabelled text whose reading kills every process but one, for the cell with seed 1."""

    def __init__(self, parent: int) -> None:
        self.parent = parent

    def __call__(self) -> list[str]:
        orders = [frame.f_locals.get("order") for frame, _ in traceback.walk_stack(None)]
        if os.getpid() != self.parent and any(each and each.cell.settings.seed == 1 for each in orders):
            os.kill(os.getpid(), signal.SIGKILL)
        return []


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with (
        pytest.raises(InputError, match="no Dask scheduler answers at tcp://127.0.0.1:1"),
        connected("tcp://127.0.0.1:1", seconds=1),
    ):
        pass
