"""The settings of the trainings of word vectors: ranges in the annotations, meanings in the texts below the fields.

Both are told here alone: for Python's documentation, and for the help of ``mt2st vectors train``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from mt2st._field_docs import DocWithFields
from mt2st._settings import Count, NonNegative, Positive, Share, check_fields
from mt2st.embedding.formats.stream import MOST_DIMENSIONS
from mt2st.embedding.subword_vectors import SubwordVectors
from mt2st.embedding.subwords import BUCKETS_END, LONGEST_NGRAM, SubwordSettings
from mt2st.embedding.word_vectors import WordVectors
from mt2st.errors import InputError, listed

Method = Literal["skipgram", "cbow", "skipgram-fasttext", "cbow-fasttext"]
WORD_METHODS = ("skipgram", "cbow")
SUBWORD_METHODS = ("skipgram-fasttext", "cbow-fasttext")
"""The methods whose words are made of n-grams."""

VECTOR_SIZE = 100
"""Dimensions where neither the user nor given vectors say."""
LARGEST_BLOCK = 32
"""Centres that a kernel updates together at most: larger blocks are hardly faster."""
CHUNK_WORDS = 50_000
"""Words of one kernel call: a tenth of a second of work or less between two reports, and nothing lost in between."""
LEAST_MEMORY_MB = 4
"""With less, GloVe's counting would write and merge ever shorter runs: with 1 KB, one every few words of the corpus."""

VectorSize = Annotated[int, Field(ge=1, le=MOST_DIMENSIONS)]
Negative = Annotated[int, Field(ge=1, le=100)]
"""Useful values are 2 to 20 (Mikolov et al. 2013); beyond, the noise drowns what is to be learned."""
NoiseExponent = Annotated[float, Field(ge=-5, le=5)]
"""Useful values are -1 to 1 (Caselles-Dupre et al. 2018). Counts to this power are far from the bounds of float64."""
Block = Annotated[int, Field(ge=1, le=LARGEST_BLOCK)]
NgramLength = Annotated[int, Field(ge=1, le=LONGEST_NGRAM)]
Buckets = Annotated[int, Field(ge=1, lt=BUCKETS_END)]
GloveWindow = Annotated[int, Field(ge=1, le=100_000)]


@dataclass(frozen=True)
class WordVectorSettings:
    """The settings of `mt2st.embedding.train_word_vectors`; names and defaults are gensim's. Validated when made.

    Raises:
        InputError: a setting out of its range, by name, with the rule and the value found.

    Example:
        >>> WordVectorSettings(window=0)
        Traceback (most recent call last):
        mt2st.errors.InputError: window should be greater than or equal to 1, found 0
    """

    method: Method = "skipgram"
    """skipgram, cbow, skipgram-fasttext or cbow-fasttext; the last two make a word's vector the mean of its own row and
    the rows of its character n-grams, which words share."""
    vector_size: VectorSize | None = None
    """Dimensions of the vectors, 1 to 2**20; by default 100, or those of the vectors to go on from."""
    window: Count = 5
    """Widest reach of a context, in words to each side, at least 1."""
    negative: Negative = 5
    """Weight of noise against each true word, in noise words, 1 to 100. The kernels draw a fixed number of shared noise
    words and weight them: a larger value takes no more time."""
    sample: Share = 1e-3
    """Threshold above which frequent words are thinned out, in [0, 1); 0 keeps all."""
    alpha: Positive = 0.025
    """Learning rate at the start, above 0; it falls linearly."""
    min_alpha: NonNegative = 1e-4
    """Learning rate at the end, in [0, alpha]."""
    epochs: Count = 5
    """Passes over the corpus, at least 1."""
    workers: Count = 1
    """Threads, at least 1. One repeats a seed's result to the bit; several update the tables without locks."""
    seed: int = 1
    """Decides all that is random; any integer."""
    ns_exponent: NoiseExponent = 0.75
    """Noise words are drawn in proportion to their count to this power, in [-5, 5]."""
    min_n: NgramLength | None = None
    """-fasttext methods: characters of the shortest n-gram, at least 1; by default 3, or that of the vectors to go on
    from."""
    max_n: NgramLength | None = None
    """-fasttext methods: characters of the longest n-gram, at least min_n; by default 6, likewise."""
    bucket: Buckets | None = None
    """-fasttext methods: rows that the n-grams share by their hash, at least 1; by default 200,000, likewise."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.min_alpha > self.alpha:
            raise InputError(f"min_alpha should be at most alpha = {self.alpha!r}, found {self.min_alpha!r}")
        _ = self.ngrams  # raises if they contradict each other

    @property
    def has_ngrams(self) -> bool:
        """Whether the method makes words of n-grams."""
        return self.method in SUBWORD_METHODS

    @property
    def size(self) -> int:
        """Dimensions."""
        return self.vector_size or VECTOR_SIZE

    @property
    def ngrams(self) -> SubwordSettings:
        """Which n-grams, in how many rows; gensim's where not set."""
        given = {"min_n": self.min_n, "max_n": self.max_n, "bucket": self.bucket}
        return SubwordSettings(**{name: value for name, value in given.items() if value is not None})

    def going_on_from(self, given: WordVectors) -> WordVectorSettings:
        """Return the settings with what given vectors decide: their size and, with n-grams, which and how many rows.

        Raises:
            InputError: a setting that contradicts them, or a method with n-grams where they have none.
        """
        settings = replace(self, vector_size=_size_like(given, self.vector_size))
        if not self.has_ngrams:
            return settings
        if not isinstance(given, SubwordVectors):
            raise InputError(
                f"method {self.method} goes on only from vectors with n-grams: a folder that it wrote, or fastText's "
                f".bin; the given ones have none: choose one of {listed(WORD_METHODS)}"
            )
        for name in ("min_n", "max_n", "bucket"):
            mine, theirs = getattr(self, name), getattr(given.settings, name)
            if mine not in (None, theirs):
                raise InputError(f"the given vectors have {name} {theirs}, but {name} is {mine}: leave it out")
        theirs = given.settings
        return replace(settings, min_n=theirs.min_n, max_n=theirs.max_n, bucket=theirs.bucket)


