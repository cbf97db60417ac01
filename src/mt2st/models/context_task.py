"""A model's task on word context: its settings, as the compiled kernel or the co-occurrences that they ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mt2st.embedding import glove_memory
from mt2st.embedding.known_subwords import KnownSubwords
from mt2st.embedding.memory import MEGABYTE, check_available, megabytes
from mt2st.errors import InputError
from mt2st.models.settings import GLOVE, ModelSettings
from mt2st.tasks import ContextTask, GloveTask, Texts
from mt2st.text import Corpus

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import CountingReport

CONTEXT_WORDS = 3_500_000
"""Words of the context task in an epoch, if the settings do not say how many passes: some seconds of work, whatever the
size of the corpus. On the IMDB samples that this was chosen on, about as many as the embedding needed."""
CONTEXT_COOCCURRENCES = 10_000_000
"""Co-occurrences of GloVe in an epoch, likewise: about as many seconds."""
MOST_PASSES = 15.0
"""More passes over a small corpus teach little that is new."""


def context_task(
    settings: ModelSettings,
    corpus: Corpus,
    *,
    subwords: KnownSubwords | None,
    scratch: Path,
    on_counting: Callable[[CountingReport], None] | None = None,
) -> ContextTask | GloveTask:
    """Return the context task that the settings ask for, compiled.

    Args:
        settings: the model's.
        corpus: all training text, encoded.
        subwords: the n-grams of its words, where the embedding is made of such.
        scratch: an existing folder for GloVe's co-occurrences, which must outlive the task.
        on_counting: told how their counting goes.

    Raises:
        InputError: a text in which no two words meet, or too little memory.
    """
    if settings.context.method == GLOVE:
        task: ContextTask | GloveTask = _glove(settings, corpus, scratch, on_counting)
    else:
        task = _kernel(settings, corpus, subwords)
    task.compile()
    return task


def _kernel(settings: ModelSettings, corpus: Corpus, subwords: KnownSubwords | None) -> ContextTask:
    from mt2st.embedding import kernel_for  # numba loads only when something is trained

    kernel = kernel_for(
        settings.context.method,
        corpus.vocabulary.counts,
        subwords=subwords.rows if subwords is not None else None,
        window=settings.window,
        negative=settings.context.negative,
        sample=settings.context.sample,
        seed=settings.seed,
        block=settings.context.block,
    )
    return ContextTask(
        Texts.of(corpus),
        kernel,
        settings.embedding.vector_size,
        alpha=settings.alpha,
        min_alpha=settings.context.min_alpha,
        passes=_passes(settings, CONTEXT_WORDS, corpus.n_tokens),
    )


def _glove(
    settings: ModelSettings, corpus: Corpus, scratch: Path, on_counting: Callable[[CountingReport], None] | None
) -> GloveTask:
    """Count the co-occurrences, once, and return the task on them."""
    from mt2st.embedding.glove.counting import count_cooccurrences, counting_memory

    vocabulary = corpus.vocabulary
    memory = int(settings.context.memory * MEGABYTE)
    counting = counting_memory(corpus.n_tokens, len(vocabulary), settings.window, memory)
    check_available(
        glove_memory(len(vocabulary), settings.embedding.vector_size, counting / MEGABYTE),
        f"GloVe's task on {len(vocabulary):,} vectors of {settings.embedding.vector_size:,} dimensions",
        f"{megabytes(counting)} of it are for the co-occurrences (context_memory); lower that, vector_size, or the "
        "number of words by min_count",
    )
    begin = time.perf_counter()
    cooccurrences = count_cooccurrences(
        corpus.ids,
        corpus.offsets,
        vocabulary.counts,
        folder=scratch,
        window=settings.window,
        sample=settings.context.glove_sample,
        seed=settings.seed,
        memory=memory,
        report=on_counting,
    )
    seconds = time.perf_counter() - begin
    if not len(cooccurrences):
        raise InputError(
            "context_method 'glove' finds no two words of the vocabulary in one text: there is nothing to learn from. "
            "Longer texts, or a lower min_count, would do"
        )
    return GloveTask(
        cooccurrences,
        settings.embedding.vector_size,
        learning_rate=settings.alpha,
        x_max=settings.context.x_max,
        passes=_passes(settings, CONTEXT_COOCCURRENCES, cooccurrences.directed),
        memory=memory,
        seed=settings.seed,
        seconds_before=seconds,
    )


def _passes(settings: ModelSettings, wanted: int, of_one_pass: int) -> float:
    """Return the passes in an epoch: those of the settings, or as many as make the work that is wanted."""
    return settings.context.passes or min(MOST_PASSES, wanted / max(1, of_one_pass))
