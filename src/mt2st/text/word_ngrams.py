"""Hashes of word n-grams, by which they share the rows of a table; the same in torch and NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MULTIPLIER = 0x9E3779B97F4A7C15 - 2**64
"""Odd, with well mixed bits: 2**64 over the golden ratio (Knuth's multiplicative hashing), as a signed number."""
MIXED_BITS = 20
"""The lowest bits of a product depend on few bits of its factors: they are shifted out."""


def ngram_rows(ids: Any, longest: int, n_rows: int) -> Iterator[Any]:
    """Yield the rows ``[..., length - n + 1]`` of all n-grams of each length ``n`` from 1 to ``longest``.

    ``ids`` ``[..., length]`` are a tensor or an array of int64, whose products wrap around.

    Example:
        >>> import numpy as np
        >>> [rows.tolist() for rows in ngram_rows(np.array([5, 7, 5]), 2, 1000)]
        [[55, 360, 55], [383, 902]]
    """
    keys = 0 * ids
    for n in range(min(longest, ids.shape[-1])):
        last = ids[..., n:]
        keys = (keys[..., : last.shape[-1]] + last) * MULTIPLIER
        yield (keys >> MIXED_BITS) % n_rows