@dataclass(frozen=True)
class GloveSettings:
    """The settings of `mt2st.embedding.train_glove`; the defaults are those of the paper and its program.

    They are validated when made. A corpus of a few million words has few counts near 100: there, a smaller ``x_max``
    (10) learns much faster.

    Raises:
        InputError: a setting out of its range, by name, with the rule and the value found.

    Example:
        >>> GloveSettings(x_max=0)
        Traceback (most recent call last):
        mt2st.errors.InputError: x_max should be greater than 0, found 0
    """

    vector_size: VectorSize | None = None
    """Dimensions of the vectors, 1 to 2**20; by default 100, or those of the vectors to go on from."""
    window: GloveWindow = 10
    """Widest reach of a context, in words to each side, 1 to 100,000."""
    sample: Share = 0.0
    """Threshold above which frequent words are thinned out before counting, in [0, 1). 0 keeps all, as GloVe's authors
    do; for what 1e-4 gave see docs/explanation/auxiliary-tasks.md#glove-settings."""
    x_max: Positive = 100.0
    """Co-occurrence count from which on a pair has full weight, above 0; 10 suits a few million words."""
    alpha: NonNegative = 0.75
    """Exponent of the weight of rarer pairs, at least 0. (Not the learning rate, as in word2vec.)"""
    learning_rate: Positive = 0.05
    """AdaGrad's learning rate, above 0."""
    epochs: Count = 25
    """Passes over the co-occurrences, at least 1."""
    memory_mb: Positive = 1024
    """MB for counting and holding co-occurrences, at least 4, and more for a window beyond 50,000. The rest is in files
    (TMPDIR); the tables are not included."""
    workers: Count = 1
    """Threads, at least 1. One repeats a seed's result to the bit; several update the tables without locks."""
    seed: int = 1
    """Decides all that is random; any integer."""

    def __post_init__(self) -> None:
        from mt2st.embedding.glove.counting import SumTable  # comes with numba, which only who trains waits for

        check_fields(self)
        least = max(LEAST_MEMORY_MB, SumTable.least_bytes(self.window) / 2**20)
        if self.memory_mb < least:
            raise InputError(
                f"memory_mb should be at least {least:.3g} (MB) for a window of {self.window:,}: with less, the "
                f"counting would write and merge short runs without end, found {self.memory_mb!r}"
            )

    @property
    def size(self) -> int:
        """Dimensions."""
        return self.vector_size or VECTOR_SIZE

    def going_on_from(self, given: WordVectors) -> GloveSettings:
        """Return the settings with the size of given vectors.

        Raises:
            InputError: another size was asked for.
        """
        return replace(self, vector_size=_size_like(given, self.vector_size))


def _size_like(given: WordVectors, vector_size: int | None) -> int:
    """Return the dimensions of given vectors, unless ``vector_size`` says otherwise."""
    if vector_size not in (None, given.vector_size):
        raise InputError(
            f"the given vectors have {given.vector_size} dimensions, but vector_size is {vector_size}: leave it out or "
            f"set it to {given.vector_size}"
        )
    return given.vector_size


for _settings in (WordVectorSettings, GloveSettings):
    _settings.__doc__ = DocWithFields(_settings.__doc__)  # type: ignore[assignment]  # gives a text when it is read
