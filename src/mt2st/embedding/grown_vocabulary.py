"""The vocabulary of a training that continues from given vectors: the words of the corpus and theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.subword_vectors import SubwordVectors
from mt2st.embedding.subwords import SubwordRows
from mt2st.embedding.word_vectors import WordVectors
from mt2st.errors import InputError, suggestion
from mt2st.text.vocabulary import SPECIALS, Vocabulary

Frozen = Literal["known"] | Iterable[str] | None
"""Which given words keep their vectors: all (``"known"``), those named, or none."""


class NoSharedWordsError(InputError):
    """The given vectors and the corpus have no word in common."""


@dataclass(frozen=True)
class GrownVocabulary:
    """The words of the corpus, then the given words that it lacks.

    Attributes:
        tokens: V words by id, the specials first.
        counts: occurrences in the corpus, int64 [V]; 0 for specials and for words not in the corpus.
        n_specials: number of specials.
        given_ids: ids of the given words in their order, int64 [n_given].

    Example:
        >>> given = WordVectors(["film", "actor"], np.eye(2, dtype=np.float32))
        >>> grown = GrownVocabulary.of(Vocabulary.from_counts({"a": 9, "film": 7}), given)
        >>> grown.tokens, grown.counts.tolist(), grown.given_ids.tolist()
        (['<pad>', '<unk>', 'a', 'film', 'actor'], [0, 0, 9, 7, 0], [3, 4])
    """

    tokens: Sequence[str]
    counts: NDArray[np.int64]
    n_specials: int
    given_ids: NDArray[np.int64]

    @classmethod
    def of(cls, vocabulary: Vocabulary, given: WordVectors | None) -> GrownVocabulary:
        """Return the vocabulary of a corpus, of two words at least, and of given vectors, which must share some."""
        tokens, counts = vocabulary.tokens, np.array(vocabulary.counts, dtype=np.int64)
        n_specials = sum(1 for token in islice(tokens, len(SPECIALS)) if token in SPECIALS)
        counts[:n_specials] = 0
        check_enough_words(tokens, counts)
        if given is None:
            return cls(tokens, counts, n_specials, np.empty(0, dtype=np.int64))
        ids = {token: number for number, token in enumerate(tokens) if number >= n_specials}
        n_shared = sum(1 for word in given.index_to_key if word in ids)
        if not n_shared:
            raise NoSharedWordsError(
                f"none of the {len(given):,} words of the given vectors is among the {len(ids):,} of the corpus: are "
                f"both in the same language, and in the same case?"
            )
        for word in given.index_to_key:
            ids.setdefault(word, n_specials + len(ids))
        given_ids = np.fromiter(map(ids.__getitem__, given.index_to_key), np.int64, len(given))
        lacking = np.zeros(n_specials + len(ids) - len(tokens), dtype=np.int64)
        return cls([*tokens[:n_specials], *ids], np.concatenate([counts, lacking]), n_specials, given_ids)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def words(self) -> list[str]:
        """The tokens without the specials."""
        return list(self.tokens[self.n_specials :])

    def place(self, given: WordVectors, inputs: NDArray[np.float32]) -> None:
        """Copy the given vectors to their rows of ``inputs``: [V, D], or [V + bucket, D] with the rows of n-grams."""
        if isinstance(given, SubwordVectors) and len(inputs) > len(self):
            inputs[self.given_ids] = given.table[: len(given)]
            inputs[len(self) :] = given.table[len(given) :]
        else:
            inputs[self.given_ids] = given.vectors

    def frozen_rows(self, places: NDArray[np.int64], subwords: SubwordRows | None) -> NDArray[np.bool_] | None:
        """Return the rows of the inputs that must not change, bool [V] or [V + bucket]; None if nothing is frozen.

        ``places`` are those of the frozen words among the given ones. With n-grams these are a word's own row and the
        rows of its n-grams, which other words may share.
        """
        if not places.size:
            return None
        words = np.zeros(len(self), dtype=np.bool_)
        words[self.given_ids[places]] = True
        if subwords is None:
            return words
        rows = np.zeros(subwords.table_rows, dtype=np.bool_)
        rows[subwords.rows[np.repeat(words, np.diff(subwords.offsets))]] = True
        return rows


def frozen_places(frozen: Frozen, given: WordVectors | None) -> NDArray[np.int64]:
    """Return the places of the frozen words among the given ones, int64 [n]; each must be there."""
    if frozen is None:
        return np.empty(0, dtype=np.int64)
    if given is None:
        raise InputError("frozen words need the vectors that they keep: give init_vectors too")
    if isinstance(frozen, str):
        if frozen != "known":
            raise InputError(f"frozen must be 'known' (all words of init_vectors) or a list of words; found '{frozen}'")
        return np.arange(len(given))
    words = list(frozen)
    unknown = [word for word in words if word not in given.key_to_index]
    if unknown:
        near = suggestion(unknown[0], given.index_to_key[:20_000])
        raise InputError(
            f"{len(unknown):,} of the {len(words):,} frozen words have no given vector, '{unknown[0]}' first.{near}"
        )
    return np.array([given.key_to_index[word] for word in words], dtype=np.int64)


def check_enough_words(tokens: Sequence[str], counts: NDArray[np.int64]) -> None:
    """Raise `InputError` if a corpus has no two different words, by the counts (int64 [V]) of its tokens."""
    present = np.flatnonzero(counts)
    if not present.size:
        raise InputError("the corpus has no words of the vocabulary to train on: was min_count too high?")
    if present.size == 1:
        raise InputError(
            f"the corpus has a single word of the vocabulary, '{tokens[present[0]]}' ({int(counts[present[0]]):,}x): "
            f"without others around it there is nothing to learn. Was min_count too high?"
        )
