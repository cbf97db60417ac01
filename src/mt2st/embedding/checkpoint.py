"""Checkpoints of a training of word vectors: its tables as they are in memory, and how far it has come."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from mt2st._checkpoint import CHECKPOINT_SECONDS, MANIFEST, ORIGIN, CheckpointFolder, Pace
from mt2st._workers import results
from mt2st.embedding.grown_vocabulary import GrownVocabulary
from mt2st.embedding.memory import give_back
from mt2st.embedding.settings import GloveSettings, WordVectorSettings
from mt2st.embedding.together import Together
from mt2st.errors import NotKeptWarning, NotWrittenError
from mt2st.text.corpus import Corpus

_POSITION = "position.json"
_TABLES = (
    "inputs.bin", "outputs.bin", "words.bin", "contexts.bin", "word_biases.bin", "context_biases.bin",
    "word_squares.bin", "context_squares.bin", "word_bias_squares.bin", "context_bias_squares.bin",
)  # fmt: skip
"""The first two of word2vec's methods, the others of GloVe."""
FILES = (_POSITION, *_TABLES, MANIFEST)
_AT_ONCE = 1 << 22
"""Token ids of which the checksum is computed at once."""
Job = TypeVar("Job")
Report = TypeVar("Report")
Tables = Mapping[str, NDArray[np.float32]]


class VectorCheckpoints:
    """Saves a training of word vectors every few minutes, and at the ends of epochs that are long enough.

    With one thread, a training that goes on from a checkpoint ends with the vectors of one that was never interrupted,
    to the bit. If the disk refuses a checkpoint, the one before stays, and the training goes on with a warning.

    Args:
        folder: the checkpoint; each one replaces the one before, whole or not at all.
        seconds: time between two checkpoints.
        resume: go on from the checkpoint if there is one.
        origin: how the data were chosen, as plain values by name: for messages.

    Attributes:
        seconds_before: seconds of training before it was resumed.

    Raises:
        InputError: the folder holds something else.
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        *,
        seconds: float = CHECKPOINT_SECONDS,
        resume: bool = False,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.pace, self.resume, self.origin = Path(folder), Pace(seconds), resume, dict(origin or {})
        self.seconds_before = 0.0
        self._tables: Tables = {}
        self._identity: dict[str, Any] = {}
        self._started = 0.0

    def begin(self, tables: Tables, identity: Mapping[str, Any]) -> dict[str, Any]:
        """Take the tables of a training at its start; where it goes on, fill them and return its position.

        Args:
            tables: float32 arrays, which the training updates in place.
            identity: plain values that must be the same when the training goes on (`identity_of`).

        Returns:
            What `save` got, and ``"seconds"`` of training before; both 0 or empty at the beginning.

        Raises:
            InputError: the checkpoint is broken or of another training.
            NotWrittenError: the disk has no room.
        """
        start = {name: crc32(table.data) for name, table in tables.items()}
        self._tables, self._identity = tables, {**identity, "start": start, ORIGIN: self.origin}
        place, position = self._place(), {}
        if place.is_there() and self.resume:
            with place.opened(self._identity):
                position = json.loads((self.folder / _POSITION).read_text(encoding="utf-8"))
                for name, table in tables.items():
                    with (self.folder / f"{name}.bin").open("rb") as file:
                        if file.readinto(table.data.cast("B")) != table.nbytes or file.read(1):
                            raise ValueError(f"{name}.bin is not of the size of this training")
        place.check_room(sum(table.nbytes for table in tables.values()))
        self.seconds_before = position.get("seconds", 0.0)
        self._started = time.perf_counter() - self.seconds_before
        self.pace.begin()
        return {"seconds": 0.0, **position}

    def save(self, position: Mapping[str, Any]) -> None:
        """Save the tables, and plain values that tell where to go on."""
        position = {**position, "seconds": time.perf_counter() - self._started}
        size = sum(table.nbytes for table in self._tables.values())
        with self.pace.saving():
            try:
                with self._place().written(self._identity, size) as partial:
                    for name, table in self._tables.items():
                        table.tofile(partial / f"{name}.bin")
                    (partial / _POSITION).write_text(json.dumps(position), encoding="utf-8")
            except NotWrittenError as error:
                warnings.warn(f"no checkpoint: {error}. The training goes on", NotKeptWarning, stacklevel=2)

    def _place(self) -> CheckpointFolder:
        return CheckpointFolder(self.folder, (_POSITION,), _TABLES)


def saved_results(
    run: Callable[[Job], Report],
    jobs: Iterator[Job],
    workers: int,
    checkpoints: VectorCheckpoints | None,
    position: Callable[[Job], tuple[dict[str, Any], bool]],
    end_round: Callable[[Job], None] | None = None,
    ends_round: Callable[[Job], bool] = lambda _: False,
) -> Generator[Report]:
    """Do as `mt2st._workers.results`, and save when it is time, while no job is in flight.

    ``position`` returns plain values that tell where to go on when all jobs up to this one are done, and whether an
    epoch ends with it. ``end_round`` ends the round that a job is the last of, as ``ends_round`` tells, while no job is
    in flight; with rounds, only then is anything saved.
    """
    last: list[Job] = []

    def is_time(job: Job) -> bool:
        return checkpoints is not None and checkpoints.pace.due(epoch_ends=position(job)[1])

    def until_due() -> Iterator[Job]:
        for job in jobs:
            yield job
            if ends_round(job) if end_round is not None else is_time(job):
                last.append(job)
                return

    while True:
        with closing(results(run, until_due(), workers)) as reports:
            yield from reports
        if not last:
            return
        job = last.pop()
        if end_round is not None:
            end_round(job)
        if checkpoints is not None and (end_round is None or is_time(job)):
            checkpoints.save(position(job)[0])


def identity_of(
    settings: WordVectorSettings | GloveSettings,
    corpus: Corpus,
    vocabulary: GrownVocabulary,
    frozen: NDArray[np.bool_] | None,
    together: Together | None = None,
) -> dict[str, Any]:
    """Return what must be the same when a training goes on; the number of threads may differ.

    Several processes know the text of all by its words' counts, whoever has which part of it.
    """
    if together is not None:
        documents, words = together.sums([float(len(corpus)), float(corpus.n_tokens)])
        counts = crc32(np.ascontiguousarray(vocabulary.counts).data)
        return _identity(settings, int(documents), int(words), vocabulary, counts, 0, frozen)
    text = 0
    for start in range(0, len(corpus.ids), _AT_ONCE):
        text = crc32(np.ascontiguousarray(corpus.ids[start : start + _AT_ONCE]).data, text)
        give_back(corpus.ids, start, min(start + _AT_ONCE, len(corpus.ids)))
    bounds = crc32(np.ascontiguousarray(corpus.offsets).data)
    return _identity(settings, len(corpus), corpus.n_tokens, vocabulary, text, bounds, frozen)


def _identity(
    settings: WordVectorSettings | GloveSettings,
    documents: int,
    words: int,
    vocabulary: GrownVocabulary,
    text: int,
    bounds: int,
    frozen: NDArray[np.bool_] | None,
) -> dict[str, Any]:
    return {
        "settings": {name: value for name, value in asdict(settings).items() if name != "workers"},
        "data": {
            "documents": documents,
            "words": words,
            "vocabulary": crc32("\n".join(vocabulary.tokens).encode(errors="surrogatepass")),
            "text": text,
            "bounds": bounds,
            "frozen": None if frozen is None else crc32(frozen.data),
        },
    }
