"""The character n-grams of words and the rows of an embedding table that hold them, as in fastText.

A word's input vector is the mean of its own row and of the rows of its n-grams (Bojanowski et al. 2017, "Enriching Word
Vectors with Subword Information"). The table has ``V + bucket`` rows: the words' first, then ``bucket`` rows that the
n-grams share by their hash, so that two n-grams may fall into one row. Boundaries, n-grams, their order and their hash
are fastText's to the bit: a table trained there has each n-gram in the row where this module looks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.text.vocabulary import SPECIALS, UNK

LONGEST_NGRAM = 1024
"""Characters; more is no n-gram: a setting that asks for it is damaged or mistyped."""
BUCKETS_END = 2**31
"""Rows of n-grams are fewer: their numbers are int32."""
END_OF_SENTENCE = "</s>"
"""fastText's word for it, of which it makes no n-grams."""
_FNV_START, _FNV_PRIME = 2166136261, 16777619
_CONTINUES, _CONTINUATION = 0b1100_0000, 0b1000_0000
"""A byte of UTF-8 whose first two bits are 10 continues a character."""
_SIGN = np.uint32(0xFFFF_FF00)
N_SPECIALS = len(SPECIALS)
"""``<pad>`` and ``<unk>`` have no n-grams."""
WORDS_AT_ONCE = 20_000
"""Words hashed together: their n-grams take some tens of megabytes."""
_VALUES_AT_ONCE = 1 << 20
"""Values of the rows that are composed together: 4 MB."""
_MOST_TIMES = 16  # as many values a single word's rows may have


@dataclass(frozen=True)
class SubwordSettings:
    """Which n-grams of a word are used and how many rows they share; names and lengths are gensim and fastText's.

    Attributes:
        min_n: length of the shortest n-gram in characters, at least 1; word boundaries count as characters.
        max_n: length of the longest, from ``min_n`` to 1,024.
        bucket: rows for all n-grams, at least 1. fastText and gensim default to 2,000,000; a vocabulary of 50,000 words
            has fewer than 200,000 n-grams.

    Raises:
        InputError: a value out of its range.
    """

    min_n: int = 3
    max_n: int = 6
    bucket: int = 200_000

    def __post_init__(self) -> None:
        # By hand: prediction makes these settings, too, and need not load pydantic for them.
        for name in ("min_n", "max_n", "bucket"):
            value = getattr(self, name)
            whole = None if isinstance(value, bool) or not isinstance(value, SupportsIndex) else index(value)
            rule = ""
            if whole is None:
                rule = "a valid integer"
            elif whole < 1:
                rule = "greater than or equal to 1"
            elif name != "bucket" and whole > LONGEST_NGRAM:
                rule = f"less than or equal to {LONGEST_NGRAM}"
            elif whole >= BUCKETS_END:
                rule = f"less than {BUCKETS_END}"
            if rule:
                raise InputError(f"{name} should be {rule}, found {value!r}")
            object.__setattr__(self, name, whole)
        if self.max_n < self.min_n:
            raise InputError(f"max_n should be at least min_n = {self.min_n}, found {self.max_n}")


