"""The margins of a linear classifier on n-grams by compiled code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import local
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mt2st._native import F32, F64, I32, I64, U64
from mt2st.models.scorer import NO_ROW, add_characters, add_pairs, score_spelled, score_words, spell
from mt2st.text.token_table import Cutting, TokenTable
from mt2st.text.tokeniser import Tokeniser

MOST_BYTES = 1 << 25
"""Of what is kept of the spelling of words; then it is forgotten."""
_UNKNOWN, _ANY_SPACE, _NO_END = -1, r"\s\0", 1 << 62


@dataclass(frozen=True)
class Weights:
    """What n-grams count.

    Attributes:
        idf: ``[n_terms]`` inverse document frequencies.
        of_classes: ``[n_terms, n_classes]``.
    """

    idf: F32
    of_classes: F32

    @classmethod
    def of(cls, idf: F32, of_classes: F32) -> Self:
        """Return the weights as compiled code reads them."""
        return cls(np.ascontiguousarray(idf), np.ascontiguousarray(of_classes))


@dataclass(frozen=True)
class _Table:
    """The numbers of n-grams, and their rows: both ``[n_slots]``."""

    keys: U64
    rows: I32

    @classmethod
    def for_terms(cls, n_terms: int) -> Self:
        n_slots = 1 << max(4, (2 * n_terms).bit_length())
        return cls(np.zeros(n_slots, np.uint64), np.empty(n_slots, np.int32))

    def __len__(self) -> int:
        return len(self.keys)


class CompiledWords:
    """The words and pairs of words of a classifier.

    Args:
        terms: the n-grams in the order of their rows, UTF-8, a NUL behind each.
        weights: of the rows.
        tokeniser: gives the words.
    """

    def __init__(self, terms: bytes, weights: Weights, tokeniser: Tokeniser) -> None:
        self._weights, self._cutting, self._words = weights, Cutting.of(tokeniser), TokenTable()
        cut = self._words.cut_bytes(terms, len(weights.idf), Cutting(str, r" \0", _NO_END), otherwise=_UNKNOWN)
        self._words.add(cut)
        rows, last = np.arange(len(weights.idf), dtype=np.int32), np.cumsum(cut.lengths) - 1
        one = cut.lengths == 1
        self._rows_of_words = np.full(max(1, len(self._words)), NO_ROW, np.int32)
        self._rows_of_words[cut.ids[last[one]]] = rows[one]
        first, second = (cut.ids[at].astype(np.uint64) + np.uint64(1) for at in (last[~one] - 1, last[~one]))
        pairs = first << np.uint64(32) | second
        self._table = _Table.for_terms(len(pairs))
        add_pairs(pairs, rows[~one], len(pairs), self._table.keys, self._table.rows, len(self._table))

    def margins(self, texts: Sequence[str]) -> tuple[F64, NDArray[np.bool_]]:
        """Return ``[n_texts, n_classes]`` margins without biases, and which texts have an n-gram."""
        of_classes = self._weights.of_classes
        margins, norms = np.zeros((len(texts), of_classes.shape[1])), np.zeros(len(texts))
        cut = self._words.cut(texts, self._cutting, otherwise=_UNKNOWN)
        score_words(
            cut.ids,
            _ends(cut.lengths),
            len(texts),
            self._rows_of_words,
            self._table.keys,
            self._table.rows,
            len(self._table),
            self._weights.idf,
            of_classes,
            of_classes.shape[1],
            np.zeros(len(of_classes), np.int32),
            np.empty(len(of_classes), np.int32),
            margins,
            norms,
        )
        return margins, norms > 0


class CompiledCharacters:
    """The n-grams of characters of a classifier. What is found out of a word is kept for its next appearance.

    Args:
        terms: as of `CompiledWords`.
        weights: of the rows.
        lowercase: whether characters are lowered.
        lengths: characters of the shortest and of the longest n-gram.
    """

    def __init__(self, terms: bytes, weights: Weights, *, lowercase: bool, lengths: tuple[int, int]) -> None:
        self._weights, self._lengths = weights, lengths
        self._cutting = Cutting(str.lower if lowercase else str, _ANY_SPACE, _NO_END)
        letters = np.frombuffer(terms, np.uint8)
        ends = np.concatenate([[0], np.flatnonzero(letters == 0) + 1])
        self._table = _Table.for_terms(len(letters))  # each n-gram of it ends with another byte
        add_characters(
            letters, ends, len(weights.idf), lengths[0], self._table.keys, self._table.rows, len(self._table)
        )
        self._of_thread = local()

    def margins(self, texts: Sequence[str]) -> tuple[F64, NDArray[np.bool_]]:
        """Return ``[n_texts, n_classes]`` margins without biases, and which texts have an n-gram. None holds a NUL."""
        of_classes = self._weights.of_classes
        margins, norms = np.zeros((len(texts), of_classes.shape[1])), np.zeros(len(texts))
        spelled: _Spelled | None = getattr(self._of_thread, "spelled", None)
        if spelled is None or spelled.nbytes > MOST_BYTES:
            spelled = self._of_thread.spelled = _Spelled(of_classes.shape[1])
        cut = spelled.words.cut(texts, self._cutting, otherwise=_UNKNOWN)
        spelled.words.add(cut)
        spelled.grow(self._lengths, self._table, self._weights)
        score_spelled(
            cut.ids,
            _ends(cut.lengths),
            len(texts),
            spelled.ends,
            spelled.parts,
            spelled.sums,
            spelled.squares,
            self._weights.idf,
            of_classes,
            of_classes.shape[1],
            np.zeros(len(of_classes), np.int64),
            np.empty(len(of_classes) + 1, np.int32),
            margins,
            norms,
        )
        return margins, norms > 0


class _Spelled:
    """Words, and what `spell` writes of them."""

    def __init__(self, n_classes: int) -> None:
        self.words, self._n = TokenTable(), 0
        self.ends, self.parts = np.zeros(1, np.int64), np.empty(0, np.int32)
        self.sums, self.squares = np.empty((0, n_classes)), np.empty(0)

    @property
    def nbytes(self) -> int:
        return sum(each.nbytes for each in (self.ends, self.parts, self.sums, self.squares))

    def grow(self, lengths: tuple[int, int], table: _Table, weights: Weights) -> None:
        """Find the n-grams of the words that were added."""
        (letters, starts), first, n = self.words.letters, self._n, len(self.words)
        if n == first:
            return
        most = int(self.ends[first] + (starts[n] - starts[first] + n - first) * (lengths[1] - lengths[0] + 1))
        self.ends, self.parts = _with_room(self.ends, n + 1), _with_room(self.parts, most)
        self.sums, self.squares = _with_room(self.sums, n), _with_room(self.squares, n)
        spell(
            letters,
            starts,
            first,
            n,
            *lengths,
            table.keys,
            table.rows,
            len(table),
            weights.idf,
            weights.of_classes,
            weights.of_classes.shape[1],
            self.ends,
            self.parts,
            self.sums,
            self.squares,
        )
        self._n = n


def _with_room(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Return an array of at least this length that begins with these values."""
    if len(array) >= size:
        return array
    longer = np.empty((max(size, 2 * len(array)), *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


def _ends(lengths: Iterable[int]) -> I64:
    return np.concatenate([[0], np.cumsum(np.asarray(lengths))]).astype(np.int64)
