"""Exact search for the nearest vectors: matrix products over blocks of rows, of which only the best are kept."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Rows = NDArray[np.intp]

ROWS_AT_ONCE = 1 << 13
"""Rows of a block: 3 MB at 100 dimensions, which stay in cache for all queries."""
QUERIES_AT_ONCE = 256
"""Queries that share a block."""
SCORES_AT_ONCE = QUERIES_AT_ONCE * ROWS_AT_ONCE
"""Cosines of a block: 8 MB."""
_MOST_SCORES = 1 << 24  # 64 MB: blocks are at least k wide, and then fewer queries share them


def lengths(vectors: Vector) -> Vector:
    """Return the lengths of vectors ``[n_rows, vector_size]``, without a copy of them all.

    Example:
        >>> lengths(np.array([[3, 4], [0, 0]], dtype=np.float32)).tolist()
        [5.0, 0.0]
    """
    found = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        found[block] = np.linalg.norm(vectors[block], axis=1)
    return found


def nearest(queries: Vector, vectors: Vector, norms: Vector, k: int) -> Iterator[tuple[Rows, Vector]]:
    """Yield the `k` rows with the highest cosine to each query, and the cosines.

    The search is exact; ties go to the earlier row. Memory beyond the vectors is about 100 MB at most.

    Args:
        queries: vectors of length 1, ``[n_queries, vector_size]``.
        vectors: ``[n_rows, vector_size]``.
        norms: their lengths, ``[n_rows]``; zero vectors have cosine 0 to any query.
        k: how many rows, at least 1; all if there are fewer.

    Yields:
        For each query its rows ``[k]``, nearest first, and their cosines ``[k]``.

    Example:
        >>> rows = np.array([[1, 0], [0, 2], [3, 3]], dtype=np.float32)
        >>> [(found.tolist(), cosines.tolist()) for found, cosines in nearest(rows[:1], rows, lengths(rows), 2)]
        [([0, 2], [1.0, 0.707...])]
    """
    k = min(k, len(vectors))
    if k == 0:
        yield from ((np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32)) for _ in queries)
        return
    at_once = min(QUERIES_AT_ONCE, max(1, _MOST_SCORES // k))
    for start in range(0, len(queries), at_once):
        yield from zip(*_nearest(queries[start : start + at_once], vectors, norms, k), strict=True)


def _nearest(queries: Vector, vectors: Vector, norms: Vector, k: int) -> tuple[Rows, Vector]:
    rows = np.full((len(queries), k), -1, dtype=np.intp)
    cosines = np.full((len(queries), k), -np.inf, dtype=np.float32)
    width = max(ROWS_AT_ONCE, SCORES_AT_ONCE // len(queries))  # few queries: one product serves them best
    start, stop = 0, max(k, width)  # the first block fills the places
    while start < len(vectors):
        block = slice(start, stop)
        scores = queries @ vectors[block].T
        scores /= np.where(norms[block] > 0, norms[block], np.float32(1))
        if start == 0:
            better = scores >= np.partition(scores, -k, axis=1)[:, -k, None]
        else:  # in a tie the earlier row stays
            better = scores > cosines[:, -1, None]
        # Several times as fast as nonzero on two axes.
        numbers, columns = np.divmod(np.flatnonzero(better), better.shape[1])
        if len(numbers):
            _merge(rows, cosines, numbers, columns + start, scores[numbers, columns])
        start, stop = stop, stop + width
    return rows, cosines


def _merge(rows: Rows, cosines: Vector, numbers: Rows, new_rows: Rows, new_cosines: Vector) -> None:
    """Merge candidates into the best of their queries, in place."""
    k = rows.shape[1]
    touched, places = np.unique(numbers, return_inverse=True)
    query = np.concatenate([np.repeat(np.arange(len(touched)), k), places])
    row = np.concatenate([rows[touched].ravel(), new_rows])
    cosine = np.concatenate([cosines[touched].ravel(), new_cosines])
    order = np.lexsort((row, -cosine, query))
    first = np.searchsorted(query[order], np.arange(len(touched)))
    kept = order[first[:, None] + np.arange(k)]
    rows[touched], cosines[touched] = row[kept], cosine[kept]
