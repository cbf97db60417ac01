from __future__ import annotations

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


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with (
        pytest.raises(InputError, match="no Dask scheduler answers at tcp://127.0.0.1:1"),
        connected("tcp://127.0.0.1:1", seconds=1),
    ):
        pass
