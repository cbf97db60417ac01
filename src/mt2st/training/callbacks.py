"""Callbacks follow a training: one class for steps, evaluations, events, logs and checkpoints."""

from __future__ import annotations

import errno
import json
import math
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

from mt2st._checkpoint import CHECKPOINT_SECONDS, Pace
from mt2st._files import complete_file
from mt2st.errors import InputError, NotKeptWarning, NotWrittenError
from mt2st.strategy.parameters import plain
from mt2st.training.checkpoint import check_room, checkpoint_in
from mt2st.training.run import Evaluation

EVENTS = ("transition", "decision", "freeze", "probe", "learning_rate", "halving", "end")
"""Kinds of events, in `Callback.on_event` and in the log."""

RECORDS = ("evaluation", *EVENTS)
"""Kinds of records in the log."""

LONGEST_RECORD = 2**24
"""Most bytes of a first line that is examined: a record of a freeze has a number for each dimension."""


class Callback:
    """Follows a training. Every method does nothing; a subclass overrides those it needs.

    ``trainer`` is the `mt2st.training.Trainer`: its ``module``, ``progress`` (epoch, batch, step), ``run``,
    ``strategy``, ``optimizer`` and ``stop()`` are of use. Time spent in callbacks is not training time.

    `on_choice`, `on_corpus`, `on_memory`, `on_auxiliary`, `on_cooccurrences` and `on_vectors` are called by the
    estimators alone, while they prepare the training, `on_forecast` during it, and `on_model` in the end; a `Trainer`
    of your own never calls them.

    Example:
        >>> class StopAt(Callback):
        ...     def __init__(self, step):
        ...         self.step = step
        ...     def on_step_end(self, trainer):
        ...         if trainer.progress.step == self.step:
        ...             trainer.stop()
    """

    def on_choice(self, reason: str) -> None:
        """Something that was left to the data has been chosen; a line says what. It may be empty."""

    def on_corpus(self, corpus: Any, *, n_labelled: int) -> None:
        """The texts are encoded as a `mt2st.text.Corpus`; its first ``n_labelled`` documents have labels."""

    def on_memory(self, footprint: Any) -> None:
        """The training takes this memory at most: a `mt2st.embedding.Footprint`."""

    def on_auxiliary(self, coverage: Any) -> None:
        """The data of an auxiliary task are split; a `mt2st.tasks.Coverage` says how much of them can be used."""

    def on_cooccurrences(self, report: Any) -> None:
        """The co-occurrences of the context task are being counted: words counted so far."""

    def on_vectors(self, progress: Any) -> None:
        """The first word vectors of the embedding are being trained: a `mt2st.embedding.VectorProgress`.

        Its ``done`` is 0 in the first call, before anything is trained or read from a checkpoint.
        """

    def on_forecast(self, seconds: float) -> None:
        """About how many seconds the whole fit takes, from its start; known after the first evaluation."""

    def before_fit(self, trainer: Any) -> None:
        """`Trainer.fit` is called. What a training needs is made here: folders, or the state of a checkpoint."""

    def on_fit_start(self, trainer: Any) -> None:
        """The training begins, or goes on from a checkpoint, which is loaded now: ``progress`` tells where."""

    def on_step_end(self, trainer: Any) -> None:
        """One optimizer step is done. `Trainer.save` and `Trainer.state_dict` may be called here."""

    def on_evaluation(self, trainer: Any, evaluation: Evaluation) -> None:
        """The validation data were evaluated. The module has the parameters that were evaluated."""

    def on_event(self, trainer: Any, kind: str, values: Mapping[str, Any]) -> None:
        """Something happened: ``kind`` is one of `EVENTS`, ``values`` has the record with epoch and step."""

    def on_fit_end(self, trainer: Any) -> None:
        """`Trainer.fit` ends, even by an error."""

    def on_model(self, model: Any) -> None:
        """An estimator is fitted: its ``settings_``, ``metrics_``, ``choice_`` and ``run_`` are there."""


def check_callbacks(callbacks: object) -> list[Callback]:
    """Return callbacks as a list."""
    given: list[Any] = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    for callback in given:
        if not isinstance(callback, Callback):
            hint = f": write {callback.__name__}()" if isinstance(callback, type) else ""
            raise InputError(f"callbacks must be objects of mt2st.training.Callback, found {callback!r}{hint}")
    return given


