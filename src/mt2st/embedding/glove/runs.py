"""Sorted runs of pairs and their sums in one temporary file, and their merge within a stated memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.glove.kernels.merge import FILLED, OUTPUT_FULL, STATE_SIZE, merge, push

RECORD = np.dtype([("key", np.uint64), ("sum", np.int64)])
"""A pair (`kernels.table.pair_key`) and its sum."""

_SMALLEST_BUFFER = 64
_GOOD_BUFFER = 1 << 12
"""Records a buffer should hold, 64 KB, for a disk to be read in decent pieces."""
_LARGEST_BUFFER = 1 << 16
_MOST_RUNS = 1024
"""Runs merged at a time; more do not make it faster."""

Sums = tuple[NDArray[np.uint64], NDArray[np.int64]]


@dataclass
class Runs:
    """Runs one behind the other in a file; each has rising keys.

    Attributes:
        path: the file.
        bounds: where each run starts and the last one ends, in records.
    """

    path: Path
    bounds: list[int] = field(default_factory=lambda: [0])

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def append(self, pieces: Iterator[Sums]) -> None:
        """Write a run, given in pieces of rising keys.

        Raises:
            OSError: the disk refuses.
        """
        length = 0
        with self.path.open("ab") as file:
            for keys, sums in pieces:
                records = np.empty(keys.size, dtype=RECORD)
                records["key"], records["sum"] = keys, sums
                records.tofile(file)
                length += keys.size
        self.bounds.append(self.bounds[-1] + length)


def merged(runs: Runs, memory: int) -> Iterator[Sums]:
    """Yield all pairs of all runs in rising order, each once with its whole sum; the runs' file goes at the end.

    With more runs than buffers of a decent size fit in the memory, groups of runs are merged to longer ones first.

    Args:
        runs: what to merge.
        memory: bytes for the buffers.

    Yields:
        Keys uint64 [m] and sums int64 [m], overwritten by the next ones.

    Raises:
        OSError: the disk refuses.
    """
    if len(runs) == 0:
        return
    most = int(np.clip(memory // (_GOOD_BUFFER * RECORD.itemsize) - 1, 2, _MOST_RUNS))
    generation = 0
    while len(runs) > most:
        generation += 1
        longer = Runs(runs.path.with_name(f"{runs.path.stem}-{generation}{runs.path.suffix}"))
        for start in range(0, len(runs), most):
            longer.append(_merged_at_once(runs, range(start, min(start + most, len(runs))), memory))
        runs.path.unlink()
        runs = longer
    yield from _merged_at_once(runs, range(len(runs)), memory)
    runs.path.unlink()


def _merged_at_once(runs: Runs, chosen: range, memory: int) -> Iterator[Sums]:
    # A buffer for each run and one for the output, which leaves through a copy of as many bytes.
    size = int(np.clip(memory // ((len(chosen) + 2) * RECORD.itemsize), _SMALLEST_BUFFER, _LARGEST_BUFFER))
    keys, sums = np.empty((len(chosen), size), np.uint64), np.empty((len(chosen), size), np.int64)
    merged_keys, merged_sums = np.empty(size, np.uint64), np.empty(size, np.int64)
    begin, end = np.zeros(len(chosen), np.int64), np.zeros(len(chosen), np.int64)
    heap, state = np.empty(len(chosen), np.int64), np.zeros(STATE_SIZE, np.int64)
    next_record = [runs.bounds[run] for run in chosen]
    with runs.path.open("rb") as file:

        def refill(buffer: int) -> None:
            at = next_record[buffer]
            count = min(size, runs.bounds[chosen[buffer] + 1] - at)
            if count == 0:
                return
            file.seek(at * RECORD.itemsize)
            records = np.fromfile(file, dtype=RECORD, count=count)
            keys[buffer, :count], sums[buffer, :count] = records["key"], records["sum"]
            begin[buffer], end[buffer] = 0, count
            next_record[buffer] += count
            push(keys, begin, heap, state, buffer)

        for buffer in range(len(chosen)):
            refill(buffer)
        while True:
            emptied = merge(keys, sums, begin, end, heap, state, merged_keys, merged_sums)
            if emptied != OUTPUT_FULL:
                refill(emptied)
                continue
            filled = int(state[FILLED])
            if filled < size:  # the heap is empty: all is merged
                break
            # The last record may still grow.
            yield merged_keys[: filled - 1], merged_sums[: filled - 1]
            merged_keys[0], merged_sums[0] = merged_keys[filled - 1], merged_sums[filled - 1]
            state[FILLED] = 1
    if filled:
        yield merged_keys[:filled], merged_sums[:filled]
