"""Texts as token ids, batches of them, and what a network computes for all, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mt2st._workers import results
from mt2st.text import PAD, UNK, Corpus
from mt2st.training.modules import evaluation_mode

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


TOKENS_ON_CPU, TOKENS_ELSEWHERE = 4096, 131072
"""Tokens per batch, padding included. A CPU is fastest while the layers' outputs stay in its caches: with one thread,
long texts take 0.6 to 0.9 of the time that batches of 128 texts take (1 to 1.1 where words are made of n-grams:
docs/explanation/kernels.md#reading-texts-without-a-gradient). A GPU needs larger batches; the best size was not
measured."""

Rows = tuple[NDArray[np.int64], NDArray[np.float32]]
OfBatch = Callable[[NDArray[np.int64], torch.device], tuple[NDArray[np.int64], Tensor]]


def infer_rows(
    network: nn.Module, texts: Texts, of_batch: OfBatch, *, n_rows: int, max_length: int, eval_threads: int = 1
) -> NDArray[np.float32]:
    """Return what a network computes for texts, ``[n_rows, size]``, batch by batch.

    The caller's `torch.autocast` applies, on every thread; the result is float32.

    Args:
        network: put in evaluation mode for the call and back after it.
        texts: at least one.
        of_batch: takes the indices of some texts and the network's device; returns the row numbers ``[n]`` and the rows
            ``[n, size]``. It runs on several threads if ``eval_threads`` is above 1.
        n_rows: number of rows in all.
        max_length: tokens per text that are read.
        eval_threads: batches that run at the same time, each on a thread; the network's ``forward`` must then keep
            nothing of a batch. The result does not depend on it. One thread is used if there is a single batch, if the
            network is not on the CPU, or if torch itself uses several threads (`torch.get_num_threads`).
    """
    assert len(texts), "no text to read"
    rows: NDArray[np.float32] | None = None
    device = next(network.parameters()).device
    with evaluation_mode(network), torch.inference_mode():
        batches = list(by_length(np.minimum(texts.lengths, max_length), tokens_at_a_time(device)))
        alone = device.type != "cpu" or torch.get_num_threads() > 1 or len(batches) == 1

        def here(indices: NDArray[np.int64]) -> Rows:
            numbers, made = of_batch(indices, device)
            return numbers, made.float().cpu().numpy()  # numpy has no bfloat16

        callers_precision = partial(
            torch.autocast,
            device.type,
            dtype=torch.get_autocast_dtype(device.type),
            enabled=torch.is_autocast_enabled(device.type),
        )

        def on_a_thread(indices: NDArray[np.int64]) -> Rows:
            # Both modes belong to a thread. (Whether denormals are flushed is inherited.)
            with torch.inference_mode(), callers_precision():
                return here(indices)

        workers = 1 if alone else eval_threads
        with closing(results(on_a_thread if workers > 1 else here, iter(batches), workers)) as parts:
            for numbers, made in parts:
                if rows is None:
                    rows = np.empty((n_rows, made.shape[1]), dtype=np.float32)
                rows[numbers] = made
    assert rows is not None
    return rows


def tokens_at_a_time(device: torch.device) -> int:
    """Return the tokens per batch on a device."""
    return TOKENS_ON_CPU if device.type == "cpu" else TOKENS_ELSEWHERE