class MetricsLog(Callback):
    """Writes evaluations and events as JSON Lines, a record at a time; readable while the training runs.

    A training that goes on from a checkpoint drops the records that the last run in the file wrote after it. Records
    that the disk refuses are kept, and written with the next one.

    Args:
        path: the file; records are appended. A file that does not begin with a record is refused before the training.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._due = b""

    def before_fit(self, trainer: Any) -> None:  # noqa: ARG002
        """Refuse a file of something else."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            first = file.readline(LONGEST_RECORD)
        if first and _read(first)[0] not in RECORDS:
            raise InputError(
                f"{self.path} is no log of a training: its first line is {first[:80]!r}; choose another file"
            )

    def on_fit_start(self, trainer: Any) -> None:
        """Drop a record that was cut off, and those of steps and evaluations that a resumed training repeats."""
        if not self.path.is_file():
            return
        found = self.path.read_bytes().splitlines(keepends=True)
        kept = [line for line in found if line.endswith(b"\n")]
        if trainer.progress.step > 0:
            first = _last_run(kept)
            kept = [*kept[:first], *_records_until(kept[first:], trainer)]
        if kept != found:
            with complete_file(self.path, overwrite=True) as file:
                file.writelines(kept)

    def on_evaluation(self, trainer: Any, evaluation: Evaluation) -> None:  # noqa: ARG002
        """Write the evaluation."""
        self._write("evaluation", asdict(evaluation))

    def on_event(self, trainer: Any, kind: str, values: Mapping[str, Any]) -> None:
        """Write the event; a training that went back repeats steps, whose records are dropped first."""
        if kind == "halving":
            self.on_fit_start(trainer)
        self._write(kind, values)

    def _write(self, event: str, record: Mapping[str, Any]) -> None:
        refused, line = bool(self._due), json.dumps({"event": event, **finite(plain(record))}, allow_nan=False)
        self._due += line.encode() + b"\n"
        try:
            with self.path.open("ab", buffering=0) as file:
                before = file.seek(0, os.SEEK_END)
                if file.write(self._due) < len(self._due):
                    file.truncate(before)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301  # as a buffer would
        except OSError as error:
            if not refused:
                warnings.warn(
                    f"cannot write {self.path}: {error.strerror}; its records are kept in memory until there is room",
                    NotKeptWarning,
                    stacklevel=2,
                )
        else:
            self._due = b""


class CheckpointEvery(Callback):
    """Saves a checkpoint every few minutes, at the ends of epochs, and when the training is interrupted.

    Those at the ends of epochs are left out where they would take more than 2 % of the time. If the disk refuses one,
    the one before stays, and the training goes on with a warning; at an interruption (`Trainer.stop`) the error is
    raised.

    Args:
        folder: the checkpoint; each one replaces the one before, whole or not at all. A folder with anything else is
            refused before the training.
        seconds: time between two checkpoints.
        identity: plain values that must be the same when the training goes on: `Trainer.save`.
        resume: go on from the checkpoint if there is one.
        fallback: a second folder to try when the training is interrupted and the disk of the first refuses.
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        *,
        seconds: float = CHECKPOINT_SECONDS,
        identity: Mapping[str, Any] | None = None,
        resume: bool = False,
        fallback: str | PathLike[str] | None = None,
    ) -> None:
        self.folder, self.pace, self.identity, self.resume = Path(folder), Pace(seconds), identity, resume
        self.fallback = None if fallback is None else Path(fallback)

    def before_fit(self, trainer: Any) -> None:
        """Check the folder and its disk, and go on from the checkpoint if asked to."""
        if checkpoint_in(self.folder).is_there() and self.resume:
            trainer.load(self.folder, identity=self.identity)
        check_room(self.folder, trainer.state_dict())
        self.pace.begin()

    def on_step_end(self, trainer: Any) -> None:
        """Save when it is time."""
        if self.pace.due(epoch_ends=trainer.progress.batch == trainer.primary.n_batches):
            with self.pace.saving():
                self.save(trainer)

    def save(self, trainer: Any) -> None:
        """Save a checkpoint; warn if the disk refuses it."""
        try:
            trainer.save(self.folder, identity=self.identity)
        except NotWrittenError as error:
            warnings.warn(f"no checkpoint: {error}. The training goes on", NotKeptWarning, stacklevel=2)

    def on_fit_end(self, trainer: Any) -> None:
        """Save where an interrupted training stands."""
        if trainer.run.stopped != "interrupted":
            return
        try:
            trainer.save(self.folder, identity=self.identity)
        except NotWrittenError as error:
            if self.fallback is None:
                raise
            warnings.warn(f"{error}: the checkpoint is written to {self.fallback}", NotKeptWarning, stacklevel=2)
            trainer.save(self.fallback, identity=self.identity)


def finite(value: Any) -> Any:
    """Return a record with None in place of numbers that JSON lacks (NaN, infinity), at any depth of mappings."""
    if isinstance(value, Mapping):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _last_run(lines: Sequence[bytes]) -> int:
    """Return the number of the line with which the last run begins: its steps count from 1 again."""
    first, ended, last, evaluated = 0, False, 0.0, 0.0
    for number, line in enumerate(lines):
        event, step = _read(line)
        if ended or step < last or (event == "evaluation" and step <= evaluated):
            first, evaluated = number, 0.0
        ended, last = event == "end", step
        evaluated = step if event == "evaluation" else evaluated
    return first


def _records_until(lines: Sequence[bytes], trainer: Any) -> Iterator[bytes]:
    """Give the records of a run that it had written when it was where the trainer is."""
    evaluations = 0
    for line in lines:
        event, step = _read(line)
        evaluations += event == "evaluation"
        if event == "end" or step > trainer.progress.step or evaluations > len(trainer.run.evaluations):
            return
        yield line


def _read(line: bytes) -> tuple[str, float]:
    """Return event and step of a record; a line that is cut off or is no record counts as later than any step."""
    try:
        record = json.loads(line)
        return str(record["event"]), float(record["step"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", math.inf
