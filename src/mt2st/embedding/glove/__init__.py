"""GloVe (Pennington, Socher and Manning 2014): word vectors from counts of words near each other.

`train_glove` makes them from a corpus. Its parts also serve alone: `counting` sums up co-occurrences within a memory
bound, `targets` puts them in random orders, `tables.update` trains tables, which torch may own, on a part of them.
Importing this package does not load numba; training does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mt2st.embedding.chunks import EncodedCorpus
from mt2st.embedding.grown_vocabulary import Frozen
from mt2st.embedding.memory import MEGABYTE, WORD_BYTES, Footprint
from mt2st.embedding.settings import GloveSettings
from mt2st.embedding.training import InitVectors, VectorProgress
from mt2st.embedding.word_vectors import WordVectors

__all__ = ["glove_memory", "train_glove"]


def glove_memory(
    vocabulary_size: int,
    vector_size: int,
    memory_mb: float = GloveSettings.memory_mb,
    *,
    n_words: int | None = None,
    window: int = GloveSettings.window,
) -> int:
    """Return the bytes that `train_glove` takes at most, without the program itself and the corpus.

    Args:
        vocabulary_size: words, the specials included.
        vector_size: dimensions.
        memory_mb: bound on counting and on co-occurrences in memory, in MB of 2**20 bytes.
        n_words: words of the corpus: a small one cannot fill the bound. None if unknown.
        window: the widest context, in words.
    """
    from mt2st.embedding.glove.counting import counting_memory
    from mt2st.embedding.glove.tables import GloveTables

    counting = int(memory_mb * MEGABYTE)
    if n_words is not None:
        counting = counting_memory(n_words, vocabulary_size, window, counting)
    return GloveTables.bytes_needed(vocabulary_size, vector_size) + WORD_BYTES * vocabulary_size + counting


def train_glove(
    corpus: EncodedCorpus,
    *,
    vector_size: int | None = GloveSettings.vector_size,
    window: int = GloveSettings.window,
    sample: float = GloveSettings.sample,
    x_max: float = GloveSettings.x_max,
    alpha: float = GloveSettings.alpha,
    learning_rate: float = GloveSettings.learning_rate,
    epochs: int = GloveSettings.epochs,
    memory_mb: float = GloveSettings.memory_mb,
    workers: int = GloveSettings.workers,
    seed: int = GloveSettings.seed,
    init_vectors: InitVectors = None,
    frozen: Frozen = None,
    scratch: Path | None = None,
    on_memory: Callable[[Footprint], None] | None = None,
    on_compiled: Callable[[float], None] | None = None,
    progress: Callable[[VectorProgress], None] | None = None,
) -> WordVectors:
    """Train GloVe vectors on an encoded corpus (Pennington, Socher and Manning 2014).

    Co-occurrences within the window are counted, each weighted by 1/distance (`count_cooccurrences`). AdaGrad
    (`update`) then fits a word's vector and another's context vector, with two biases, to the logarithm of their count.
    The result is the sum of a word's two vectors. The defaults are those of the paper and its program. A corpus of a
    few million words has few counts near 100: there, a smaller ``x_max`` (10) learns much faster.

    Args:
        corpus: ids, offsets and vocabulary (`EncodedCorpus`); words of count 0 are skipped.
        vector_size: dimensions, at least 1; by default 100, or that of ``init_vectors``.
        window: the widest context to each side, in words, 1 to 100,000.
        sample: threshold for downsampling frequent words before counting, in [0, 1), as for
            `mt2st.embedding.train_word_vectors`. 0 keeps all, as GloVe's authors do; for what 1e-4 gave see
            docs/explanation/auxiliary-tasks.md#glove-settings.
        x_max: count from which a pair has full weight, above 0.
        alpha: exponent of the weight below ``x_max``, at least 0. (Not the learning rate, as in word2vec.)
        learning_rate: of AdaGrad, above 0.
        epochs: passes over the co-occurrences, at least 1.
        memory_mb: bound on the memory of the counting, and later of the co-occurrences in memory, in MB, at least 4
            (more for a window beyond 50,000). The rest goes through temporary files. The tables are not included:
            `glove_memory`.
        workers: threads of the training, at least 1 (counting has one). One is bitwise repeatable for a seed; several
            update the tables without locks (hogwild), and the result depends on timing.
        seed: any integer.
        init_vectors: vectors to continue from, as for `mt2st.embedding.train_word_vectors`. Half of each starts the
            word's vector, half its context vector (`GloveTables.place`); the biases start at random.
        frozen: words of ``init_vectors`` whose vectors must not change, or ``"known"`` for all.
        scratch: folder for the temporary files; by default the system's (``TMPDIR``). They are always removed.
        on_memory: called before the counting with the memory that the training takes at most.
        on_compiled: called before the counting with the seconds in which the kernels were compiled or loaded.
        progress: called several times a second, in the calling thread.

    Returns:
        Vectors of the vocabulary's words, without ``<pad>`` and ``<unk>``, in the vocabulary's order, then those of
        words that only ``init_vectors`` has.

    Raises:
        InputError: a setting is out of range or contradicts ``init_vectors``; no two words of the corpus meet, or none
            has a given vector; the disk is full; or the training diverges.
        TrainingInterrupted: after Ctrl-C during the training, with the vectors trained so far.
        KeyboardInterrupt: after Ctrl-C during the counting, when there are none.
    """
    settings = GloveSettings(
        vector_size=vector_size,
        window=window,
        sample=sample,
        x_max=x_max,
        alpha=alpha,
        learning_rate=learning_rate,
        epochs=epochs,
        memory_mb=memory_mb,
        workers=workers,
        seed=seed,
    )
    from mt2st.embedding.glove.training import train  # numba loads only when something is trained

    return train(corpus, settings, init_vectors, frozen, scratch, on_memory, on_compiled, progress)
