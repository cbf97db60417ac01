from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from tests.study.conftest import QUICK

from mt2st import InputError, SingleTask
from mt2st.study import Grid, Study, StudyData, run_study
from mt2st.study.cluster import DASK, connected

distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")


@pytest.mark.filterwarnings("ignore")  # what a cluster's threads warn of at its end is not ours
def test_cells_run_on_a_dask_cluster(data: StudyData, tmp_path: Path) -> None:
    cells = Grid({"single-task": SingleTask()}, QUICK, seeds=(1, 2)).cells()
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        connected(cluster.scheduler_address),
    ):
        study = run_study(data, cells, folder=tmp_path, jobs=-1, backend=DASK)
    assert [result.seed for result in study.results] == [1, 2]
    assert [result.test for result in study.results] == [result.test for result in Study.load(tmp_path).results]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cell_that_kills_its_workers_has_failed_and_the_others_go_on(data: StudyData, tmp_path: Path) -> None:
    deadly = replace(data, unlabelled=Deadly(os.getpid(), tmp_path / "deaths"))
    cells = Grid({"single-task": SingleTask()}, QUICK, seeds=(1, 2)).cells()
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))
        study = run_study(deadly, cells, folder=tmp_path / "study", jobs=-1, backend=DASK)
    assert len(study.results) + len(study.failures) == 2
    assert study.failures
    assert all("killed" in failure.error for failure in study.failures)


class Deadly:
    """Unlabelled text whose reading kills every process but one, the first three times that it is read elsewhere."""

    def __init__(self, parent: int, deaths: Path) -> None:
        self.parent, self.deaths = parent, deaths

    def __call__(self) -> list[str]:
        if os.getpid() != self.parent:
            self.deaths.mkdir(exist_ok=True)
            if len(list(self.deaths.iterdir())) < 3:
                (self.deaths / str(os.getpid())).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return []


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with (
        pytest.raises(InputError, match="no Dask scheduler answers at tcp://127.0.0.1:1"),
        connected("tcp://127.0.0.1:1", seconds=1),
    ):
        pass
