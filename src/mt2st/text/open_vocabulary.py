"""A vocabulary that numbers the words it meets beyond its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt2st.text.vocabulary import SPECIALS, UNK, Vocabulary


class OpenVocabulary:
    """Gives each word that a vocabulary lacks an id of its own, behind the vocabulary's, in the order they come.

    For models that make vectors of unseen words. It grows with every new word: make one for a bounded amount of text.

    Args:
        vocabulary: the known words, with the ids 0 to V - 1.

    Example:
        >>> known = Vocabulary.from_counts({"film": 7, "a": 9}, min_count=5)
        >>> words = OpenVocabulary(known)
        >>> words.encode(["a", "rare", "film", "rarest", "rare"]).tolist(), words.further
        ([2, 4, 3, 5, 4], ['rare', 'rarest'])
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._further: dict[str, int] = {}

    @property
    def further(self) -> list[str]:
        """The words beyond the vocabulary's, those with the ids from V on."""
        return list(self._further)

    def encode(self, tokens: Sequence[str]) -> NDArray[np.int32]:
        """Return the ids of tokens, int32."""
        ids = self.vocabulary.encode(tokens)
        first = len(self.vocabulary)
        for at in np.flatnonzero(ids == UNK).tolist():
            if tokens[at] != SPECIALS[UNK]:
                ids[at] = self._further.setdefault(tokens[at], first + len(self._further))
        return ids
