"""The training of GloVe vectors: counting, then epochs over the co-occurrences."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st._files import scratch_folder
from mt2st._workers import results
from mt2st.embedding.chunks import EncodedCorpus
from mt2st.embedding.glove.counting import CountingReport, count_cooccurrences, counting_memory
from mt2st.embedding.glove.tables import GloveReport, GloveTables, update
from mt2st.embedding.glove.targets import TargetSlice, TargetSource
from mt2st.embedding.grown_vocabulary import Frozen, GrownVocabulary, frozen_places
from mt2st.embedding.memory import MEGABYTE, WORD_BYTES, Footprint, check_available, held_by, megabytes
from mt2st.embedding.settings import GloveSettings
from mt2st.embedding.training import InitVectors, TrainingInterrupted, VectorProgress, check_converging, taken
from mt2st.embedding.word_vectors import WordVectors

JOB_ENTRIES = 1 << 18
"""Co-occurrences of one call of the kernel: a tenth of a second or two."""

_DIVERGED = 10.0
"""Factor on the loss before the training; a diverging loss exceeds it by far."""
_SMALLEST_START = 1e-3
"""Starting losses below this are too near to 0 to compare with."""


def train(
    corpus: EncodedCorpus,
    settings: GloveSettings,
    init_vectors: InitVectors,
    frozen: Frozen,
    scratch: Path | None,
    on_memory: Callable[[Footprint], None] | None,
    on_compiled: Callable[[float], None] | None,
    progress: Callable[[VectorProgress], None] | None,
) -> WordVectors:
    """Train as `mt2st.embedding.train_glove` says, which explains the parameters."""
    given = taken(init_vectors)
    if given is not None:
        settings = settings.going_on_from(given)
    places = frozen_places(frozen, given)
    vocabulary = GrownVocabulary.of(corpus.vocabulary, given)
    tokens, n_words = vocabulary.tokens, int(corpus.offsets[-1] - corpus.offsets[0])
    memory = int(settings.memory_mb * MEGABYTE)
    counting = counting_memory(n_words, len(tokens), settings.window, memory)
    footprint = Footprint(
        tables=GloveTables.bytes_needed(len(tokens), settings.size),
        vocabulary=WORD_BYTES * len(tokens),
        counting=counting,
        given=held_by(given) if given is not None and given is not init_vectors else 0,
    )
    check_available(
        footprint.total - footprint.given,
        f"training {len(tokens):,} vectors of {settings.size:,} dimensions",
        f"{megabytes(counting)} of it are for the counting (memory_mb); lower that, vector_size, or the number of "
        f"words by min_count",
    )
    if on_memory is not None:
        on_memory(footprint)
    with scratch_folder("glove", scratch) as folder:
        seconds = _compiled(settings.size, folder)
        if on_compiled is not None:
            on_compiled(seconds)
        started = time.perf_counter()

        def on_counting(state: CountingReport) -> None:
            if progress is not None:
                seconds = time.perf_counter() - started
                progress(VectorProgress("counting", "words", state.words, state.total_words, seconds))

        cooccurrences = count_cooccurrences(
            corpus.ids,
            corpus.offsets,
            vocabulary.counts,
            folder=folder,
            window=settings.window,
            sample=settings.sample,
            seed=settings.seed,
            memory=memory,
            report=on_counting,
        )
        source = TargetSource(
            cooccurrences, x_max=settings.x_max, alpha=settings.alpha, memory=memory, seed=settings.seed
        )
        tables = GloveTables.fresh(len(tokens), settings.size, settings.seed)
        kept = None
        if given is not None:
            tables.place(given.vectors, vocabulary.given_ids)
            given = None  # frees vectors that nobody else refers to
        if places.size:
            kept = np.zeros(len(tokens), dtype=np.bool_)
            kept[vocabulary.given_ids[places]] = True

        start = _loss(tables, source, kept)
        meter = _Meter(settings.epochs * cooccurrences.directed, start, settings.learning_rate, progress)
        try:
            for epoch in range(settings.epochs):
                _train_epoch(tables, source, epoch, settings.learning_rate, kept, settings.workers, meter)
        except KeyboardInterrupt as error:
            raise TrainingInterrupted(_result(tables, vocabulary), meter.done, meter.total, "co-occurrences") from error
        return _result(tables, vocabulary)


def _compiled(vector_size: int, folder: Path) -> float:
    """Compile or load all kernels by a training on two words; return the seconds it took."""
    started = time.perf_counter()
    ids, offsets, counts = np.array([0, 1], np.int32), np.array([0, 2]), np.ones(2, np.int64)
    source = TargetSource(count_cooccurrences(ids, offsets, counts, folder=folder, window=1, memory=1), memory=1)
    for chosen in source.slices(0, 0, source.size):
        update(GloveTables.fresh(2, vector_size, seed=0), chosen)
    return time.perf_counter() - started


def _loss(tables: GloveTables, source: TargetSource, frozen: NDArray[np.bool_] | None) -> float:
    """Return the mean loss of a random part of the co-occurrences, to compare later losses with."""
    # Even a step of 0 turns -0.0 into 0.0: frozen rows must not get one.
    some = source.slices(0, 0, min(JOB_ENTRIES, source.size))
    return sum((update(tables, part, rate=0.0, frozen=frozen) for part in some), GloveReport()).mean_loss


class _Meter:
    """Counts what is done, reports it, and ends a training that diverges."""

    def __init__(
        self, total: int, start: float, rate: float, progress: Callable[[VectorProgress], None] | None
    ) -> None:
        self.done, self.total = 0, total
        self._start, self._rate = max(start, _SMALLEST_START), rate
        self._started, self._progress = time.perf_counter(), progress

    def add(self, report: GloveReport, epoch_loss: float) -> None:
        self.done += report.entries
        if report.entries:
            check_converging(epoch_loss, start=self._start, factor=_DIVERGED, rate=self._rate)
        if self._progress is not None:
            seconds = time.perf_counter() - self._started
            self._progress(
                VectorProgress(
                    "training", "co-occurrences", self.done, self.total, seconds, report.mean_loss, epoch_loss
                )
            )


def _train_epoch(
    tables: GloveTables,
    source: TargetSource,
    epoch: int,
    learning_rate: float,
    frozen: NDArray[np.bool_] | None,
    workers: int,
    meter: _Meter,
) -> None:
    def run(job: TargetSlice) -> GloveReport:
        return update(tables, job, rate=learning_rate, frozen=frozen)

    total = GloveReport()
    for chunk in source.slices(epoch, 0, source.size):
        # All of a chunk is done before the next one takes its memory.
        with closing(results(run, chunk.pieces(JOB_ENTRIES), workers)) as reports:
            for report in reports:
                total += report
                meter.add(report, total.mean_loss)


def _result(tables: GloveTables, vocabulary: GrownVocabulary) -> WordVectors:
    vectors = tables.words
    vectors += tables.contexts
    return WordVectors(vocabulary.words, vectors[vocabulary.n_specials :])
