"""The n-grams of a vocabulary's words, in a table without unused rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.subwords import SubwordRows, SubwordSettings
from mt2st.text.vocabulary import SPECIALS, UNK

N_SPECIALS = len(SPECIALS)
"""``<pad>`` and ``<unk>`` have no n-grams."""


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

    @property
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
