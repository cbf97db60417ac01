"""The training of GloVe vectors: counting, then epochs over the co-occurrences."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mt2st._files import scratch_folder
from mt2st._settings import takes
from mt2st.embedding.checkpoint import VectorCheckpoints, identity_of, saved_results
from mt2st.embedding.grown_vocabulary import Frozen, GrownVocabulary, frozen_places
from mt2st.embedding.memory import MEGABYTE, Footprint, check_available, held_by, megabytes
from mt2st.embedding.settings import GloveSettings
from mt2st.embedding.training import InitVectors, TrainingInterrupted, VectorProgress, check_converging, taken
from mt2st.embedding.word_vectors import WordVectors
from mt2st.text.corpus import Corpus

if TYPE_CHECKING:  # with numba, which loads only when something is trained
    from mt2st.embedding.glove.counting import CountingReport
    from mt2st.embedding.glove.tables import GloveReport, GloveTables, TargetSlice

JOB_ENTRIES = 1 << 18
"""Co-occurrences of one call of the kernel: a tenth of a second or two."""

DIVERGED = 10.0
"""Factor on the loss before the training; a diverging loss exceeds it by far."""
SMALLEST_START = 1e-3
"""Starting losses below this are too near to 0 to compare with."""


@takes(GloveSettings)
def train_glove(
    corpus: Corpus,
    *,
    init_vectors: InitVectors = None,
    frozen: Frozen = None,
    checkpoints: VectorCheckpoints | None = None,
    scratch: Path | None = None,
    on_memory: Callable[[Footprint], None] | None = None,
    on_compiled: Callable[[float], None] | None = None,
    progress: Callable[[VectorProgress], None] | None = None,
    **settings: Any,
) -> WordVectors:
    """Train GloVe vectors on an encoded corpus (Pennington, Socher and Manning 2014).

    Co-occurrences within the window are counted, each weighted by 1/distance (`count_cooccurrences`). AdaGrad
    (`update`) then fits a word's vector and another's context vector, with two biases, to the logarithm of their count.
    The result is the sum of a word's two vectors.

    Args:
        corpus: the encoded text; words of count 0 are skipped.
        init_vectors: vectors to continue from, as for `mt2st.embedding.train_word_vectors`. Half of each starts the
            word's vector, half its context vector (`GloveTables.place`); the biases start at random.
        frozen: words of ``init_vectors`` whose vectors must not change, or ``"known"`` for all.
        checkpoints: saves the training as it goes on, and resumes it; the co-occurrences are counted again then.
        scratch: folder for the temporary files; by default the system's (``TMPDIR``). They are always removed.
        on_memory: called before the counting with the memory that the training takes at most.
        on_compiled: called before the counting with the seconds in which the kernels were compiled or loaded.
        progress: called several times a second, in the calling thread.
        settings: by name, those of `GloveSettings`: ``window=5, x_max=10``.

    Returns:
        Vectors of the vocabulary's words, without ``<pad>`` and ``<unk>``, in the vocabulary's order, then those of
        words that only ``init_vectors`` has.

    Raises:
        InputError: a setting is out of range or contradicts ``init_vectors``; no two words of the corpus meet, or none
            has a given vector; the disk is full; or the training diverges.
        TrainingInterrupted: after Ctrl-C during the training, with the vectors trained so far.
        KeyboardInterrupt: after Ctrl-C during the counting, when there are none.
    """
    chosen = GloveSettings(**settings)
    from mt2st.embedding.glove.counting import count_cooccurrences, counting_memory
    from mt2st.embedding.glove.tables import GloveReport, GloveTables, TargetSource, update

    given = taken(init_vectors)
    if given is not None:
        chosen = chosen.going_on_from(given)
    places = frozen_places(frozen, given)
    vocabulary = GrownVocabulary.of(corpus.vocabulary, given)
    tokens, n_words = vocabulary.tokens, int(corpus.offsets[-1] - corpus.offsets[0])
    memory = int(chosen.memory_mb * MEGABYTE)
    counting = counting_memory(n_words, len(tokens), chosen.window, memory)
    held = held_by(given) if given is not None and given is not init_vectors else 0
    footprint = Footprint.of_glove(len(tokens), chosen.size, counting, held)
    check_available(
        footprint.total - footprint.given,
        f"training {len(tokens):,} vectors of {chosen.size:,} dimensions",
        f"{megabytes(counting)} of it are for the counting (memory_mb); lower that, vector_size, or the number of "
        f"words by min_count",
    )
    if on_memory is not None:
        on_memory(footprint)
    with scratch_folder("glove", scratch) as folder:
        seconds = _compiled(chosen.size, folder)
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
            window=chosen.window,
            sample=chosen.sample,
            seed=chosen.seed,
            memory=memory,
            report=on_counting,
        )
        source = TargetSource(cooccurrences, x_max=chosen.x_max, alpha=chosen.alpha, memory=memory, seed=chosen.seed)
        tables = GloveTables.fresh(len(tokens), chosen.size, chosen.seed)
        kept = None
        if given is not None:
            tables.place(given.vectors, vocabulary.given_ids)
            given = None  # frees vectors that nobody else refers to
        if places.size:
            kept = np.zeros(len(tokens), dtype=np.bool_)
            kept[vocabulary.given_ids[places]] = True

        def run(job: TargetSlice) -> GloveReport:
            return update(tables, job, rate=chosen.learning_rate, frozen=kept)

        # Even a step of 0 turns -0.0 into 0.0: frozen rows must not get one.
        some = source.slices(0, 0, min(JOB_ENTRIES, source.size))
        start = sum((update(tables, part, rate=0.0, frozen=kept) for part in some), GloveReport()).mean_loss
        bound, rate = max(start, SMALLEST_START), chosen.learning_rate
        position: dict[str, Any] = {"seconds": 0.0}
        if checkpoints is not None:
            identity = identity_of(chosen, corpus, vocabulary, kept)
            position = checkpoints.begin(tables.arrays(), identity)
        of_epoch, at = GloveReport(**position.get("of_epoch", {})), position.get("at", 0)
        done, total = position.get("done", 0), chosen.epochs * cooccurrences.directed
        started = time.perf_counter() - position["seconds"]

        chunk_at = 0, 0  # an epoch, and where in its order the chunk at hand would begin if its slice did at 0

        def position_after(job: TargetSlice) -> tuple[dict[str, Any], bool]:
            epoch, end = chunk_at[0], chunk_at[1] + job.last
            return {"epoch": epoch, "at": end, "of_epoch": asdict(of_epoch), "done": done}, end == source.size

        def trained(epoch: int, at: int) -> Generator[GloveReport]:
            nonlocal chunk_at
            for chunk in source.slices(epoch, at, source.size):
                chunk_at = epoch, at - chunk.first
                # All of a chunk is done before the next one takes its memory.
                pieces = chunk.pieces(JOB_ENTRIES)
                with closing(saved_results(run, pieces, chosen.workers, checkpoints, position_after)) as reports:
                    yield from reports
                at += chunk.last - chunk.first

        try:
            for epoch in range(position.get("epoch", 0), chosen.epochs):
                with closing(trained(epoch, at)) as reports:
                    for report in reports:
                        of_epoch += report
                        done += report.entries
                        if report.entries:
                            check_converging(of_epoch.mean_loss, most=DIVERGED * bound, rate=rate)
                        if progress is not None:
                            seconds, losses = time.perf_counter() - started, (report.mean_loss, of_epoch.mean_loss)
                            progress(VectorProgress("training", "co-occurrences", done, total, seconds, *losses))
                of_epoch, at = GloveReport(), 0
        except KeyboardInterrupt as error:
            raise TrainingInterrupted(_result(tables, vocabulary), done, total, "co-occurrences") from error
        return _result(tables, vocabulary)


def _compiled(vector_size: int, folder: Path) -> float:
    """Compile or load all kernels by a training on two words; return the seconds it took."""
    from mt2st.embedding.glove.counting import count_cooccurrences
    from mt2st.embedding.glove.tables import GloveTables, TargetSource, update

    started = time.perf_counter()
    ids, offsets, counts = np.array([0, 1], np.int32), np.array([0, 2]), np.ones(2, np.int64)
    source = TargetSource(count_cooccurrences(ids, offsets, counts, folder=folder, window=1, memory=1), memory=1)
    for chosen in source.slices(0, 0, source.size):
        update(GloveTables.fresh(2, vector_size, seed=0), chosen)
    return time.perf_counter() - started


def _result(tables: GloveTables, vocabulary: GrownVocabulary) -> WordVectors:
    vectors = tables.words
    vectors += tables.contexts
    return WordVectors(vocabulary.words, vectors[vocabulary.n_specials :])
