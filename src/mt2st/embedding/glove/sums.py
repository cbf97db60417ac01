"""Sums by pair in a table of bounded size, which is emptied as a sorted run when it is full."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.glove.kernels.table import EMPTY, compact, copy_into
from mt2st.embedding.glove.runs import Sums

BYTES_PER_SLOT = 24
"""16 for key and sum; the rest is for the copy when a table grows twofold, or for sorting a full one."""

_FIRST_SLOTS = 1 << 16
_FULLEST = 0.7
"""Part of the slots in use at most: beyond, the search for a free one gets long."""
_PIECE = 1 << 16


class SumTable:
    """A hash table in two flat arrays that grows as far as its memory goes.

    Args:
        memory: bytes it may take, the sorting included.
        at_least: how many new pairs it must take at a time, whatever the memory.

    Attributes:
        keys: pairs (`kernels.table.pair_key`), uint64 [S].
        sums: their sums, int64 [S].
    """

    def __init__(self, memory: int, at_least: int) -> None:
        smallest = _smallest(at_least)
        self._largest = min(max(memory // BYTES_PER_SLOT, smallest), 2**32 - 1)
        self._allocate(max(smallest, min(self._largest, _FIRST_SLOTS)))

    @staticmethod
    def least_bytes(at_least: int) -> int:
        """Return the bytes that a table takes whatever its bound, to take ``at_least`` new pairs at a time."""
        return BYTES_PER_SLOT * _smallest(at_least)

    @staticmethod
    def bytes_for(pairs: int, at_least: int) -> int:
        """Return the bytes that a table without a bound would take for a number of pairs, at most.

        Args:
            pairs: how many.
            at_least: as for the table.

        Example:
            >>> SumTable.bytes_for(1_000, 5) == BYTES_PER_SLOT << 16, SumTable.bytes_for(1_000_000, 5) == 24 << 21
            (True, True)
        """
        slots = max(_smallest(at_least), _FIRST_SLOTS)
        while _most_used(slots) < pairs + at_least:
            slots *= 2
        return BYTES_PER_SLOT * slots

    @property
    def most_used(self) -> int:
        """How many slots may be in use."""
        return _most_used(self.keys.size)

    def grow(self) -> bool:
        """Double the table, or as much as the memory allows; return whether it allowed any."""
        size = min(2 * self.keys.size, self._largest)
        if size <= self.keys.size:
            return False
        keys, sums = self.keys, self.sums
        self._allocate(size)
        copy_into(keys, sums, self.keys, self.sums)
        return True

    def drain(self) -> Iterator[Sums]:
        """Yield all pairs in rising order, in pieces, and leave the table empty."""
        used = compact(self.keys, self.sums)
        order = np.argsort(self.keys[:used])
        for start in range(0, used, _PIECE):
            chosen = order[start : start + _PIECE]
            yield self.keys[chosen], self.sums[chosen]
        self.keys.fill(EMPTY)

    def _allocate(self, size: int) -> None:
        self.keys: NDArray[np.uint64] = np.full(size, EMPTY, dtype=np.uint64)
        self.sums: NDArray[np.int64] = np.empty(size, dtype=np.int64)


def _smallest(at_least: int) -> int:
    return int(2 * at_least / _FULLEST) + 1


def _most_used(slots: int) -> int:
    return int(_FULLEST * slots)
