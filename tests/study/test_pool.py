from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.study.conftest import QUICK

from mt2st import MultiTask
from mt2st.errors import FewRowsWarning
from mt2st.study import Grid, StudyData, run_study, worker
from mt2st.study.worker import DASK, connected, warnings_kept


@pytest.fixture
def to_others(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings that are shown."""
    shown: list[str] = []
    monkeypatch.setattr(worker, "_shown", lambda message, *_: shown.append(str(message)))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # for what comes after
    return shown


@pytest.mark.filterwarnings("always")
def test_each_different_warning_is_kept_once_and_none_is_shown(to_others: list[str]) -> None:
    with warnings_kept() as kept:
        for text in ("a", "b", "a"):
            warnings.warn(text, FewRowsWarning, stacklevel=1)
    assert [each[:3] for each in kept] == [("a", FewRowsWarning, __file__), ("b", FewRowsWarning, __file__)]
    assert to_others == []
    warnings.warn("c", FewRowsWarning, stacklevel=1)
    assert to_others == ["c"]


@pytest.mark.filterwarnings("always")
def test_threads_keep_their_own_warnings_and_show_others(to_others: list[str]) -> None:
    both = threading.Barrier(2)

    def cell(name: str) -> list[str]:
        with warnings_kept() as kept:
            both.wait()
            warnings.warn(name, FewRowsWarning, stacklevel=1)
            both.wait()
        warnings.warn(f"after {name}", FewRowsWarning, stacklevel=1)
        return [text for text, *_ in kept]

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(cell, ["one", "other"])) == [["one"], ["other"]]
    assert sorted(to_others) == ["after one", "after other"]


@pytest.fixture
def few_pairs(tmp_path: Path) -> Grid:
    """A study whose every cell has few pairs to learn from."""
    pairs = tmp_path / "agree.txt"
    pairs.write_text("fine film\ndull a\n0 1\n2 3\n", encoding="utf-8")
    settings = QUICK.updated(auxiliaries=("misalignment",), auxiliary_data__agree=(str(pairs),))
    return Grid({"multi-task": MultiTask()}, settings, seeds=(1, 2))


@pytest.mark.slow
def test_what_a_pool_of_processes_warns_of_is_shown_once(few_pairs: Grid, data: StudyData, tmp_path: Path) -> None:
    with pytest.warns(FewRowsWarning) as alone:
        run_study(data, few_pairs.cells()[:1], folder=tmp_path / "alone")
    with pytest.warns(FewRowsWarning) as several:
        run_study(data, few_pairs.cells(), folder=tmp_path / "several", jobs=2)
    assert [_told(each) for each in several] == [_told(each) for each in alone]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what a cluster warns of itself, such as a port that another one has
def test_what_a_cluster_warns_of_is_shown_once(few_pairs: Grid, data: StudyData, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster,
        connected(cluster.scheduler_address),
        warnings.catch_warnings(record=True) as told,
    ):
        warnings.simplefilter("always", FewRowsWarning)
        run_study(data, few_pairs.cells(), folder=tmp_path, jobs=-1, backend=DASK)
    assert [each.category for each in told] == [FewRowsWarning]


def _told(each: warnings.WarningMessage) -> tuple[str, type[Warning], str, int]:
    return str(each.message), each.category, each.filename, each.lineno
