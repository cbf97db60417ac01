"""Co-occurrence counting: a walk over a corpus, and the hash table of sums that it fills.

A hash table is two arrays, ``keys`` uint64 [S] (`EMPTY` where a slot is free) and ``sums`` int64 [S], S below 2**32. A
key is the row in its upper half and the column in its lower: keys sort as (row, column) does.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.sampling import KEEP_ALWAYS, Ids, Numbers, below, mixed, numbered_random

EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
"""The key of a free slot. No pair has it: rows are below 2**31."""

_SHIFT_32 = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)


@njit(nogil=True, cache=True)
def add(keys: NDArray[np.uint64], sums: Numbers, key: np.uint64, amount: int) -> int:
    """Add ``amount`` to the sum of ``key``; return 1 if the key is new, else 0. There must be a free slot."""
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
def copy_into(keys: NDArray[np.uint64], sums: Numbers, larger_keys: NDArray[np.uint64], larger_sums: Numbers) -> None:
    """Add all of a table to another one, which has the room."""
    for slot in range(keys.size):
        if keys[slot] != EMPTY:
            add(larger_keys, larger_sums, keys[slot], sums[slot])


@njit(nogil=True, cache=True)
def compact(keys: NDArray[np.uint64], sums: Numbers) -> int:
    """Move the used slots to the front and return how many they are; what is left is no hash table."""
    used = 0
    for slot in range(keys.size):
        if keys[slot] != EMPTY:
            keys[used], sums[used] = keys[slot], sums[slot]
            used += 1
    return used


# The walk: the next word, its document, the words kept so far of that document, used slots of the table.
POSITION, DOCUMENT, KEPT, USED, INVALID = range(5)
WALK_SIZE = 5
_ALWAYS = np.uint64(KEEP_ALWAYS)


@njit(nogil=True, cache=True)
def count(
    ids: Ids,
    offsets: Numbers,
    keep: NDArray[np.uint32],
    seed: np.uint64,
    amounts: Numbers,
    recent: Ids,
    walk: Numbers,
    stop: int,
    keys: NDArray[np.uint64],
    sums: Numbers,
    most_used: int,
) -> None:
    """Continue the walk up to the position ``stop``, or until the table may not have room for another word.

    A word that is left out takes no place: the words on its two sides are neighbours, as in the published GloVe
    program. Its position and ``seed`` decide by ``keep`` (`keep_thresholds`, uint32 [V]), so it does not matter where
    the counting stopped before. Every unordered pair of positions of one document adds once, to the pair (smaller id,
    larger id): at distance ``d`` the amount ``amounts[d - 1]`` (int64 [window]); a word with itself adds twice, as it
    is on both sides.

    ``recent`` is a ring of the last kept words, int32 [R], R a power of two and at least ``window``. ``walk`` is int64
    [WALK_SIZE]; ``walk[INVALID]`` is 1 after an id outside the vocabulary, at ``walk[POSITION]``. The walk goes on
    while ``window`` more slots than in use are at most ``most_used``.
    """
    mask = recent.size - 1
    position, document, kept, used = walk[POSITION], walk[DOCUMENT], walk[KEPT], walk[USED]
    while position < stop and used + amounts.size <= most_used:
        while position >= offsets[document + 1]:
            document += 1
            kept = 0
        word = ids[position]
        if word < 0 or word >= keep.size:
            walk[INVALID] = 1
            break
        threshold = np.uint64(keep[word])
        if threshold == _ALWAYS or (threshold > 0 and (numbered_random(seed, position) >> _SHIFT_32) < threshold):
            for back in range(min(kept, amounts.size)):
                other = recent[(kept - 1 - back) & mask]
                amount = amounts[back] * 2 if other == word else amounts[back]
                key = (np.uint64(min(word, other)) << _SHIFT_32) | np.uint64(max(word, other))
                used += add(keys, sums, key, amount)
            recent[kept & mask] = word
            kept += 1
        position += 1
    walk[POSITION], walk[DOCUMENT], walk[KEPT], walk[USED] = position, document, kept, used


@njit(nogil=True, cache=True)
def to_entries(keys: NDArray[np.uint64], sums: Numbers, unit: float, entries: NDArray[np.void]) -> int:
    """Write keys and sums as (row, column, value), value = sum / unit; return how many lie on the diagonal."""
    diagonal = 0
    for k in range(keys.size):
        row, column = np.int32(keys[k] >> _SHIFT_32), np.int32(keys[k] & _LOW_HALF)
        entries[k]["row"], entries[k]["column"] = row, column
        entries[k]["value"] = np.float32(sums[k] / unit)
        if row == column:
            diagonal += 1
    return diagonal
