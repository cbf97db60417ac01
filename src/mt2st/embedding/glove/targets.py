"""The training's entries in random order, all in memory or a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt2st._settings import NonNegative, Positive, checked
from mt2st.embedding.glove.counting import Cooccurrences
from mt2st.embedding.kernels.glove_training import to_targets
from mt2st.embedding.memory import give_back
from mt2st.errors import InputError

TARGET = np.dtype([("row", np.int32), ("column", np.int32), ("log", np.float32), ("weight", np.float32)])
"""A pair of words, the logarithm of its co-occurrences and its weight f; 16 bytes."""

BLOCK = 1024
"""Neighbouring entries that move together from disk to a chunk: 12 KB."""


@dataclass(frozen=True)
class TargetSlice:
    """Part of a random order: the ``first``-th to the ``last``-th of the entries in the order of ``key`` (`in_order`).

    ``targets`` are `TARGET` [n], each of which is two entries, one in each direction: 0 <= first <= last <= 2 n.
    """

    targets: NDArray[Any]
    first: int
    last: int
    key: np.uint64

    def pieces(self, size: int) -> Iterator[TargetSlice]:
        """Cut into stretches of at most ``size``."""
        for start in range(self.first, self.last, size):
            yield TargetSlice(self.targets, start, min(start + size, self.last), self.key)


class TargetSource:
    """Gives co-occurrences, at least one, in random orders, within a memory bound in bytes.

    If all fit in the memory, every order is a permutation of all entries. If not, every order gathers randomly chosen
    blocks of neighbouring entries into chunks, one after the other, and permutes within each chunk. Orders are computed
    (`in_order`), not stored: any part of any order can be had at any time.

    ``x_max`` and ``alpha`` are those of `mt2st.embedding.GloveSettings`.
    """

    def __init__(
        self,
        cooccurrences: Cooccurrences,
        *,
        x_max: Positive = 100.0,
        alpha: NonNegative = 0.75,
        memory: int = 1 << 30,
        seed: int = 1,
    ) -> None:
        checked(TargetSource.__init__, x_max=x_max, alpha=alpha)
        if len(cooccurrences) == 0:
            raise InputError("there are no co-occurrences: no two words of the vocabulary stand in one document")
        self._entries = cooccurrences.entries
        self._x_max, self._alpha, self._seed = float(x_max), float(alpha), seed
        self._n_blocks = -(-len(cooccurrences) // BLOCK)
        self._chunk_blocks = min(max(1, memory // (BLOCK * TARGET.itemsize)), self._n_blocks)
        self._chunk = np.empty(min(self._chunk_blocks * BLOCK, len(cooccurrences)), dtype=TARGET)
        self._blocks: tuple[int, NDArray[np.int64]] | None = None
        self._held: tuple[int, int] | None = None

    @property
    def n_chunks(self) -> int:
        """Chunks of an order; 1 if all entries fit in the memory."""
        return -(-self._n_blocks // self._chunk_blocks)

    @property
    def size(self) -> int:
        """Length of an order: two for each entry, of which training skips the second on the diagonal."""
        return 2 * int(self._entries.size)

    def slices(self, order: int, first: int, last: int) -> Iterator[TargetSlice]:
        """Yield the ``first``-th to the ``last``-th of the `size` entries of an order, chunk by chunk.

        A slice's targets are overwritten when the next is asked for. An order is named by any non-negative integer.
        """
        start = 0
        for chunk in range(self.n_chunks):
            blocks = self._blocks_of(order, chunk)
            end = start + 2 * self._entries_of(blocks)
            if start < last and first < end:
                key = np.random.SeedSequence([self._seed % 2**64, order, chunk]).generate_state(1, np.uint64)[0]
                targets = self._loaded(order, chunk)
                yield TargetSlice(targets, max(first, start) - start, min(last, end) - start, key)
            start = end

    def _blocks_of(self, order: int, chunk: int) -> NDArray[np.int64]:
        if self.n_chunks == 1:  # the same for all orders
            return np.arange(self._n_blocks)
        if self._blocks is None or self._blocks[0] != order:
            rng = np.random.default_rng([self._seed % 2**64, order])
            self._blocks = order, rng.permutation(self._n_blocks)
        return self._blocks[1][chunk * self._chunk_blocks : (chunk + 1) * self._chunk_blocks]

    def _entries_of(self, blocks: NDArray[np.int64]) -> int:
        size = blocks.size * BLOCK
        if (blocks == self._n_blocks - 1).any():  # the last one may be incomplete
            size -= self._n_blocks * BLOCK - self._entries.size
        return size

    def _loaded(self, order: int, chunk: int) -> NDArray[Any]:
        blocks = self._blocks_of(order, chunk)
        size = self._entries_of(blocks)
        wanted = (order, chunk) if self.n_chunks > 1 else (0, 0)
        if self._held != wanted:
            self._held = None
            filled = 0
            for block in blocks.tolist():
                source = self._entries[block * BLOCK : (block + 1) * BLOCK]
                to_targets(source, self._x_max, self._alpha, self._chunk[filled : filled + source.size])
                filled += source.size
                give_back(self._entries, block * BLOCK, block * BLOCK + source.size)
            self._held = wanted
        return self._chunk[:size]
