"""The walk over a slice, seen through the pairs that it hands out: with each word unique, its id tells its place."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.embedding.kernels.replay import sample_pairs

from mt2st.embedding.kernels import CbowKernel, SkipGramKernel

Contexts = dict[int, list[int]]


def contexts_by_centre(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], counts: NDArray[np.int64], **settings: float
) -> Contexts:
    kernel = CbowKernel(counts, **{"sample": 0, **settings})  # type: ignore[arg-type]
    found: Contexts = {}
    for block in sample_pairs(kernel, ids, offsets, stream=0):
        for pair, centre in enumerate(block.centres.tolist()):
            assert centre not in found
            found[centre] = block.contexts[block.context_offsets[pair] : block.context_offsets[pair + 1]].tolist()
    return found


@pytest.mark.parametrize("window", [1, 5, 200])
def test_a_long_document_is_walked_whole_with_symmetric_windows_of_every_reach(window: int) -> None:
    n = 20_000  # more than two buffers
    found = contexts_by_centre(
        np.arange(n, dtype=np.int32), np.array([0, n]), np.ones(n, dtype=np.int64), window=window
    )
    assert len(found) == n
    reaches = []
    for centre, context in found.items():
        reach = max(centre - min(context), max(context) - centre)
        expected = [p for p in range(centre - reach, centre + reach + 1) if 0 <= p < n and p != centre]
        assert context == expected
        if window <= centre < n - window:
            reaches.append(reach)
    assert (min(reaches), max(reaches)) == (1, window)
    assert np.mean(reaches) == pytest.approx((1 + window) / 2, rel=0.05)


def test_a_window_may_be_wider_than_the_usual_buffer() -> None:
    n = 100
    found = contexts_by_centre(
        np.arange(n, dtype=np.int32), np.array([0, n]), np.ones(n, dtype=np.int64), window=100_000
    )
    assert len(found[50]) == n - 1


def test_windows_stay_inside_documents() -> None:
    lengths = np.random.default_rng(0).integers(0, 12, 4000)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    n = int(offsets[-1])
    document = np.repeat(np.arange(lengths.size), lengths)
    found = contexts_by_centre(np.arange(n, dtype=np.int32), offsets, np.ones(n, dtype=np.int64), window=4)
    assert set(found) == {p for p in range(n) if lengths[document[p]] > 1}
    assert all(document[p] == document[centre] for centre, context in found.items() for p in context)


def test_absent_words_leave_before_windows_are_drawn() -> None:
    # Every other word is absent: neighbours at distance 2 in the text are at distance 1 for the window.
    n = 1000
    counts = np.ones(n, dtype=np.int64)
    counts[::2] = 0
    found = contexts_by_centre(np.arange(n, dtype=np.int32), np.array([0, n]), counts, window=1)
    assert sorted(found) == list(range(1, n, 2))
    assert found[501] == [499, 503]


def test_subsampling_drops_frequent_words_as_often_as_it_should() -> None:
    counts = np.array([90_000, 100, 100], dtype=np.int64)
    ids = np.zeros(90_000, dtype=np.int32)
    kernel = SkipGramKernel(counts, sample=1e-2, window=1)
    kept = sum(
        np.unique(b.centres).size and b.centres.size / 2
        for b in sample_pairs(kernel, ids, np.array([0, ids.size]), stream=0)
    )
    threshold = 1e-2 * counts.sum() / 90_000
    assert kept == pytest.approx(90_000 * (threshold**0.5 + threshold), rel=0.03)


def test_a_slice_starts_anywhere_in_the_corpus() -> None:
    ids = np.arange(100, dtype=np.int32)
    found = contexts_by_centre(ids, np.array([40, 50, 60]), np.ones(100, dtype=np.int64), window=3)
    assert sorted(found) == list(range(40, 60))
    assert set(found[49]) <= set(range(40, 50))


def test_skip_gram_and_cbow_walk_the_same_windows() -> None:
    ids = np.arange(500, dtype=np.int32)
    counts, offsets = np.ones(500, dtype=np.int64), np.array([0, 200, 500])

    class SkipGramInCbowBlocks(SkipGramKernel):
        noise = CbowKernel.noise

        def block_size(self, rate: float) -> int:
            return CbowKernel(counts).block_size(rate)

    one_each = [
        (int(row), int(centre))
        for block in sample_pairs(SkipGramInCbowBlocks(counts, sample=0), ids, offsets, stream=3)
        for row, centre in zip(block.contexts, block.centres, strict=True)
    ]
    means = [
        (int(row), int(centre))
        for block in sample_pairs(CbowKernel(counts, sample=0), ids, offsets, stream=3)
        for pair, centre in enumerate(block.centres)
        for row in block.contexts[block.context_offsets[pair] : block.context_offsets[pair + 1]]
    ]
    assert one_each == means
