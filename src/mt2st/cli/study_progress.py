"""A study on the command line: its progress on stderr, its end by signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mt2st.cli.bar import duration
from mt2st.cli.options import say
from mt2st.cli.progress import ProgressListener
from mt2st.evaluation.tables import METRICS
from mt2st.models.any_model import AnyModel
from mt2st.study import Cell, CellResult, Outcome, Watcher
from mt2st.study.worker import request_stop


class StudyProgress(Watcher):
    """Shows how a study goes, and can stop it.

    Args:
        cells: all of the study.
        due: how many of them this run works on.
        elsewhere: how many others are not finished: shares of other runs.
        jobs: how many run at a time.
        on_begin: called when a training begins.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        *,
        due: int,
        elsewhere: int = 0,
        jobs: int = 1,
        on_begin: Callable[[], None] = lambda: None,
    ) -> None:
        self._numbers = {cell.folder: number for number, cell in enumerate(cells, start=1)}
        self._left, self._done, self._jobs, self._begin = due, len(cells) - due - elsewhere, jobs, on_begin
        self._seconds: list[float] = []
        self._model: AnyModel | None = None
        self._stop_file: Path | None = None
        self._listener: ProgressListener | None = None

    def callback(self, cell: Cell) -> ProgressListener:
        """Show the training of a cell in this process."""
        self.close()
        self._listener = ProgressListener(f"[{self._numbers[cell.folder]}/{len(self._numbers)}] {cell.title}")
        return self._listener

    def on_model(self, model: AnyModel) -> None:
        """Remember what there is to stop."""
        self._model = model

    def on_stop_file(self, path: Path) -> None:
        """Remember how to stop what runs elsewhere."""
        first, self._stop_file = self._stop_file is None, path
        if first:  # said only now: whoever reads it may send a signal at once
            self._say_where()

    def on_begin(self) -> None:
        """Pass it on."""
        self._begin()

    def on_outcome(self, outcome: Outcome) -> None:
        """Say what became of a cell, and how long the others will take."""
        if outcome.result is None and outcome.failure is None:
            return
        self._left -= 1
        self._done += 1
        head = f"{self._done} of {len(self._numbers)}: {outcome.cell.title}"
        if outcome.failure:
            say(f"{head} FAILED: {outcome.failure.error}")
            return
        assert outcome.result is not None
        self._seconds.append(outcome.result.wall_seconds)
        say(f"{head}: {self._measured(outcome.result)}, {duration(outcome.result.wall_seconds)}{self._to_go()}")

    def stop(self) -> bool:
        """Ask the running cells to end; returns whether there is any."""
        if self._stop_file is not None:
            request_stop(self._stop_file)
            return True
        return self._model is not None and self._model.stop()

    def close(self) -> None:
        """Remove the bar of the last cell in this process."""
        if self._listener is not None:
            self._listener.close()

    def _say_where(self) -> None:
        say(f"{self._left} runs in other processes{f', {self._jobs} at a time' if self._jobs > 0 else ''}")

    def _measured(self, result: CellResult) -> str:
        return f"{METRICS[result.metric]} {100 * result.score:.1f} %"

    def _to_go(self) -> str:
        if not self._left:
            return ""
        rounds = self._left / min(self._jobs, self._left) if self._jobs > 0 else self._left
        mean = sum(self._seconds) / len(self._seconds)
        return f"; {self._left} to go, about {duration(rounds * mean)}"


class SearchProgress(StudyProgress):
    """Shows how a search goes, by the validation part: there is no other."""

    def _measured(self, result: CellResult) -> str:
        value = result.run.evaluations[result.run.best].validation[result.metric]
        return f"validation {METRICS[result.metric]} {100 * value:.1f} %"
