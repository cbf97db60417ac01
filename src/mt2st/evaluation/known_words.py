"""Which words of a test a set of vectors knows: the first so many, in any case or in theirs alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding import WordVectors
from mt2st.errors import InputError

RESTRICT_VOCAB = 300_000
"""Words that take part in a test unless told otherwise, as in gensim."""


class KnownWords:
    """The first words of some vectors, found by their spelling as a test has it.

    Args:
        vectors: words and vectors, by falling frequency.
        restrict_vocab: how many of the first words take part, at least 1; None for all.
        case_insensitive: words that differ in case alone are one word, upper-cased as gensim does, and the first of
            them (the most frequent) gives the vector.

    Attributes:
        spelling: for each row that takes part, the first row of the same word: its own unless case is ignored.
            Integers ``[n_rows]``.

    Raises:
        InputError: `restrict_vocab` is less than 1.

    Example:
        >>> known = KnownWords(WordVectors(["us", "US", "cat"], np.eye(3)))
        >>> known.row("Us"), known.row("dog"), known.spelling.tolist()
        (0, None, [0, 0, 2])
    """

    def __init__(
        self, vectors: WordVectors, *, restrict_vocab: int | None = RESTRICT_VOCAB, case_insensitive: bool = True
    ) -> None:
        if restrict_vocab is not None and restrict_vocab < 1:
            raise InputError(f"restrict_vocab must be at least 1; found {restrict_vocab!r}")
        self.vectors = vectors
        self.case_insensitive = case_insensitive
        words = vectors.index_to_key[:restrict_vocab]
        self._rows: dict[str, int] = {}
        self.spelling: NDArray[np.intp] = np.fromiter(
            (self._rows.setdefault(self.fold(word), row) for row, word in enumerate(words)), np.intp, len(words)
        )
        self._later: dict[int, list[int]] = {}
        for row in np.flatnonzero(self.spelling != np.arange(len(words))).tolist():
            self._later.setdefault(int(self.spelling[row]), []).append(row)

    def __len__(self) -> int:
        """Number of rows that take part."""
        return len(self.spelling)

    def fold(self, word: str) -> str:
        """Return the word as it is compared."""
        return word.upper() if self.case_insensitive else word

    def row(self, word: str) -> int | None:
        """Return the row of a word's vector, None where it has none among the rows that take part."""
        return self._rows.get(self.fold(word))

    def rows(self, words: Sequence[str]) -> list[int] | None:
        """Return the rows of several words, None where one of them is not known."""
        found = [row for row in map(self.row, words) if row is not None]
        return found if len(found) == len(words) else None

    def spellings(self, row: int) -> list[int]:
        """Return all rows of the word whose first row is given."""
        return [row, *self._later.get(row, [])]

    def units(self, rows: NDArray[np.intp] | slice) -> NDArray[np.float32]:
        """Return the vectors of some rows at length 1, a copy; zero vectors stay zero."""
        lengths = self.vectors.norms[rows, None]
        return np.divide(self.vectors.vectors[rows], np.where(lengths > 0, lengths, np.float32(1)), dtype=np.float32)
