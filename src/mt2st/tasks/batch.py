"""Texts as token ids, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt2st.text import PAD, UNK, Corpus

BUCKET = 16
"""Number of batches whose texts are sorted by length together: enough to save padding, few enough to stay random."""


@dataclass(frozen=True)
class Texts:
    """Encoded texts, one after another.

    Attributes:
        ids: ``[n_tokens]`` token ids.
        offsets: ``[n_texts + 1]``: text ``i`` is ``ids[offsets[i]:offsets[i + 1]]``.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, corpus: Corpus, *, start: int = 0, stop: int | None = None) -> Texts:
        """Return a corpus's documents from ``start`` to before ``stop``, without a copy."""
        return cls(corpus.ids, corpus.offsets[start : None if stop is None else stop + 1])

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def select(self, indices: NDArray[np.int64]) -> Texts:
        """Return a copy of these texts, in the order of the indices."""
        parts = [self.ids[self.offsets[index] : self.offsets[index + 1]] for index in indices]
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        return Texts(np.concatenate([*parts, np.empty(0, np.int32)]).astype(np.int32), offsets)

    def without_middles(self, length: int) -> Texts:
        """Return a copy in which a text longer than ``length`` tokens keeps its first and last halves of that length.

        Example:
            >>> texts = Texts(np.arange(2, 10, dtype=np.int32), np.array([0, 6, 8]))
            >>> texts.without_middles(3).ids
            array([2, 3, 7, 8, 9], dtype=int32)
        """
        head, tail = -(-length // 2), length // 2
        places = [
            np.arange(start, stop) if stop - start <= length else np.r_[start : start + head, stop - tail : stop]
            for start, stop in zip(self.offsets[:-1], self.offsets[1:], strict=True)
        ]
        offsets = np.concatenate([[0], np.cumsum([len(each) for each in places])]).astype(np.int64)
        return Texts(self.ids[np.concatenate([*places, np.empty(0, np.int64)]).astype(np.int64)], offsets)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """``[n_texts]`` number of tokens of each."""
        return np.diff(self.offsets)

    def padded(self, indices: NDArray[np.int64], max_length: int) -> Tensor:
        """Return the ids of these texts, ``[len(indices), longest]``, truncated to ``max_length`` and padded.

        A text without tokens becomes one unknown word, so that every row has a token.
        """
        lengths = np.clip(self.lengths[indices], 1, max_length)
        rows = np.full((len(indices), int(lengths.max())), PAD, dtype=np.int64)
        rows[:, 0] = UNK
        for row, index in enumerate(indices):
            text = self.ids[self.offsets[index] : self.offsets[index + 1]][:max_length]
            rows[row, : len(text)] = text
        return torch.from_numpy(rows)


@dataclass(frozen=True)
class TextBatch:
    """A batch of texts with a target each.

    Attributes:
        ids: ``[batch, length]`` token ids, padded at the end.
        targets: ``[batch]`` class numbers, or ``[batch, n_labels]`` of 1 and 0 for several labels per text.
        weights: ``[batch]`` weights of the texts in the loss; None weighs all alike.
    """

    ids: Tensor
    targets: Tensor
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)


def shuffled(lengths: NDArray[np.int64], batch_size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield batches of indices in random order, with texts of similar length (``[n]`` tokens) together."""
    order = rng.permutation(len(lengths))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), BUCKET * batch_size):
        bucket = order[start : start + BUCKET * batch_size]
        bucket = bucket[np.argsort(-lengths[bucket], kind="stable")]
        batches += [bucket[at : at + batch_size] for at in range(0, len(bucket), batch_size)]
    for index in rng.permutation(len(batches)):
        yield batches[index]


def by_length(lengths: NDArray[np.int64], most_tokens: int) -> Iterator[NDArray[np.int64]]:
    """Yield batches of all indices, from the longest text to the shortest, for evaluation.

    A batch has at most ``most_tokens`` tokens, padding included; a longer text is a batch by itself.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = max(1, int(lengths[order[start]]))
        stop = start + max(1, most_tokens // longest)
        yield order[start:stop]
        start = stop
