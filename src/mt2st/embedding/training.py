"""Training of word vectors from a corpus: the loop over epochs, chunks and threads around the kernels."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.subword_vectors import SubwordVectors
from mt2st.embedding.subwords import SubwordRows, SubwordSettings
from mt2st.embedding.word_vectors import WordVectors
from mt2st.embedding.workers import results
from mt2st.errors import InputError

if TYPE_CHECKING:
    from mt2st.embedding.kernels import KernelReport

CHUNK_WORDS = 50_000
"""Words of one kernel call: a tenth of a second of work or less between two reports, and nothing lost in between."""

SUBWORD_METHODS = ("skipgram-fasttext", "cbow-fasttext")
"""The methods whose words are made of n-grams."""

SPECIALS = ("<pad>", "<unk>")
"""Tokens at the front of a vocabulary that are no words: they get no vector in the result."""


class CountedVocabulary(Protocol):
    """The part of a vocabulary that training needs."""

    @property
    def tokens(self) -> Sequence[str]:
        """Words by id, ``<pad>`` and ``<unk>`` first."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """Occurrences by id, int64 [V]."""


class EncodedCorpus(Protocol):
    """The part of a corpus that training needs; `mt2st.text.Corpus` is one."""

    @property
    def ids(self) -> NDArray[np.int32]:
        """Word ids of all documents, int32 [*]."""

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Bounds of the documents in ``ids``, int64 [m + 1]."""

    @property
    def vocabulary(self) -> CountedVocabulary:
        """What the ids mean."""


@dataclass(frozen=True)
class Progress:
    """How far the training of word vectors is.

    Attributes:
        words: words done over all epochs, before subsampling.
        total_words: words of all epochs.
        seconds: time since the first chunk began (compilation included the very first time).
        loss: mean loss per pair in the last chunk; NaN if it had none.
        mean_loss: mean loss per pair since the start.
    """

    words: int
    total_words: int
    seconds: float
    loss: float
    mean_loss: float

    @property
    def words_per_second(self) -> float:
        """Words per second since the start."""
        return self.words / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float:
        """Expected time to the end at that speed; infinite before the first words."""
        return (self.total_words - self.words) / self.words_per_second if self.words_per_second else math.inf


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during training: carries the vectors trained so far, which are usable.

    Attributes:
        vectors: the word vectors after ``words`` of ``total_words`` words.
    """

    unit: ClassVar[str] = "words"
    """What ``words`` counts."""

    def __init__(self, vectors: WordVectors, words: int, total_words: int) -> None:
        part = words / max(1, total_words)
        super().__init__(f"interrupted after {words:,} of {total_words:,} {self.unit} ({part:.0%})")
        self.vectors, self.words, self.total_words = vectors, words, total_words


def train_word_vectors(
    corpus: EncodedCorpus,
    *,
    method: Literal["skipgram", "cbow", "skipgram-fasttext", "cbow-fasttext"] | str = "skipgram",
    vector_size: int = 100,
    window: int = 5,
    negative: int = 5,
    sample: float = 1e-3,
    alpha: float = 0.025,
    min_alpha: float = 1e-4,
    epochs: int = 5,
    workers: int = 1,
    seed: int = 1,
    ns_exponent: float = 0.75,
    min_n: int = 3,
    max_n: int = 6,
    bucket: int = 200_000,
    progress: Callable[[Progress], None] | None = None,
) -> WordVectors:
    """Train word vectors on an encoded corpus with negative sampling.

    The names and defaults are gensim's. The learning rate falls linearly from ``alpha`` to ``min_alpha`` over the
    words of all epochs. Windows do not cross documents, nor the cuts of a document longer than 50,000 words.
    Memory: two float32 tables [V, vector_size], 12 bytes per word of the vocabulary and little else; with n-grams,
    another [bucket, vector_size], about 60 bytes per word for the rows of its n-grams, and at the end the composed
    vectors [V, vector_size].

    Args:
        corpus: ids, offsets and vocabulary (`EncodedCorpus`).
        method: ``"skipgram"``, ``"cbow"``, ``"skipgram-fasttext"`` or ``"cbow-fasttext"``; in the two last a word's
            vector is the mean of its own and of those of its character n-grams, which words share.
        vector_size: dimensions, at least 1.
        window: the widest reach of a context, at least 1.
        negative: noise words per positive pair, at least 1.
        sample: threshold for thinning out frequent words, in [0, 1); 0 keeps all.
        alpha: learning rate at the start, above 0.
        min_alpha: learning rate at the end, in [0, alpha].
        epochs: passes over the corpus, at least 1.
        workers: threads, at least 1. One is bitwise repeatable for a seed; several update the same tables without locks
            (hogwild), so their result depends on timing.
        seed: any integer.
        ns_exponent: noise words are drawn in proportion to ``count ** ns_exponent``.
        min_n: length of the shortest n-gram, at least 1 (``-fasttext`` methods alone, like the two that follow).
        max_n: length of the longest n-gram, at least ``min_n``.
        bucket: rows that the n-grams share by their hash, at least 1.
        progress: called after every chunk, in the calling thread.

    Returns:
        Vectors of the vocabulary's words, without ``<pad>`` and ``<unk>``, in the vocabulary's order; with n-grams, a
        `SubwordVectors`, which has vectors for other words too.

    Raises:
        InputError: a setting out of its range, or a corpus without words.
        TrainingInterrupted: after Ctrl-C, with the vectors trained so far.
    """
    from mt2st.embedding.kernels import KernelReport, kernel_for  # numba loads only when something is trained

    _check_settings(vector_size=vector_size, alpha=alpha, min_alpha=min_alpha, epochs=epochs, workers=workers)
    tokens, counts = corpus.vocabulary.tokens, np.array(corpus.vocabulary.counts, dtype=np.int64)
    n_specials = sum(1 for token in islice(tokens, len(SPECIALS)) if token in SPECIALS)
    counts[:n_specials] = 0
    total_words = epochs * (int(corpus.offsets[-1]) - int(corpus.offsets[0]))
    if total_words == 0 or not counts.any():
        raise InputError("the corpus has no words of the vocabulary to train on: was min_count too high?")
    settings = SubwordSettings(min_n, max_n, bucket)
    kernel = kernel_for(
        method,
        counts,
        subwords=SubwordRows.of(tokens, settings) if method in SUBWORD_METHODS else None,
        window=window,
        negative=negative,
        sample=sample,
        ns_exponent=ns_exponent,
        seed=seed,
    )
    inputs, outputs = initial_tables(kernel.input_rows, len(tokens), vector_size, seed)
    inputs[:n_specials] = 0

    def result() -> WordVectors:
        if method in SUBWORD_METHODS:
            return SubwordVectors(tokens[n_specials:], inputs[n_specials:], settings)
        return WordVectors(tokens[n_specials:], inputs[n_specials:])

    def rate(words: int) -> float:
        return alpha + (min_alpha - alpha) * (words / total_words)

    def run(chunk: Chunk) -> KernelReport:
        rates = rate(chunk.words_before), rate(chunk.words_before + chunk.words)
        return kernel.update(inputs, outputs, corpus.ids, chunk.offsets, alpha=rates, stream=chunk.number)

    done, started = KernelReport(), time.perf_counter()
    try:
        for report in results(run, chunks(corpus.offsets, epochs), workers):
            done += report
            if progress is not None:
                elapsed = time.perf_counter() - started
                progress(Progress(done.words, total_words, elapsed, report.mean_loss, done.mean_loss))
    except KeyboardInterrupt as error:
        raise TrainingInterrupted(result(), done.words, total_words) from error
    return result()


def initial_tables(
    input_rows: int, output_rows: int, vector_size: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return input vectors uniform in ``[-1, 1) / vector_size`` and zero output vectors, float32 [*_rows, vector_size].

    The start of gensim 4 and of fastText, whose n-grams start like words (word2vec's C code uses half that range).
    """
    inputs = np.random.default_rng(seed % 2**64).random((input_rows, vector_size), dtype=np.float32)
    inputs *= 2.0
    inputs -= 1.0
    inputs /= vector_size
    return inputs, np.zeros((output_rows, vector_size), dtype=np.float32)


