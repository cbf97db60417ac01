"""A study's folder and its runs, for the commands that have one: compare, reproduce, demo."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from mt2st.cli.interruption import stopped_by_signals
from mt2st.cli.options import say
from mt2st.errors import InputError

if TYPE_CHECKING:
    from mt2st.study import Cell, CellResult, Share, Study, StudyData

CELL = re.compile(r"-seed\d+$")
"""What the names of a study's folders end with."""
BESIDE_CELLS = {
    "study.json",
    "runs.csv",
    "vectors",
    "search",
    "report.html",
    "tables",
    "figures",
    "paper",
    "neighbours.json",
}
"""What a study's folder holds besides its cells."""
ASIDE = ".replaced"
"""Where a study's folder holds an earlier study until the one that shall replace it has begun."""
PASSING = (".stop-", ASIDE, *(f".{name}." for name in sorted(BESIDE_CELLS)))
"""What the names of files begin with that another run of the same study may just be writing there, or was writing when
it was killed."""
INPUT_FAILED, FAULT = 2, 1
"""Exit codes of a study with failed cells: all by what the user gave, or one by a fault."""


def check_output(output: Path) -> None:
    """Refuse a place that is no study's before anything is trained."""
    there = next((place for place in (output, *output.parents) if place.exists()), Path())
    if not there.is_dir():
        raise InputError(f"--output {output}: {there} is a file: give the name of a folder")
    if output.is_symlink() and not output.exists():
        raise InputError(f"--output {output} is a symbolic link that leads nowhere: make the folder that it leads to")
    strange = [path.name for path in output.iterdir() if not _is_ours(path.name)] if output.is_dir() else []
    if strange:
        raise InputError(f"--output {output} holds files that are no study's ({strange[0]}): choose another")


def _is_ours(name: str) -> bool:
    return bool(CELL.search(name)) or name in BESIDE_CELLS or name.startswith(PASSING)


def busy_cells(folder: Path) -> list[Path]:
    """Return the folders of a study's cells, its search's too, on which other processes work."""
    from mt2st.study.lock import LOCK, is_busy

    locks = [*folder.glob(f"*/{LOCK}"), *folder.glob(f"search/*/{LOCK}")]
    return [path.parent for path in sorted(locks) if is_busy(path.parent)]


def run_cells(
    data: StudyData,
    cells: Sequence[Cell],
    *,
    folder: Path,
    jobs: int = 1,
    cluster: str | None = None,
    share: Share | None = None,
    about: dict[str, object] | None = None,
    searched: Collection[str] = (),
    on_begin: Callable[[], None] = lambda: None,
) -> tuple[Study, list[int]]:
    """Run the cells of a study with progress on stderr, until they are through or a signal comes.

    Args:
        data: the data.
        cells: the cells.
        folder: the study's.
        jobs: how many at a time.
        cluster: address of a Dask scheduler, to run there.
        share: the part of the cells to work on.
        about: for ``study.json``.
        searched: the names of settings that a search has chosen for each strategy.
        on_begin: called when a training begins: from then on, the input is known to be right.

    Returns:
        The study, and the signals that came.

    Raises:
        InputError: when the folder holds another experiment, or is broken.
    """
    from mt2st.cli.study_progress import StudyProgress
    from mt2st.study import Share, run_study
    from mt2st.study.cluster import DASK, connected
    from mt2st.study.experiment import check_shared_settings
    from mt2st.study.pool import LOCAL
    from mt2st.study.run import is_finished

    check_shared_settings(folder, cells, searched=searched)
    left = [cell for cell in cells if not is_finished(folder, cell)]
    own = (share or Share()).select(cells)
    due = [cell for cell in left if cell in own]
    if cluster and jobs == 1:
        jobs = -1
    progress = StudyProgress(cells, due=len(due), elsewhere=len(left) - len(due), jobs=jobs, on_begin=on_begin)
    with ExitStack() as stack:
        if cluster:
            stack.enter_context(connected(cluster))
        stack.callback(progress.close)
        received = stack.enter_context(stopped_by_signals(progress.stop))
        study = run_study(
            data,
            cells,
            folder=folder,
            jobs=jobs,
            backend=DASK if cluster else LOCAL,
            share=share,
            about=about,
            watcher=progress,
        )
    return study, received


def with_earlier(study: Study, folder: Path) -> Study:
    """Return a study with the other runs of its folder: a study may grow by strategies, settings and seeds.

    Args:
        study: of the runs that were asked for, all of them through.
        folder: where they are, and maybe others.
    """
    from mt2st.study import Study

    found = Study.load(folder)
    own = {_key(each) for each in study.results}
    if others := sum(_key(each) not in own for each in found.results):
        runs = f"{others} other run{'' if others == 1 else 's'}"
        say(f"with {runs} of this study, which earlier commands left in {folder}")
    return found


def _key(result: CellResult) -> tuple[object, ...]:
    return (result.name, result.seed, *sorted(result.factors.items()))


def share_of(text: str | None) -> Share | None:
    """Return the share of the runs that ``--cell`` asks for.

    Raises:
        InputError: when it is no share.
    """
    if text is None:
        return None
    from mt2st.study.share import Share

    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found:
        raise InputError(f"--cell takes a share such as 3/8, the third of eight, found '{text}'")
    try:
        return Share(int(found[1]), int(found[2]))
    except InputError as error:
        raise InputError(f"--cell: {error}") from None


def what_is_kept(folder: Path, *, again: str = "the same command (without --overwrite)") -> str:
    """Return in a sentence what an interrupted study leaves, and what goes on from there."""
    finished = len(list(folder.glob("*/result.json")))
    begun = len([*folder.glob("*/checkpoint"), *folder.glob("search/*/checkpoint")])
    trials = len(list(folder.glob("search/*/result.json")))
    if not finished and not begun and not trials:
        return "interrupted: no run was finished, nothing is kept"
    kept = [f"{finished} finished run{'' if finished == 1 else 's'}"] * bool(finished)
    kept += [f"{trials} run{'' if trials == 1 else 's'} of the search"] * bool(trials)
    kept += ["the running one's checkpoint" if begun == 1 else f"the checkpoints of {begun} running ones"] * bool(begun)
    return f"interrupted: {' and '.join(kept)} in {folder}; {again} goes on from there"


def tell_failures(study: Study, folder: Path) -> int:
    """Say which runs failed and why; return the exit code."""
    if not study.failures:
        return 0
    by_error: dict[str, list[str]] = {}
    for failure in study.failures:
        by_error.setdefault(failure.error, []).append(failure.title)
    for error, titles in by_error.items():
        say(f"mt2st: {error} ({len(titles)} failed: {'; '.join(titles)})")
    fault = any(failure.fault for failure in study.failures)
    if fault:
        say(f"mt2st: where it happened is in {folder}/*/error.json")
    return FAULT if fault else INPUT_FAILED
