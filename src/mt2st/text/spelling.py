"""The spelling of a word as features: its first and last letters, and its shape.

An unseen word has none of what training has taught about it, but its spelling has: ``-ing`` and ``-ly`` tell the part
of speech, capitals tell a name. The features are numbered by their hash, so there is no list of them to keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from mt2st.text.tokeniser import Tokeniser
from mt2st.text.vocabulary import OpenVocabulary, Vocabulary
from mt2st.text.words import NO_TOKEN

LONGEST_AFFIX = 4
"""Letters. Longer ones are rare and add little to the word itself."""
LONGEST_SHAPE = 8
"""Signs of a shape: URLs and long numbers have no end of them."""


def shape_of(word: str) -> str:
    """Return a word's shape: ``X`` for a capital, ``x`` for another letter, ``d`` for a digit, other signs as they are.

    Of equal signs in a row, two are kept at most, so that ``OK`` and ``Ok`` differ but not ``Anna`` and ``Maria``.

    Example:
        >>> [shape_of(word) for word in ("Anna", "iPhone", "NATO", "1,500", "well-made")]
        ['Xxx', 'xXxx', 'XX', 'd,dd', 'xx-xx']
    """
    signs = ("X" if each.isupper() else "x" if each.isalpha() else "d" if each.isdecimal() else each for each in word)
    return "".join("".join(run)[:2] for _, run in groupby(signs))[:LONGEST_SHAPE]


def spelling_of(word: str) -> list[str]:
    """Return the features of a word: affixes of 1 to 4 letters in lower case, each with its kind, and the shape.

    Example:
        >>> spelling_of("Oslo")
        ['<o', '<os', '<osl', '<oslo', 'o>', 'lo>', 'slo>', 'oslo>', '=Xxx']
        >>> spelling_of("a")
        ['<a', 'a>', '=x']
    """
    small = word.lower()
    lengths = range(1, min(LONGEST_AFFIX, len(small)) + 1)
    return [*(f"<{small[:n]}" for n in lengths), *(f"{small[-n:]}>" for n in lengths), f"={shape_of(word)}"]


def spelling_rows(word: str, n_rows: int) -> list[int]:
    """Return the rows of a word's features in a table of ``n_rows``."""
    return [crc32(feature.encode("utf-8", "surrogatepass")) % n_rows for feature in spelling_of(word)]


@dataclass(frozen=True)
class SpelledWords:
    """Words as they are spelled, numbered after the V words of a vocabulary.

    Attributes:
        words: ``[n]`` id of each in the vocabulary.
        rows: rows of the features of all of them, one after the other.
        offsets: ``[n + 1]``: word i has ``rows[offsets[i]:offsets[i + 1]]``.
    """

    words: NDArray[np.int64]
    rows: NDArray[np.int64]
    offsets: NDArray[np.int64]


class OpenSpellings:
    """Gives each spelling of a word an id of its own, after those of a vocabulary, in order of appearance.

    The vocabulary has words in the tokeniser's form (lower case). A word of several tokens has the id of the first.

    Example:
        >>> words = OpenSpellings(Vocabulary.from_counts({"film": 7, "a": 9}, min_count=5), Tokeniser())
        >>> words.encode(["A", "film", "a", "Film-noir", "film"]).tolist()
        [4, 5, 6, 7, 5]
        >>> words.spelled(1000).words.tolist()
        [2, 3, 2, 3]
    """

    def __init__(self, vocabulary: Vocabulary | OpenVocabulary, tokeniser: Tokeniser) -> None:
        self._numbering, self._tokeniser = vocabulary, tokeniser
        self._n_words = len(vocabulary if isinstance(vocabulary, Vocabulary) else vocabulary.vocabulary)
        self._ids: dict[str, int] = {}
        self._words: list[int] = []

    def __len__(self) -> int:
        return len(self._ids)

    def encode(self, words: Iterable[str]) -> NDArray[np.int32]:
        """Return the ids of words, int32."""
        ids = self._ids
        return np.array([ids[word] if word in ids else self._add(word) for word in words], dtype=np.int32)

    def in_vocabulary(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the ids that the vocabulary has for words of these ids."""
        return np.array(self._words, dtype=np.int32)[ids - self._n_words]

    def spelled(self, n_rows: int) -> SpelledWords:
        """Return the words so far, with their features in a table of ``n_rows``."""
        rows = [spelling_rows(word, n_rows) for word in self._ids]
        offsets = np.cumsum([0, *map(len, rows)])
        return SpelledWords(np.array(self._words, np.int64), np.array([row for each in rows for row in each]), offsets)

    def _add(self, word: str) -> int:
        token: Sequence[str] = self._tokeniser(word)[:1] or [NO_TOKEN]
        self._words.append(int(self._numbering.encode(token)[0]))
        return self._ids.setdefault(word, self._n_words + len(self._ids))
