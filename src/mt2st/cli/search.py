"""A search of settings on the command line: before a comparison, with progress on stderr."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mt2st.cli.interruption import stopped_by_signals
from mt2st.cli.options import say
from mt2st.errors import InputError

if TYPE_CHECKING:
    from mt2st.cli.compare import CompareOptions
    from mt2st.study import Cell, StudyData
    from mt2st.study.search import Found, Search


def search_of(options: CompareOptions) -> Search | None:
    """Return how much the options of a comparison ask to be searched; None for nothing.

    Raises:
        InputError: an option is wrong, or Optuna is not installed.
    """
    if not options.search:
        if options.search_only:
            raise InputError("--search-only needs --search, the number of trials")
        return None
    if options.search < 0:
        raise InputError(f"--search is a number of trials, 0 for none, found {options.search}")
    from mt2st.study.search.plan import SEARCH_SEED, Search
    from mt2st.study.search.sampler import check_sampler

    check_sampler()
    search = Search(options.search, options.search_seeds or (SEARCH_SEED,), options.search_epochs)
    try:
        search.check_seeds(options.seeds)
    except InputError as error:
        raise InputError(f"{error} (--search-seeds)") from None
    return search


def run_search(
    data: StudyData,
    cells: Sequence[Cell],
    search: Search,
    *,
    folder: Path,
    jobs: int,
    cluster: str | None,
    shared: bool,
    on_begin: Callable[[], None],
) -> tuple[Found, list[int]]:
    """Search with progress on stderr, until all trials are through or a signal comes.

    Args:
        data: without a test part.
        cells: of the study.
        search: how much.
        folder: the study's.
        jobs: how many runs at a time.
        cluster: address of a Dask scheduler, to run there.
        shared: whether this run works on a share of the cells only: then the search must be through.
        on_begin: called when a training begins.

    Returns:
        What was found, and the signals that came.

    Raises:
        InputError: a share of the cells is asked for, and the search is not through.
    """
    from mt2st.cli.study_progress import SearchProgress
    from mt2st.study.cluster import DASK, connected
    from mt2st.study.pool import LOCAL
    from mt2st.study.search import search_settings
    from mt2st.study.search.run import planned_runs, recorded_trials

    methods = {cell.group: cell for cell in cells}
    left = {name: max(0, search.trials - recorded_trials(folder, cell)) for name, cell in methods.items()}
    if shared and any(left.values()):
        raise InputError(
            f"the search in {folder} is not through: --cell deals out what comes after it; run the same command with "
            "--search-only in place of --cell first"
        )
    if cluster and jobs == 1:
        jobs = -1
    progress = SearchProgress(
        planned_runs(cells, search), due=sum(left.values()) * len(search.seeds), jobs=jobs, on_begin=on_begin
    )
    with ExitStack() as stack:
        if cluster:
            stack.enter_context(connected(cluster))
        stack.callback(progress.close)
        received = stack.enter_context(stopped_by_signals(progress.stop))
        found = search_settings(
            data, cells, search, folder=folder, jobs=jobs, backend=DASK if cluster else LOCAL, watcher=progress
        )
    return found, received


def tell_search(about: Mapping[str, Any]) -> None:
    """Say what a search has chosen.

    Args:
        about: what ``study.json`` will say.
    """
    from mt2st.study import Study
    from mt2st.study.tables import search_table

    if table := search_table(Study([], about=about)):
        say(f"{table.text()}\n{table.notes}")
