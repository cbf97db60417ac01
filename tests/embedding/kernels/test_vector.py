"""The vector code computes what numpy computes, for rows of every padded length and lists of every length."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.vector import GROUP, LANES, dot_products, prefetch_row, weighted_sum

ROW_LENGTHS = [16, 32, 112, 128, 144, 304, 1040]
LIST_LENGTHS = [0, 1, 7, 8, 9, 24]

Floats, Positions = NDArray[np.float32], NDArray[np.int64]


@njit
def all_dots(
    scores: Floats,
    at: int,
    row: Floats,
    row_at: int,
    rows: Floats,
    rows_at: Positions,
    first: int,
    count: int,
    stride: int,
) -> None:
    dot_products(scores, at, row, row_at, rows, rows_at, first, count, stride)


@njit
def one_sum(
    total: Floats,
    at: int,
    rows: Floats,
    rows_at: Positions,
    first: int,
    weights: Floats,
    weight_at: int,
    step: int,
    count: int,
    stride: int,
) -> float:
    return weighted_sum(total, at, rows, rows_at, first, weights, weight_at, step, count, stride)


@njit
def prefetch_all(table: Floats) -> None:
    for row in range(table.shape[0]):
        prefetch_row(table, row)


def some_rows(stride: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Ten rows in one flat array, and a list of 40 of them that starts at its third entry."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=10 * stride).astype(np.float32), rng.integers(0, 10, 42) * stride


@pytest.mark.parametrize("count", LIST_LENGTHS)
@pytest.mark.parametrize("stride", ROW_LENGTHS)
def test_dot_products_are_those_of_numpy(stride: int, count: int) -> None:
    rows, rows_at = some_rows(stride)
    row = np.random.default_rng(1).normal(size=2 * stride).astype(np.float32)
    scores = np.full(50, np.nan, dtype=np.float32)
    all_dots(scores, 3, row, stride, rows, rows_at, 2, count, stride)
    expected = rows.reshape(10, stride)[rows_at[2 : 2 + count] // stride].astype(float) @ row[stride:].astype(float)
    np.testing.assert_allclose(scores[3 : 3 + count], expected, rtol=1e-5, atol=1e-5 * stride**0.5)


def test_dot_products_write_no_further_than_the_next_group() -> None:
    rows, rows_at = some_rows(32)
    scores = np.full(50, np.nan, dtype=np.float32)
    all_dots(scores, 3, rows, 0, rows, rows_at, 0, 9, 32)
    assert np.isnan(scores[:3]).all()
    assert np.isnan(scores[3 + 2 * GROUP :]).all()


@pytest.mark.parametrize("count", LIST_LENGTHS)
@pytest.mark.parametrize("stride", ROW_LENGTHS)
def test_weighted_sum_is_that_of_numpy(stride: int, count: int) -> None:
    rows, rows_at = some_rows(stride)
    weights = np.random.default_rng(2).normal(size=100).astype(np.float32)
    total = np.full(stride + 2 * LANES, np.nan, dtype=np.float32)
    squared = one_sum(total, LANES, rows, rows_at, 2, weights, 5, 3, count, stride)
    chosen = rows.reshape(10, stride)[rows_at[2 : 2 + count] // stride].astype(float)
    expected = weights[5 : 5 + 3 * count : 3].astype(float) @ chosen
    np.testing.assert_allclose(total[LANES : LANES + stride], expected, rtol=1e-5, atol=2e-5)
    assert squared == pytest.approx(expected @ expected, rel=1e-5)
    assert np.isnan(total[:LANES]).all()
    assert np.isnan(total[LANES + stride :]).all()


def test_prefetching_changes_nothing() -> None:
    table = np.arange(30, dtype=np.float32).reshape(3, 10)
    prefetch_all(table)
    np.testing.assert_array_equal(table, np.arange(30).reshape(3, 10))
