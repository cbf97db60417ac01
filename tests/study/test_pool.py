from __future__ import annotations

import warnings
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.study.conftest import QUICK

from mt2st import MultiTask
from mt2st.errors import FewRowsWarning
from mt2st.study import Grid, StudyData, run_study
from mt2st.study.pool import DASK, connected, warnings_kept


def test_each_different_warning_is_kept_once_and_none_is_shown() -> None:
    shown = warnings.showwarning
    with warnings_kept() as kept:
        for text in ("a", "b", "a"):
            warnings.warn(text, FewRowsWarning, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert [each[:3] for each in kept] == [("a", FewRowsWarning, __file__), ("b", FewRowsWarning, __file__)]
    assert warnings.showwarning is shown


def test_blocks_of_several_threads_may_overlap_in_any_order() -> None:
    shown, filters = warnings.showwarning, list(warnings.filters)
    one, other = ExitStack(), ExitStack()
    first = one.enter_context(warnings_kept())
    second = other.enter_context(warnings_kept())
    one.close()
    warnings.warn("late", FewRowsWarning, stacklevel=1)
    other.close()
    assert [list(first), [text for text, *_ in second]] == [[], ["late"]]
    assert (warnings.showwarning, list(warnings.filters)) == (shown, filters)


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
