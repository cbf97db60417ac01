"""Sums by pair within a memory bound: a hash table, emptied as a sorted run when full, and the merge of the runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.kernels.glove_counting import EMPTY, compact, copy_into

RECORD = np.dtype([("key", np.uint64), ("sum", np.int64)])
"""A pair as one number (`kernels.glove_counting`) and its sum."""

_BYTES_PER_RECORD = 96
"""Of a buffer in the merge, with its share of what is sorted and added up."""
_SMALLEST_BUFFER = 64
_GOOD_BUFFER = 1 << 12
"""Records a buffer should hold, for a disk to be read in decent pieces."""
_LARGEST_BUFFER = 1 << 16
_MOST_RUNS = 1024
"""Runs merged at a time; more do not make it faster."""
_LARGEST_KEY = np.uint64(2**64 - 1)

Sums = tuple[NDArray[np.uint64], NDArray[np.int64]]


@dataclass
class Runs:
    """Runs of rising keys one behind the other in a file; ``bounds`` are their starts and the last end, in records."""

    path: Path
    bounds: list[int] = field(default_factory=lambda: [0])

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def append(self, pieces: Iterator[Sums]) -> None:
        """Write a run, given in pieces of rising keys."""
        length = 0
        with self.path.open("ab") as file:
            for keys, sums in pieces:
                records = np.empty(keys.size, dtype=RECORD)
                records["key"], records["sum"] = keys, sums
                records.tofile(file)
                length += keys.size
        self.bounds.append(self.bounds[-1] + length)


def merged(runs: Runs, memory: int) -> Iterator[Sums]:
    """Yield all pairs of all runs in rising order, each once with its whole sum; then remove the runs' file.

    If the memory (in bytes) has no room for buffers of a decent size for all runs, groups of runs are merged to longer
    ones first.
    """
    most = int(np.clip(memory // (_GOOD_BUFFER * _BYTES_PER_RECORD), 2, _MOST_RUNS))
    generation = 0
    while len(runs) > most:
        generation += 1
        longer = Runs(runs.path.with_name(f"{runs.path.stem}-{generation}{runs.path.suffix}"))
        for start in range(0, len(runs), most):
            longer.append(_merged_at_once(runs, range(start, min(start + most, len(runs))), memory))
        runs.path.unlink()
        runs = longer
    if len(runs):
        yield from _merged_at_once(runs, range(len(runs)), memory)
        runs.path.unlink()


def _merged_at_once(runs: Runs, chosen: range, memory: int) -> Iterator[Sums]:
    size = int(np.clip(memory // (len(chosen) * _BYTES_PER_RECORD), _SMALLEST_BUFFER, _LARGEST_BUFFER))
    buffers = [np.empty(0, dtype=RECORD) for _ in chosen]
    read, ends = [runs.bounds[run] for run in chosen], [runs.bounds[run + 1] for run in chosen]
    with runs.path.open("rb") as file:
        while True:
            for k, buffer in enumerate(buffers):
                count = min(size - len(buffer), ends[k] - read[k])
                if count:
                    file.seek(read[k] * RECORD.itemsize)
                    buffers[k] = np.concatenate([buffer, np.fromfile(file, dtype=RECORD, count=count)])
                    read[k] += count
            # A key is complete up to the least last key of the buffers whose runs go on.
            lasts = [buffer["key"][-1] for buffer, at, end in zip(buffers, read, ends, strict=True) if at < end]
            last = min(lasts, default=_LARGEST_KEY)
            stops = [int(np.searchsorted(buffer["key"], last, side="right")) for buffer in buffers]
            complete = np.concatenate([buffer[:stop] for buffer, stop in zip(buffers, stops, strict=True)])
            buffers = [buffer[stop:] for buffer, stop in zip(buffers, stops, strict=True)]
            if not complete.size:
                return
            order = np.argsort(complete["key"], kind="stable")
            keys, sums = complete["key"][order], complete["sum"][order]
            first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
            yield keys[first], np.add.reduceat(sums, first)


BYTES_PER_SLOT = 24
"""16 for key and sum; the rest is for the copy when a table grows twofold, or for sorting a full one."""

_FIRST_SLOTS = 1 << 16
_FULLEST = 0.7
"""Part of the slots in use at most: beyond, the search for a free one gets long."""
_PIECE = 1 << 16


class SumTable:
    """A hash table in two flat arrays, ``keys`` uint64 [S] and ``sums`` int64 [S], that grows.

    It may take ``memory`` bytes, the sorting included, and takes ``at_least`` new pairs at a time, whatever the memory.
    """

    def __init__(self, memory: int, at_least: int) -> None:
        smallest = _smallest(at_least)
        self._largest = min(max(memory // BYTES_PER_SLOT, smallest), 2**32 - 1)
        self._allocate(max(smallest, min(self._largest, _FIRST_SLOTS)))

    @staticmethod
    def least_bytes(at_least: int) -> int:
        """Return the bytes of a table that takes ``at_least`` new pairs at a time, whatever its bound."""
        return BYTES_PER_SLOT * _smallest(at_least)

    @staticmethod
    def bytes_for(pairs: int, at_least: int) -> int:
        """Return the most bytes that a table without a bound would take for a number of pairs."""
        slots = max(_smallest(at_least), _FIRST_SLOTS)
        while _most_used(slots) < pairs + at_least:
            slots *= 2
        return BYTES_PER_SLOT * slots

    @property
    def most_used(self) -> int:
        """Most slots in use."""
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
