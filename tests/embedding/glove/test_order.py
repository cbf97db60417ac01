"""The computed order: every number once, another order for another key, no pattern left."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.glove_training import in_order, order_bits


@njit
def ordered(size: int, key: np.uint64) -> NDArray[np.int64]:
    bits = order_bits(size)
    found = np.empty(size, np.int64)
    for number in range(size):
        found[number] = in_order(number, size, bits, key)
    return found


@settings(max_examples=200)
@given(st.integers(1, 5000), st.integers(0, 2**64 - 1))
def test_every_number_comes_exactly_once(size: int, key: int) -> None:
    np.testing.assert_array_equal(np.sort(ordered(size, np.uint64(key))), np.arange(size))


def test_large_sizes_stay_in_range() -> None:
    for size in (2**33 - 1, 2**33 + 1):
        bits = order_bits(size)
        found = {int(in_order(number, size, bits, np.uint64(5))) for number in range(1000)}
        assert len(found) == 1000
        assert min(found) >= 0
        assert max(found) < size
        assert max(found) > size // 2


def test_orders_look_random_and_differ_by_key() -> None:
    size = 50_000
    first, second = (ordered(size, np.uint64(key)) for key in (1, 2))
    for lag in (1, 2, 3, 16):
        correlation = np.corrcoef(first[:-lag], first[lag:])[0, 1]
        assert abs(correlation) < 0.03
    assert abs(np.corrcoef(first, np.arange(size))[0, 1]) < 0.03
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    # Each tenth of the order holds about a hundredth of the numbers from each hundredth of the range.
    table = np.histogram2d(np.arange(size), first, bins=(10, 100))[0]
    expected = size / table.size
    chi_squared = float(((table - expected) ** 2 / expected).sum())
    assert chi_squared < table.size + 6 * np.sqrt(2 * table.size)
