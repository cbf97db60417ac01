"""The merge of sorted runs: the smallest of their first keys goes out, equal keys with their sums added up."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

HEAP_SIZE, FILLED = range(2)
STATE_SIZE = 2
OUTPUT_FULL = -1


@njit(nogil=True, cache=True)
def _before(keys: NDArray[np.uint64], begin: NDArray[np.int64], a: int, b: int) -> bool:
    return bool(keys[a, begin[a]] < keys[b, begin[b]])


@njit(nogil=True, cache=True)
def push(
    keys: NDArray[np.uint64], begin: NDArray[np.int64], heap: NDArray[np.int64], state: NDArray[np.int64], run: int
) -> None:
    """Put a run with at least one record into the heap, which holds the runs by their first key.

    Args:
        keys: the buffered keys of each run, uint64 [K, B].
        begin: the first record of each buffer that has not gone out, int64 [K].
        heap: numbers of runs, int64 [K], a binary heap in its first ``state[HEAP_SIZE]`` places.
        state: int64 [STATE_SIZE].
        run: which.
    """
    place = state[HEAP_SIZE]
    state[HEAP_SIZE] += 1
    while place > 0 and _before(keys, begin, run, heap[(place - 1) // 2]):
        heap[place] = heap[(place - 1) // 2]
        place = (place - 1) // 2
    heap[place] = run


@njit(nogil=True, cache=True)
def _sink(keys: NDArray[np.uint64], begin: NDArray[np.int64], heap: NDArray[np.int64], size: int, run: int) -> None:
    """Put a run where the heap's top was."""
    place = 0
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and _before(keys, begin, heap[child + 1], heap[child]):
            child += 1
        if not _before(keys, begin, heap[child], run):
            break
        heap[place] = heap[child]
        place = child
    heap[place] = run


@njit(nogil=True, cache=True)
def merge(
    keys: NDArray[np.uint64],
    sums: NDArray[np.int64],
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    heap: NDArray[np.int64],
    state: NDArray[np.int64],
    merged_keys: NDArray[np.uint64],
    merged_sums: NDArray[np.int64],
) -> int:
    """Merge until a run's buffer is empty or the output is full, while there is a run in the heap.

    Args:
        keys: the buffered keys of each run, rising, uint64 [K, B].
        sums: the sums that go with them, int64 [K, B].
        begin: the first record of each buffer that has not gone out, int64 [K].
        end: how many records each buffer has, int64 [K].
        heap: the runs by first key (`push`), int64 [K].
        state: the size of the heap, and how many merged records there are; int64 [STATE_SIZE].
        merged_keys: the output, uint64 [M].
        merged_sums: the output's sums, int64 [M].

    Returns:
        The run that is out of the heap because its buffer is empty, or `OUTPUT_FULL`.
    """
    while state[HEAP_SIZE] > 0:
        run = heap[0]
        key, amount = keys[run, begin[run]], sums[run, begin[run]]
        filled = state[FILLED]
        if filled > 0 and merged_keys[filled - 1] == key:
            merged_sums[filled - 1] += amount
        elif filled == merged_keys.size:
            return OUTPUT_FULL
        else:
            merged_keys[filled], merged_sums[filled] = key, amount
            state[FILLED] += 1
        begin[run] += 1
        if begin[run] == end[run]:
            state[HEAP_SIZE] -= 1
            if state[HEAP_SIZE] > 0:
                _sink(keys, begin, heap, state[HEAP_SIZE], heap[state[HEAP_SIZE]])
            return int(run)
        _sink(keys, begin, heap, state[HEAP_SIZE], run)
    return OUTPUT_FULL
