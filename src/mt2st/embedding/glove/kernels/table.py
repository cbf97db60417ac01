"""A hash table from pairs of words to sums, in two flat arrays: the memory of the co-occurrence counting."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.sampling import below, mixed

EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
"""The key of a free slot. No pair has it: rows are below 2**31."""

_SHIFT_32 = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)


@njit(nogil=True, cache=True)
def pair_key(row: int, column: int) -> np.uint64:
    """Return the pair as one number; numbers sort as (row, column) does."""
    return (np.uint64(row) << _SHIFT_32) | np.uint64(column)


@njit(nogil=True, cache=True)
def key_row(key: np.uint64) -> np.int32:
    """Return the row of a key."""
    return np.int32(key >> _SHIFT_32)


@njit(nogil=True, cache=True)
def key_column(key: np.uint64) -> np.int32:
    """Return the column of a key."""
    return np.int32(key & _LOW_HALF)


@njit(nogil=True, cache=True)
def add(keys: NDArray[np.uint64], sums: NDArray[np.int64], key: np.uint64, amount: int) -> int:
    """Add ``amount`` to the sum of ``key``; return 1 if the key is new, else 0. There must be a free slot.

    Open addressing with linear probing.

    Args:
        keys: uint64 [S], `EMPTY` where a slot is free, S below 2**32.
        sums: int64 [S].
        key: a pair's key.
        amount: what to add.
    """
    slot = int(below(mixed(key), keys.size))
    while keys[slot] != key:
        if keys[slot] == EMPTY:
            keys[slot], sums[slot] = key, amount
            return 1
        slot += 1
        if slot == keys.size:
            slot = 0
    sums[slot] += amount
    return 0


@njit(nogil=True, cache=True)
def copy_into(
    keys: NDArray[np.uint64], sums: NDArray[np.int64], larger_keys: NDArray[np.uint64], larger_sums: NDArray[np.int64]
) -> None:
    """Add all of a table to another one, which has the room."""
    for slot in range(keys.size):
        if keys[slot] != EMPTY:
            add(larger_keys, larger_sums, keys[slot], sums[slot])


@njit(nogil=True, cache=True)
def compact(keys: NDArray[np.uint64], sums: NDArray[np.int64]) -> int:
    """Move the used slots to the front, in place; return how many there are. The table is no table any more then."""
    used = 0
    for slot in range(keys.size):
        if keys[slot] != EMPTY:
            keys[used], sums[used] = keys[slot], sums[slot]
            used += 1
    return used
