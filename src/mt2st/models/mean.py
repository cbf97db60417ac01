"""What a network with the ``mean`` encoder makes of texts, without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from mt2st.models.ensemble import have_known_words
from mt2st.text import OpenVocabulary, Tokeniser, Vocabulary
from mt2st.text.numbering import encoded, pays
from mt2st.text.vocabulary import PAD, UNK

if TYPE_CHECKING:
    from mt2st.embedding.subwords import KnownSubwords, WordBags

Array = NDArray[np.float32]
HEAD = "heads.primary"
"""Prefix of the parameters of the primary task's head."""
SMALLEST_VARIANCE = 1e-8
_ROWS_AT_ONCE = 1 << 12
"""Rows of the table that are scored together."""
_WORTH_COMPILED = 1 << 16
"""Tokens from which on compiled code is loaded for their means."""


@dataclass(frozen=True)
class ReadTexts:
    """Texts as a network reads them.

    Attributes:
        ids: ``[n_tokens]`` of what is read of all texts; of a text without a word, one unknown word.
        ends: ``[n_texts + 1]`` in the ids; the first is 0.
        further: words that the vocabulary lacks, whose ids follow its own. Empty if words are not made of n-grams.
        known: ``[n_texts]``: whether a text has a known word.
    """

    ids: NDArray[np.int32]
    ends: NDArray[np.int64]
    further: Sequence[str]
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class TextReader:
    """Reads texts for a network.

    With n-grams, words that the vocabulary lacks have ids of their own.
    """

    vocabulary: Vocabulary
    tokeniser: Tokeniser
    has_ngrams: bool
    max_length: int
    truncation: str

    def read(self, texts: Sequence[str]) -> ReadTexts:
        """Return the texts as the network reads them."""
        numbering = OpenVocabulary(self.vocabulary) if self.has_ngrams else self.vocabulary
        ids, ends = encoded(texts, self.tokeniser, numbering)
        further = numbering.further if isinstance(numbering, OpenVocabulary) else ()
        return ReadTexts(*self._truncated(ids, ends), further, have_known_words(ids, ends))

    def _truncated(
        self, ids: NDArray[np.int32], ends: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return what the network reads of these texts."""
        lengths = np.diff(ends)
        if lengths.max(initial=0) > self.max_length:
            tail = self.max_length // 2 if self.truncation == "middle" else 0
            places = np.arange(len(ids)) - np.repeat(ends[:-1], lengths)
            to_end = np.repeat(lengths, lengths) - places
            ids = ids[(places < self.max_length - tail) | (to_end <= tail)]
            lengths = np.minimum(lengths, self.max_length)
        if not lengths.all():
            ends = np.cumsum(lengths)
            ids = np.insert(ids, ends[lengths == 0], UNK)
            lengths = np.maximum(lengths, 1)
        return ids, np.concatenate([[0], np.cumsum(lengths)])


class MeanNetwork:
    """The mean of a text's word vectors, standardised, through the linear head.

    For many texts, the rows of the table go through the head first, once: as all of it is linear, the scores of a text
    are the mean of its words' scores.

    Args:
        parameters: the network's, by name.
        subwords: the n-grams of its words; None for a model on words alone.
        independent: each class has a probability of its own; else those of a text sum to 1.
    """

    def __init__(
        self, parameters: Mapping[str, NDArray[Any]], subwords: KnownSubwords | None, *, independent: bool
    ) -> None:
        self._table: Array = parameters["embedding.weight"]
        self._subwords, self._independent = subwords, independent
        self._n_words = len(self._table) if subwords is None else subwords.rows.n_words
        self._head = _Head.of(parameters)

    def probabilities(self, texts: ReadTexts) -> Array:
        """Return ``[n_texts, n_classes]`` probabilities."""
        if self._head.layer is None and len(texts.ids) > self._n_words:
            scores = self._scores
            if texts.further and self._subwords is not None:
                scores = np.concatenate([scores, self._scores_of(self._subwords.bags_of(texts.further))])
            logits = _means(scores, texts.ids, texts.ends)
        else:
            logits = self._head.logits(_means(*self._rows(texts), texts.ends))
        if self._independent:
            found = 1 / (1 + np.exp(-logits))
        else:
            odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
            found = odds / odds.sum(axis=1, keepdims=True)
        return np.asarray(found, dtype=np.float32)

    def _rows(self, texts: ReadTexts) -> tuple[NDArray[Any], NDArray[np.int32]]:
        """Return vectors of words, that of padding first, and which of them each token has."""
        used, places = np.unique(np.concatenate([[PAD], texts.ids]), return_inverse=True)
        if self._subwords is None:
            return self._table[used], places[1:].astype(np.int32)
        known = used[used < self._n_words]
        vectors = self._subwords.bags.composed(self._table, known)
        further = self._subwords.bags_of(texts.further)
        vectors = np.concatenate([vectors, further.composed(self._table, used[len(known) :] - self._n_words)])
        return vectors, places[1:].astype(np.int32)

    @cached_property
    def _scores(self) -> NDArray[np.float64]:
        """``[V, n_classes]`` scores of each word of the vocabulary."""
        return self._scores_of_rows if self._subwords is None else self._scores_of(self._subwords.bags)

    @cached_property
    def _scores_of_rows(self) -> NDArray[np.float64]:
        """``[*, n_classes]`` scores of each row of the table."""
        parts = (self._table[at : at + _ROWS_AT_ONCE] for at in range(0, len(self._table), _ROWS_AT_ONCE))
        return np.concatenate([self._head.logits(each.astype(np.float64)) for each in parts])

    def _scores_of(self, bags: WordBags) -> NDArray[np.float64]:
        """Return ``[n_words, n_classes]`` scores of words that are made of rows."""
        of_zero = self._head.logits(np.zeros(self._table.shape[1]))  # each row's score has it once, and a word's once
        times = np.diff(bags.offsets) * bags.scale.astype(np.float64)
        made = bags.composed(self._scores_of_rows, np.arange(len(bags)))
        return np.asarray(made + (1 - times)[:, np.newaxis] * of_zero)


class _Head:
    """The layers behind the encoder."""

    def __init__(self, parameters: Mapping[str, NDArray[Any]], head: str, layer: str | None) -> None:
        self.weight, self.bias = parameters[f"{head}.weight"], parameters[f"{head}.bias"]
        self.mean = self.scale = None
        if "standardise.mean" in parameters:
            self.mean = parameters["standardise.mean"]
            self.scale = 1 / np.sqrt(parameters["standardise.variance"] + np.float32(SMALLEST_VARIANCE))
        self.layer = None
        if layer is not None and bool(parameters[f"{layer}.active"]):
            self.layer = [
                parameters[f"{layer}.{name}"] for name in ("down.weight", "down.bias", "up.weight", "up.bias")
            ]

    @classmethod
    def of(cls, parameters: Mapping[str, NDArray[Any]]) -> Self:
        has_layer = f"{HEAD}.0.active" in parameters
        return cls(parameters, f"{HEAD}.1" if has_layer else HEAD, f"{HEAD}.0" if has_layer else None)

    def logits(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``[n, n_classes]`` scores of vectors ``[n, vector_size]``."""
        features = vectors if self.mean is None else (vectors - self.mean) * self.scale
        if self.layer is not None:
            down, down_bias, up, up_bias = self.layer
            features = features + np.tanh(features @ down.T + down_bias) @ up.T + up_bias
        return np.asarray(features @ self.weight.T + self.bias)


def _means(rows: NDArray[Any], ids: NDArray[np.int32], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``[n_texts, size]`` means of the rows of each text's tokens; padding, of row 0, is no token."""
    means = np.zeros((len(ends) - 1, rows.shape[1]))
    if pays(len(ids), _WORTH_COMPILED):
        from mt2st.models.scorer import mean_rows

        mean_rows(np.ascontiguousarray(rows, dtype=np.float64), rows.shape[1], ids, ends, len(means), means)
        return means
    for number, (start, stop) in enumerate(pairwise(ends.tolist())):
        text = ids[start:stop]
        if not text.all():
            text = text[text != PAD] if text.any() else text
        means[number] = rows[text].mean(axis=0, dtype=np.float64)
    return means
