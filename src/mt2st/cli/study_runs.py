"""The runs of a study on the command line: progress on stderr, the end by a signal, the exit code."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

from mt2st._checkpoint import CHECKPOINT_SECONDS
from mt2st.cli.interruption import Stopped, stopped_by_signals
from mt2st.cli.progress import TrainingProgress
from mt2st.cli.terminal import duration, say
from mt2st.evaluation.tables import METRICS
from mt2st.models.trained_model import AnyModel
from mt2st.study import Cell, CellResult, Group, Outcome, Study, StudyData, Watcher, run_study
from mt2st.study.run import check_shared_settings, is_finished
from mt2st.study.search import Found, search_settings, trials_left
from mt2st.study.worker import DASK, LOCAL, connected, request_stop

WorkT = TypeVar("WorkT", Study, Found)
INPUT_FAILED, FAULT = 2, 1
"""Exit codes of a study with failed cells: all by what the user gave, or one by a fault."""


class StudyProgress(Watcher):
    """Shows how a study goes, and can stop it.

    Of its runs, in total, some are due by this command, and some not finished are left to others (``elsewhere``). Jobs
    below 0 are as many as a cluster takes.
    """

    def __init__(self, total: int, *, due: int, elsewhere: int = 0, jobs: int = 1) -> None:
        self._total, self._left, self._done = total, due, total - due - elsewhere
        self._jobs = jobs
        self._seconds: list[float] = []
        self._model: AnyModel | None = None
        self._stop_file: Path | None = None
        self._training: TrainingProgress | None = None

    def callback(self, cell: Cell, model: AnyModel) -> TrainingProgress:
        """Show the training of a cell in this process, and remember what there is to stop."""
        self.close()
        self._model = model
        self._training = TrainingProgress(f"[{self._done + 1}/{self._total}] {cell.title}")
        return self._training

    def on_stop_file(self, path: Path) -> None:
        """Remember how to stop what runs elsewhere."""
        first, self._stop_file = self._stop_file is None, path
        if first:  # said only now: whoever reads it may send a signal at once
            say(f"{self._left} runs in other processes{f', {self._jobs} at a time' if self._jobs > 0 else ''}")

    def on_outcome(self, outcome: Outcome) -> None:
        """Say what became of a cell, and how long the others will take."""
        if outcome.stopped:
            return
        self._left -= 1
        self._done += 1
        head = f"{self._done} of {self._total}: {outcome.cell.title}"
        if outcome.failure:
            say(f"{head} FAILED: {outcome.failure.error}")
            return
        assert outcome.result is not None
        self._seconds.append(outcome.result.wall_seconds)
        say(f"{head}: {_score(outcome.result)}, {duration(outcome.result.wall_seconds)}{self._to_go()}")

    def stop(self) -> bool:
        """Ask the running cells to end; returns whether there is any."""
        if self._stop_file is not None:
            request_stop(self._stop_file)
            return True
        return self._model is not None and self._model.stop()

    def close(self) -> None:
        """Remove the bar of the last cell in this process."""
        if self._training is not None:
            self._training.close()

    def _to_go(self) -> str:
        if not self._left:
            return ""
        rounds = self._left / min(self._jobs, self._left) if self._jobs > 0 else self._left
        mean = sum(self._seconds) / len(self._seconds)
        return f"; {self._left} to go, about {duration(rounds * mean)}"


def _score(result: CellResult) -> str:
    """Return the metric on the test part; a trial of a search has the validation part alone."""
    title, values, part = METRICS[result.metric], result.test, ""
    if not values:
        values, part = result.run.evaluations[result.run.best].validation, "validation "
    return f"{part}{title} {100 * values[result.metric]:.1f} %"


def run_cells(
    data: StudyData,
    cells: Sequence[Cell],
    *,
    folder: Path,
    jobs: int = 1,
    cluster: str | None = None,
    share: Sequence[Cell] | None = None,
    about: dict[str, object] | None = None,
    searched: Collection[str] = (),
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Study:
    """Run the cells of a study, as `run_study` does, until they are through or a signal comes.

    Further arguments are the address of a Dask scheduler to run at, and the names of the settings that a search has
    chosen for each strategy.
    """
    check_shared_settings(folder, cells, searched=searched)
    left = [cell for cell in cells if not is_finished(folder, cell)]
    due = sum(share is None or cell in share for cell in left)
    work = partial(run_study, data, cells, folder=folder, share=share, about=about,
                   checkpoint_seconds=checkpoint_seconds)  # fmt: skip
    return _until_stopped(work, jobs, cluster, total=len(cells), due=due, elsewhere=len(left) - due)


def run_search(
    data: StudyData,
    cells: Sequence[Cell],
    trials: int,
    *,
    epochs: int | None,
    folder: Path,
    jobs: int,
    cluster: str | None,
) -> Found:
    """Search settings, as `search_settings` does, until all trials are through or a signal comes, as `run_cells`."""
    total, due = trials * len({cell.group for cell in cells}), trials_left(folder, cells, trials)
    work = partial(search_settings, data, cells, trials, epochs=epochs, folder=folder)
    return _until_stopped(work, jobs, cluster, total=total, due=due)


def _until_stopped(work: Callable[..., WorkT], jobs: int, cluster: str | None, **runs: int) -> WorkT:
    """Show the progress of work on runs, and end it by a signal."""
    jobs = -1 if cluster and jobs == 1 else jobs
    progress = StudyProgress(jobs=jobs, **runs)
    with ExitStack() as stack:
        if cluster:
            stack.enter_context(connected(cluster))
        stack.callback(progress.close)
        received = stack.enter_context(stopped_by_signals(progress.stop))
        found = work(jobs=jobs, backend=DASK if cluster else LOCAL, watcher=progress)
    if found.interrupted:
        raise Stopped(received[0])
    return found


def with_earlier(study: Study, folder: Path) -> Study:
    """Return a complete study with the other runs of its folder: it may grow by strategies, settings and seeds."""
    found = Study.load(folder)
    own = {(Group.of(each), each.seed) for each in study.results}
    if others := sum((Group.of(each), each.seed) not in own for each in found.results):
        runs = f"{others} other run{'' if others == 1 else 's'}"
        say(f"with {runs} of this study, which earlier commands left in {folder}")
    return found


def finish(study: Study, folder: Path, show: Callable[[Study], None]) -> int:
    """Show a complete study with the other runs of its folder, say what is missing or failed; return the exit code."""
    if study.missing:
        total = len(study.results) + len(study.missing) + len(study.failures)
        say(
            f"{len(study.results)} of {total} runs are finished in {folder}; the same command without --cell runs the "
            "others, or prints the table when all are through"
        )
    elif study.results:
        show(with_earlier(study, folder))
    by_error: dict[str, list[str]] = {}
    for failure in study.failures:
        by_error.setdefault(failure.error, []).append(failure.title)
    for error, titles in by_error.items():
        say(f"mt2st: {error} ({len(titles)} failed: {'; '.join(titles)})")
    if any(failure.fault for failure in study.failures):
        say(f"mt2st: where it happened is in {folder}/*/error.json")
        return FAULT
    return INPUT_FAILED if study.failures else 0