@dataclass(frozen=True)
class Chunk:
    """A slice of a corpus for one kernel call.

    Attributes:
        number: counts the chunks over all epochs: the stream of their random numbers.
        words_before: words of all earlier chunks, earlier epochs included.
        offsets: bounds of the (parts of) documents, int64.
    """

    number: int
    words_before: int
    offsets: NDArray[np.int64]

    @property
    def words(self) -> int:
        """Words of the chunk."""
        return int(self.offsets[-1] - self.offsets[0])


def chunks(offsets: NDArray[np.int64], epochs: int, chunk_words: int = CHUNK_WORDS) -> Iterator[Chunk]:
    """Cut a corpus into chunks of whole documents, at most ``chunk_words`` words each, ``epochs`` times over.

    Only a document longer than that is itself cut.

    Example:
        >>> [chunk.offsets.tolist() for chunk in chunks(np.array([0, 3, 5, 14]), epochs=1, chunk_words=6)]
        [[0, 3, 5], [5, 11], [11, 14]]
    """
    number = words_before = 0
    for _ in range(epochs):
        document, position = 0, int(offsets[0])
        while position < offsets[-1]:
            # The last document end within reach, or a cut where there is none.
            end = int(np.searchsorted(offsets, position + chunk_words, side="right")) - 1
            if end > document:
                bounds = offsets[document : end + 1].copy()
                bounds[0] = position
                document = end
            else:
                bounds = np.array([position, position + chunk_words], dtype=np.int64)
            yield Chunk(number, words_before, bounds)
            number, words_before, position = number + 1, words_before + int(bounds[-1]) - position, int(bounds[-1])


def _check_settings(*, vector_size: int, alpha: float, min_alpha: float, epochs: int, workers: int) -> None:
    for name, value in (("vector_size", vector_size), ("epochs", epochs), ("workers", workers)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name} must be an integer, at least 1; found {value!r}")
    if not (math.isfinite(alpha) and alpha > 0):
        raise InputError(f"alpha must be finite and above 0; found {alpha!r}")
    if not 0 <= min_alpha <= alpha:
        raise InputError(f"min_alpha must be in [0, alpha] = [0, {alpha!r}]; found {min_alpha!r}")
