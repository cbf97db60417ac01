"""The words of a test that vectors know: the most frequent ones, in any case or their own, and by n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mt2st._settings import Count, checked
from mt2st.embedding import SubwordVectors, WordVectors
from mt2st.errors import InputError

Unseen = Literal["skip", "ngrams"]
"""Unknown words are left out, or get the vectors of their n-grams."""

RESTRICT_VOCAB = 300_000
"""Words that take part in a test unless told otherwise, as in gensim."""


class KnownWords:
    """The first words of some vectors, found by their spelling as a test has it.

    The arguments are those of `mt2st.evaluation.evaluate_analogies`. Words made of n-grams are lower-cased if case is
    ignored, and answer nothing.

    Attributes:
        spelling: for each row that takes part, the first row of the same word, int ``[n_rows]``.

    Example:
        >>> known = KnownWords(WordVectors(["us", "US", "cat"], np.eye(3)))
        >>> known.row("Us"), known.row("dog"), known.spelling.tolist()
        (0, None, [0, 0, 2])
    """

    def __init__(
        self,
        vectors: WordVectors,
        *,
        restrict_vocab: Count | None = RESTRICT_VOCAB,
        case_insensitive: bool = True,
        unseen: Unseen = "skip",
    ) -> None:
        checked(KnownWords.__init__, restrict_vocab=restrict_vocab, unseen=unseen)
        if unseen == "ngrams" and not isinstance(vectors, SubwordVectors):
            raise InputError(
                "unseen words get vectors of n-grams only from vectors that have them: the folder of a -fasttext "
                "training, or fastText's .bin; these have none"
            )
        self.vectors = vectors
        self.case_insensitive = case_insensitive
        words = vectors.index_to_key[:restrict_vocab]
        self._rows: dict[str, int] = {}
        self.spelling: NDArray[np.intp] = np.fromiter(
            (self._rows.setdefault(self.fold(word), row) for row, word in enumerate(words)), np.intp, len(words)
        )
        self._ngrams = vectors if unseen == "ngrams" and isinstance(vectors, SubwordVectors) else None
        self._made: dict[str, int | None] = {}  # the rows, beyond all others, of vectors made of n-grams
        self._made_vectors: list[NDArray[np.float32]] = []
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

    def row_or_made(self, word: str) -> int | None:
        """Return `row`, or that of the vector of the word's n-grams where these are wanted and there are some."""
        row = self.row(word)
        if row is not None or self._ngrams is None:
            return row
        spelling = word.lower() if self.case_insensitive else word
        if spelling not in self._made:
            vector = self._ngrams.unseen(spelling)
            self._made[spelling] = None if vector is None else len(self.vectors) + len(self._made_vectors)
            self._made_vectors += [] if vector is None else [vector]
        return self._made[spelling]

    def rows(self, words: Sequence[str]) -> list[int] | None:
        """Return the rows of several words, those made of n-grams included, None where one of them has none."""
        found = [row for row in map(self.row_or_made, words) if row is not None]
        return found if len(found) == len(words) else None

    @property
    def n_made(self) -> int:
        """Words asked for so far whose vectors were made of n-grams."""
        return len(self._made_vectors)

    def spellings(self, row: int) -> list[int]:
        """Return all rows of the word whose first row is given."""
        return [row, *self._later.get(row, [])]

    def of_rows(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the vectors of some rows, those made of n-grams included, a copy."""
        if not self._made_vectors:
            return self.vectors.vectors[rows]
        found = np.empty((len(rows), self.vectors.vector_size), dtype=np.float32)
        made = rows >= len(self.vectors)
        found[~made] = self.vectors.vectors[rows[~made]]
        found[made] = np.stack(self._made_vectors)[rows[made] - len(self.vectors)]
        return found

    def units(self, rows: NDArray[np.intp] | slice) -> NDArray[np.float32]:
        """Return the vectors of some rows at length 1, a copy; zero vectors stay zero."""
        if isinstance(rows, slice):
            found, lengths = self.vectors.vectors[rows], self.vectors.norms[rows, None]
        else:
            found = self.of_rows(rows)
            lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.divide(found, np.where(lengths > 0, lengths, np.float32(1)), dtype=np.float32)
