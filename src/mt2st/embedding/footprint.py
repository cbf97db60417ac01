"""How much memory a training of word vectors takes, told before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mt2st.embedding.chunks import CHUNK_WORDS
from mt2st.embedding.memory import check_available, megabytes
from mt2st.embedding.settings import LARGEST_BLOCK, WordVectorSettings
from mt2st.embedding.subword_vectors import SubwordVectors
from mt2st.embedding.subwords import WORDS_AT_ONCE, SubwordSettings
from mt2st.embedding.word_vectors import WordVectors

_FLOAT = 4
WORD_BYTES = 240
"""Of a word in counts, thresholds and noise table (with what it takes to make them), and in the result's index."""
_HASHING_BYTES = 100
"""Of an n-gram while its word is hashed, with thousands of others."""
_MOST_TARGETS = 64
"""Noise words and padding of a block or a word, at most."""
_LANES = 16


@dataclass(frozen=True)
class Footprint:
    """The memory of a training, beside the program itself and a corpus that is held in memory; bytes, at most.

    Attributes:
        tables: input and output vectors. The result is made in their place.
        vocabulary: counts, noise, index.
        ngrams: which rows belong to which word.
        scratch: of the kernels on all threads, with the pages of a mapped corpus that they read from.
        given: vectors to go on from that nobody else holds, as far as they exceed the room of the output vectors: these
            take theirs only when the given ones are gone.
    """

    tables: int
    vocabulary: int
    ngrams: int
    scratch: int
    given: int = 0

    @classmethod
    def of(cls, settings: WordVectorSettings, tokens: Sequence[str], given: WordVectors | None = None) -> Footprint:
        """Return the memory that training with these settings takes.

        Args:
            settings: with the given vectors' size and n-grams, if there are such.
            tokens: the vocabulary, specials and given words included.
            given: the vectors to go on from, if they were read for this training or handed over to it.
        """
        rows = 2 * len(tokens) + (settings.ngrams.bucket if settings.has_ngrams else 0)
        return cls(
            tables=_FLOAT * rows * settings.size,
            vocabulary=WORD_BYTES * len(tokens),
            ngrams=_ngram_bytes(tokens, settings.ngrams) if settings.has_ngrams else 0,
            scratch=settings.workers * _scratch_bytes(settings.size, settings.window),
            given=max(0, held_by(given) - _FLOAT * len(tokens) * settings.size) if given is not None else 0,
        )

    @property
    def total(self) -> int:
        """All of it."""
        return self.tables + self.vocabulary + self.ngrams + self.scratch + self.given

    @property
    def parts(self) -> str:
        """What it is made of, for a person."""
        sizes = {
            "tables": self.tables,
            "vocabulary": self.vocabulary,
            "n-grams": self.ngrams,
            "kernels": self.scratch,
            "given vectors": self.given,
        }
        return ", ".join(f"{name} {megabytes(size)}" for name, size in sizes.items() if size)

    def __str__(self) -> str:
        return f"{megabytes(self.total)} ({self.parts})"

    def check(self, n_words: int, vector_size: int) -> None:
        """Raise if there is not so much memory; the given vectors have theirs already.

        Raises:
            InputError: with the figures.
        """
        check_available(
            self.total - self.given,
            f"training {n_words:,} vectors of {vector_size:,} dimensions",
            f"{self.parts}; lower vector_size, window or workers, or raise min_count",
        )


def held_by(given: WordVectors) -> int:
    """Return the bytes of given vectors, those of their n-grams included."""
    return given.vectors.nbytes + (given.table.nbytes if isinstance(given, SubwordVectors) else 0)


def _ngram_bytes(tokens: Sequence[str], ngrams: SubwordSettings) -> int:
    # One more than the n-grams: the word's own row.
    longest = ngrams.max_n
    by_length: dict[int, int] = {}
    for token in tokens:
        by_length[len(token)] = by_length.get(len(token), 0) + 1
    rows = sum(
        many * (1 + sum(length + 3 - n for n in range(ngrams.min_n, min(longest, length + 2) + 1)))
        for length, many in by_length.items()
    )
    # int32 rows in parts, whole, and once more for the result; int64 offsets likewise.
    kept = 3 * _FLOAT * rows + 3 * 8 * len(tokens)
    return kept + _HASHING_BYTES * rows * min(WORDS_AT_ONCE, len(tokens)) // len(tokens)


def _scratch_bytes(size: int, window: int) -> int:
    stride = -(-size // _LANES) * _LANES
    span = LARGEST_BLOCK + 2 * window
    copies = _FLOAT * stride * (3 * span + 3 * LARGEST_BLOCK + _MOST_TARGETS)
    scores = 12 * span * (_MOST_TARGETS + 2 * window)
    walk = 20 * max(8192, 4 * window)
    chunk = 2 * CHUNK_WORDS * (_FLOAT + 3 * 8)  # ids, and offsets as they are cut and checked; a job waits beside
    return copies + scores + walk + chunk
