"""Sums over rows of a table and steps added to them, for every way in which a row falls into vectors."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from mt2st.embedding.kernels import rows as kernel_rows
from mt2st.embedding.kernels.rows import LONGEST_STEP, padded, shortened

# Below a vector; whole ones; a last one that overlaps; several parts; a part of that one vector alone (57 vectors).
SIZES = [1, 15, 16, 17, 31, 100, 128, 129, 300, 897, 912]


@njit
def _prefetched(table: np.ndarray, rows: np.ndarray) -> int:
    kernel_rows.prefetch_rows(table, rows, 0, rows.size)
    return int(rows.size)


def scratch_row(row: np.ndarray) -> np.ndarray:
    """The row as the module's docstring describes it: the padding stands before what a whole vector would not hold."""
    size = row.size
    whole = size // 16 * 16 if size >= 16 else size
    return np.concatenate([row[:whole], np.zeros(-size % 16, dtype=np.float32), row[whole:]])


@pytest.mark.parametrize("size", SIZES)
def test_copied_rows_are_padded_and_touch_nothing_else(size: int) -> None:
    rng = np.random.default_rng(size)
    table = rng.normal(size=(30, size)).astype(np.float32)
    rows = np.array([9, 4, 29, 4, 0, 8], dtype=np.int32)
    expected = np.concatenate([scratch_row(table[row]) for row in rows[1:5]])
    scratch = np.zeros(16 + expected.size + 16, dtype=np.float32)
    scratch[:16] = scratch[-16:] = 7
    kernel_rows.copy_rows(scratch, 16, table, rows, 1, 4)
    np.testing.assert_array_equal(scratch[16:-16], expected)
    assert (scratch[:16] == 7).all()
    assert (scratch[-16:] == 7).all()


@pytest.mark.parametrize("size", SIZES)
def test_the_sum_of_rows_is_numpy_s_and_touches_nothing_else(size: int) -> None:
    rng = np.random.default_rng(size)
    table = rng.normal(size=(30, size)).astype(np.float32)
    rows = rng.integers(0, 30, 20).astype(np.int32)
    rows[-3] = 29  # the table's last row: nothing lies behind it
    for first, count in ((0, 0), (2, 1), (3, 17)):
        expected = scratch_row(0.5 * table[rows[first : first + count]].sum(axis=0, dtype=np.float64))
        total = np.zeros(16 + expected.size + 16, dtype=np.float32)
        total[:16] = total[-16:] = 7
        kernel_rows.sum_of_rows(total, 16, table, rows, first, count, np.float32(0.5))
        np.testing.assert_allclose(total[16:-16], expected, rtol=0, atol=1e-5)
        assert (total[:16] == 7).all()
        assert (total[-16:] == 7).all()


@pytest.mark.parametrize("size", SIZES)
def test_a_step_is_added_to_every_named_row_once_for_each_time_it_is_named(size: int) -> None:
    rng = np.random.default_rng(size)
    table = rng.normal(size=(30, size)).astype(np.float32)
    rows = np.array([9, 4, 29, 4, 0, 8], dtype=np.int32)
    step = (0.5 / size**0.5 * rng.choice([-1, 1], size)).astype(np.float32)
    expected = table.copy()
    np.add.at(expected, rows[1:5], step)
    kernel_rows.add_to_rows(table, rows, 1, 4, scratch_row(step), np.float32(0.25))
    np.testing.assert_allclose(table, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [3, 40])
def test_a_long_step_is_cut(size: int) -> None:
    table = np.zeros((2, size), dtype=np.float32)
    step = scratch_row(np.full(size, 5, dtype=np.float32))
    kernel_rows.add_to_rows(table, np.array([1], dtype=np.int32), 0, 1, step, np.float32(25 * size))
    assert np.linalg.norm(table[1]) == pytest.approx(LONGEST_STEP, rel=1e-6)
    assert not table[0].any()


def test_prefetching_changes_nothing() -> None:
    table = np.ones((5, 20), dtype=np.float32)
    assert _prefetched(table, np.array([4, 0], dtype=np.int32)) == 2
    assert (table == 1).all()


@pytest.mark.parametrize("length", [0.0, 0.3, 0.99, 1.0])
def test_ordinary_steps_are_taken_whole(length: float) -> None:
    assert shortened(np.float32(length**2)) == 1


@pytest.mark.parametrize("length", [1.01, 3.0, 1e15])
def test_long_steps_are_cut(length: float) -> None:
    assert shortened(np.float32(length**2)) * length == pytest.approx(LONGEST_STEP, rel=1e-6)


def test_rows_are_padded_to_whole_vectors() -> None:
    assert [padded(size) for size in (1, 16, 17, 100)] == [16, 16, 32, 112]
