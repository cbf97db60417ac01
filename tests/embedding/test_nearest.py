"""The search for the nearest vectors is exact, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mt2st.embedding import nearest as module
from mt2st.embedding.nearest import lengths, nearest


def by_sorting(queries: NDArray, vectors: NDArray, k: int) -> NDArray[np.intp]:
    norms = np.linalg.norm(vectors, axis=1)
    cosines = queries @ vectors.T / np.where(norms > 0, norms, 1)
    return np.lexsort((np.broadcast_to(np.arange(len(vectors)), cosines.shape), -cosines), axis=1)[:, :k]


@given(
    st.integers(1, 70), st.integers(1, 9), st.integers(1, 80), st.sampled_from([(8192, 256), (16, 4), (3, 2), (1, 1)]),
    st.integers(0, 100),
)  # fmt: skip
def test_the_search_is_exact_and_of_equals_the_first_rows_are_found(
    n: int, queries: int, k: int, blocks: tuple[int, int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    # Few directions and exact arithmetic: many equal cosines, and zero vectors.
    vectors = np.eye(4, dtype=np.float32)[rng.integers(0, 4, size=n)] * rng.integers(-2, 3, size=(n, 1)).astype("f4")
    units = np.eye(4, dtype=np.float32)[rng.integers(0, 4, size=queries)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS_AT_ONCE", blocks[0])
        patch.setattr(module, "QUERIES_AT_ONCE", blocks[1])
        patch.setattr(module, "SCORES_AT_ONCE", 20)
        found = list(nearest(units, vectors, lengths(vectors), k))
    assert [rows.tolist() for rows, _ in found] == by_sorting(units, vectors, k).tolist()


def test_cosines_of_many_rows_agree_with_float64() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20_000, 16)).astype(np.float32)
    queries = vectors[:300] / np.linalg.norm(vectors[:300], axis=1, keepdims=True)
    expected = by_sorting(queries.astype(np.float64), vectors.astype(np.float64), 10)
    for number, (rows, cosines) in enumerate(nearest(queries, vectors, lengths(vectors), 10)):
        assert rows[0] == number
        assert (rows == expected[number]).mean() > 0.8  # but for cosines that float32 cannot tell apart
        exact = vectors[rows].astype(np.float64) @ queries[number] / np.linalg.norm(vectors[rows].astype("f8"), axis=1)
        np.testing.assert_allclose(cosines, exact, atol=1e-6)


def test_lengths_are_those_of_numpy() -> None:
    vectors = np.random.default_rng(0).normal(size=(20_000, 7)).astype(np.float32)
    np.testing.assert_array_equal(lengths(vectors), np.linalg.norm(vectors, axis=1))


def test_nothing_is_asked_or_there_is_nothing_to_find() -> None:
    rows = np.eye(3, dtype=np.float32)
    assert list(nearest(rows[:0], rows, lengths(rows), 2)) == []
    assert [found.tolist() for found, _ in nearest(rows, rows[:0], lengths(rows[:0]), 2)] == [[], [], []]
