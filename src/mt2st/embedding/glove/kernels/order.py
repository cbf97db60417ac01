"""A random order of numbers that is computed, not stored: shuffling without memory."""

from __future__ import annotations

import numpy as np
from numba import njit

from mt2st.embedding.kernels.sampling import mixed

_ROUNDS = 3


@njit(nogil=True, cache=True)
def order_bits(size: int) -> int:
    """Return how many bits the numbers below ``size`` need, at least 2."""
    bits = 2
    while (np.int64(1) << bits) < size:
        bits += 1
    return bits


@njit(nogil=True, cache=True)
def in_order(number: int, size: int, bits: int, key: np.uint64) -> np.int64:
    """Return the ``number``-th of the integers below ``size`` in the random order that ``key`` names.

    A multiplication by an odd number, an addition and a shifted exclusive or each map the numbers of ``bits`` bits
    one to one; some rounds of them scatter. A result past ``size`` is sent through again until it falls below
    (cycle walking, Black and Rogaway 2002), less than once on average. So every number comes exactly once.

    Args:
        number: in [0, size).
        size: how many numbers there are, at least 1.
        bits: `order_bits` of ``size``.
        key: any number; another one, another order.
    """
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    shift = np.uint64((bits + 1) // 2)
    limit = np.uint64(size)
    value = np.uint64(number)
    while True:
        for turn in range(_ROUNDS):
            factor = mixed(key + np.uint64(2 * turn)) | np.uint64(1)
            value = (value * factor + mixed(key + np.uint64(2 * turn + 1))) & mask
            value ^= value >> shift
        if value < limit:
            return np.int64(value)