@dataclass(frozen=True)
class SubwordRows:
    """The rows of the table ``[V + bucket, D]`` whose mean is each word's input vector.

    Attributes:
        offsets: word ``w`` has ``rows[offsets[w] : offsets[w + 1]]``, int64 [V + 1].
        rows: for each word its own row ``w``, then ``V + hash % bucket`` of each n-gram, int32 [*]; an n-gram that
            comes twice in a word is there twice.
        bucket: number of rows of n-grams.

    Example:
        >>> table = SubwordRows.of(["<pad>", "<unk>", "film"], SubwordSettings(min_n=5, max_n=6, bucket=100))
        >>> table.rows[table.offsets[2] :].tolist()  # itself, <film, <film>, film>
        [2, 92, 32, 30]
    """

    offsets: NDArray[np.int64]
    rows: NDArray[np.int32]
    bucket: int

    @classmethod
    def of(cls, words: Sequence[str], settings: SubwordSettings) -> SubwordRows:
        """Return the rows of a vocabulary's V words.

        Raises:
            InputError: the table would have 2**31 rows or more.
        """
        n_words = len(words)
        if n_words + settings.bucket >= 2**31:
            raise InputError(
                f"words and buckets must be fewer than 2**31 together; found {n_words} and {settings.bucket}"
            )
        counts, rows = np.empty(n_words, dtype=np.int64), []
        for start in range(0, n_words, WORDS_AT_ONCE):
            part = words[start : start + WORDS_AT_ONCE]
            buckets, sizes = ngram_buckets(part, settings)
            counts[start : start + len(part)] = sizes + 1
            own_rows = np.cumsum(np.concatenate([[0], sizes[:-1]]))
            rows.append(np.insert(buckets + n_words, own_rows, np.arange(start, start + len(part))).astype(np.int32))
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(offsets, np.concatenate(rows) if rows else np.empty(0, dtype=np.int32), settings.bucket)

    @property
    def n_words(self) -> int:
        """V, the words that have rows."""
        return self.offsets.size - 1

    @property
    def table_rows(self) -> int:
        """V + bucket, the rows of the table."""
        return self.n_words + self.bucket

    def of_word(self, word: int) -> NDArray[np.int32]:
        """Return the rows of the word with this id, its own first."""
        return self.rows[self.offsets[word] : self.offsets[word + 1]]

    def without(self, frozen: NDArray[np.bool_]) -> SubwordRows:
        """Return each word's rows that are not frozen (bool [V + bucket]); a word may be left with none.

        Example:
            >>> rows = SubwordRows(np.array([0, 2, 4]), np.array([0, 3, 1, 2], dtype=np.int32), bucket=2)
            >>> left = rows.without(np.array([True, False, False, True]))
            >>> left.offsets.tolist(), left.rows.tolist()
            ([0, 0, 2], [1, 2])
        """
        moving = ~frozen[self.rows]
        before = np.concatenate([[0], np.cumsum(moving)])
        return SubwordRows(before[self.offsets].astype(np.int64), self.rows[moving], self.bucket)

    def composed(self, table: NDArray[np.float32], words: slice = slice(None)) -> NDArray[np.float32]:
        """Return the input vectors of words [n, D], the means of their rows of a table [V + bucket, D]."""
        start, stop, _ = words.indices(self.n_words)
        vectors = np.empty((max(0, stop - start), table.shape[1]), dtype=np.float32)
        at_once = max(1, _VALUES_AT_ONCE // table.shape[1])
        first = start
        while first < stop:
            end = int(np.searchsorted(self.offsets, self.offsets[first] + at_once, side="right")) - 1
            end = min(max(end, first + 1), stop)
            bounds = self.offsets[first : end + 1]
            rows = self.rows[bounds[0] : bounds[-1]]
            if len(rows) > _MOST_TIMES * at_once:  # a single word, and a monstrous one
                sums = _sum_of(table, rows, at_once)[None]
            else:
                sums = np.add.reduceat(table[rows], bounds[:-1] - bounds[0], axis=0)
            vectors[first - start : end - start] = sums / np.diff(bounds)[:, None].astype(np.float32)
            first = end
        return vectors


def _sum_of(table: NDArray[np.float32], rows: NDArray[np.int32], at_once: int) -> NDArray[np.float32]:
    different, counts = np.unique(rows, return_counts=True)
    total = np.zeros(table.shape[1], dtype=np.float32)
    for first in range(0, len(different), at_once):
        part = slice(first, first + at_once)
        total += counts[part].astype(np.float32) @ table[different[part]]
    return total


def ngram_buckets(words: Sequence[str], settings: SubwordSettings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the buckets, in [0, bucket), of all n-grams of all words, int64 [n], and how many each word has.

    An n-gram is ``min_n`` to ``max_n`` characters of a word with ``<`` before and ``>`` after it. They come by where
    they start, then by length; a boundary alone is none, and ``</s>``, the end of a sentence, has none. Their hash is
    the 32-bit FNV-1a of their UTF-8 bytes, each taken as a **signed** char and widened, so that those of 128 and above
    flip the upper 24 bits too: not FNV-1a as published, but what every fastText model was trained with.

    Example:
        >>> ngram_buckets(["film"], SubwordSettings(min_n=5, max_n=6, bucket=100))  # <film, <film>, film>
        (array([89, 29, 27]), array([3]))
    """
    encoded = [f"<{word}>".encode("utf-8", errors="surrogatepass") for word in words]
    text = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    characters = np.flatnonzero((text & _CONTINUES) != _CONTINUATION)
    ends = np.cumsum([len(each) for each in encoded])
    # Each character begins n-grams of every length that the rest of its word allows.
    word_of = np.searchsorted(ends, characters, side="right")
    past_word = np.searchsorted(characters, ends)[word_of]  # the first character after the word
    at = np.arange(characters.size)
    fitting = np.maximum(np.minimum(past_word - at, settings.max_n) - settings.min_n + 1, 0)
    for number in (number for number, word in enumerate(words) if word == END_OF_SENTENCE):
        fitting[word_of == number] = 0
    starts = np.repeat(at, fitting)
    n = settings.min_n + np.arange(starts.size) - np.repeat(np.cumsum(fitting) - fitting, fitting)
    boundary = (word_of != np.roll(word_of, 1)) | (at + 1 == past_word)
    if len(words) == 1:
        boundary[0] = True
    chosen = ~((n == 1) & boundary[starts])
    starts, n = starts[chosen], n[chosen]
    first = characters[starts]
    stop = np.append(characters, text.size)[starts + n]
    signed = text.astype(np.uint32)
    signed[text >= 128] |= _SIGN
    hashes = np.full(starts.size, _FNV_START, dtype=np.uint32)
    for k in range(int((stop - first).max(initial=0))):
        going = first + k < stop
        hashes[going] = (hashes[going] ^ signed[first[going] + k]) * np.uint32(_FNV_PRIME)
    return (hashes % np.uint32(settings.bucket)).astype(np.int64), np.bincount(word_of[starts], minlength=len(words))


@dataclass(frozen=True, eq=False)
class WordBags:
    """The composition of word vectors: ``scale[w] * sum(table[rows[offsets[w] : offsets[w + 1]]])``.

    ``offsets`` are int64 [W + 1], ``rows`` int64 [*], ``scale`` is float32 [W].
    """

    offsets: NDArray[np.int64]
    rows: NDArray[np.int64]
    scale: NDArray[np.float32]

    def __len__(self) -> int:
        return self.scale.size

    def composed(self, table: NDArray[Any], words: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the vectors ``[n, D]`` of words by their numbers, of a table of D columns."""
        sizes = self.offsets[words + 1] - self.offsets[words]
        ends = np.cumsum(sizes)
        vectors = np.zeros((len(words), table.shape[1]))
        at_once, first = max(1, _VALUES_AT_ONCE // table.shape[1]), 0
        while first < len(words):
            before = ends[first] - sizes[first]
            last = max(first + 1, int(np.searchsorted(ends, before + at_once, side="right")))
            starts = ends[first:last] - sizes[first:last] - before
            of_words = np.repeat(self.offsets[words[first:last]] - starts, sizes[first:last])
            some = np.flatnonzero(sizes[first:last])  # a word without rows is zero
            if len(some):
                rows = self.rows[of_words + np.arange(len(of_words))]
                vectors[first + some] = np.add.reduceat(table[rows], starts[some], axis=0, dtype=np.float64)
            first = last
        return vectors * self.scale[words, np.newaxis]

    def followed_by(self, further: WordBags) -> WordBags:
        """Return these words, then further ones."""
        return WordBags(
            np.concatenate([self.offsets, self.offsets[-1] + further.offsets[1:]]),
            np.concatenate([self.rows, further.rows]),
            np.concatenate([self.scale, further.scale]),
        )


@dataclass(frozen=True, eq=False)
class KnownSubwords:
    """The rows of a table ``[V + K, D]``: one per word, then one per bucket with an n-gram of the words.

    `SubwordRows` gives every bucket a row. A small vocabulary uses a part of them, and the others never learn anything.
    Without them it is exactly the same model in less memory, with faster steps of optimizers that visit the whole
    table.

    Attributes:
        rows: each word's rows, as the kernels take them; ``rows.bucket`` is K.
        buckets: the K buckets in use, rising, int64 [K]; bucket ``buckets[k]`` has row ``V + k``.
        settings: which n-grams, in how many buckets.

    Example:
        >>> known = KnownSubwords.of(["<pad>", "<unk>", "film", "films"], SubwordSettings(min_n=5, max_n=6, bucket=100))
        >>> known.rows.table_rows, known.buckets.tolist()
        (11, [27, 29, 30, 54, 68, 70, 89])
        >>> known.rows.of_word(2).tolist()
        [2, 10, 5, 4]
    """

    rows: SubwordRows
    buckets: NDArray[np.int64]
    settings: SubwordSettings

    @classmethod
    def of(cls, tokens: Sequence[str], settings: SubwordSettings) -> KnownSubwords:
        """Return the rows of a vocabulary's V tokens; ``<pad>`` and ``<unk>``, the first two, have no n-grams."""
        words = SubwordRows.of(tokens[N_SPECIALS:], settings)
        is_ngram = words.rows >= words.n_words
        buckets, place = np.unique(words.rows[is_ngram].astype(np.int64) - words.n_words, return_inverse=True)
        rows = words.rows + np.int32(N_SPECIALS)
        rows[is_ngram] = len(tokens) + place
        specials = np.arange(N_SPECIALS)
        return cls(
            SubwordRows(
                np.concatenate([specials, words.offsets + N_SPECIALS]).astype(np.int64),
                np.concatenate([specials, rows]).astype(np.int32),
                len(buckets),
            ),
            buckets,
            settings,
        )

    @cached_property
    def bags(self) -> WordBags:
        """The vocabulary's words: each is the mean of its rows; ``<pad>`` is zero, without rows."""
        sizes = np.diff(self.rows.offsets)
        offsets = self.rows.offsets - 1
        offsets[0] = 0
        return WordBags(offsets, self.rows.rows[1:].astype(np.int64), (1 / sizes).astype(np.float32))

    def bags_of(self, words: Sequence[str]) -> WordBags:
        """Return words outside the vocabulary: each is the mean over its n-grams, those without a row as zeros.

        fastText does the same; its n-grams that no training word has are random, near zero. A word without any n-gram
        that has a row is an unknown word, with the row of ``<unk>``.
        """
        if not words:
            return WordBags(np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        found = SubwordRows.of(words, self.settings)
        is_ngram = found.rows >= found.n_words
        owners = np.repeat(np.arange(found.n_words), np.diff(found.offsets))[is_ngram]
        buckets = found.rows[is_ngram].astype(np.int64) - found.n_words
        place = np.searchsorted(self.buckets, buckets)
        known = np.isin(buckets, self.buckets)
        n_known = np.bincount(owners[known], minlength=found.n_words)
        nothing = n_known == 0
        sizes = np.where(nothing, 1, n_known)
        rows = np.full(int(sizes.sum()), UNK, dtype=np.int64)
        rows[np.repeat(~nothing, sizes)] = self.rows.n_words + place[known]
        n_ngrams = np.bincount(owners, minlength=found.n_words)
        scale = 1 / np.where(nothing, 1, n_ngrams)
        return WordBags(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), rows, scale.astype(np.float32))

    def whole_table(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a table ``[V + K, D]`` as `SubwordVectors` takes it: float32 [V - 2 + bucket, D].

        It has no specials and a row for every bucket, zero if not in use.
        """
        n_words = self.rows.n_words - N_SPECIALS
        whole = np.zeros((n_words + self.settings.bucket, table.shape[1]), dtype=np.float32)
        whole[:n_words] = table[N_SPECIALS : self.rows.n_words]
        whole[n_words + self.buckets] = table[self.rows.n_words :]
        return whole
