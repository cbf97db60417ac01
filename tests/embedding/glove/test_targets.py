"""Random orders of co-occurrences: each entry once in each direction, whatever fits in memory."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt2st.embedding.glove.counting import ENTRY, Cooccurrences
from mt2st.embedding.glove.tables import BLOCK, TARGET, TargetSource
from mt2st.embedding.kernels.glove_training import in_order, order_bits
from mt2st.errors import InputError

CHUNK = BLOCK * TARGET.itemsize
"""Bytes of the smallest chunk."""


def numbered(n: int) -> Cooccurrences:
    """Entries that can be told apart by their row."""
    entries = np.zeros(n, dtype=ENTRY)
    entries["row"], entries["column"], entries["value"] = np.arange(n), n + 5, 1 + np.arange(n) % 200
    return Cooccurrences(entries, n + 6, 0)


def visited(source: TargetSource, order: int, first: int, last: int) -> list[int]:
    """Numbers of the entries of a stretch, times two, plus one for the reverse direction."""
    found = []
    for chosen in source.slices(order, first, last):
        size = 2 * chosen.targets.size
        for number in range(chosen.first, chosen.last):
            entry = int(in_order(number, size, order_bits(size), chosen.key))
            found.append(2 * int(chosen.targets["row"][entry >> 1]) + entry % 2)
    return found


@settings(max_examples=12)
@given(st.sampled_from([1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 100]), st.integers(1, 5), st.integers(0, 9))
def test_an_order_holds_every_entry_once_in_each_direction(n: int, chunks: int, order: int) -> None:
    source = TargetSource(numbered(n), memory=chunks * CHUNK)
    assert source.size == 2 * n
    assert source.n_chunks == math.ceil(math.ceil(n / BLOCK) / chunks)
    assert Counter(visited(source, order, 0, source.size)) == dict.fromkeys(range(2 * n), 1)


@pytest.mark.parametrize("memory", [CHUNK, 2 * CHUNK, 1 << 30])
def test_stretches_of_an_order_make_the_order(memory: int) -> None:
    source = TargetSource(numbered(2500), memory=memory)
    whole = visited(source, 4, 0, source.size)
    bounds = [0, 1, 700, 2048, 2048, 3333, 5000]
    parts = [visited(source, 4, a, b) for a, b in pairwise(bounds)]
    assert [entry for part in parts for entry in part] == whole
    assert visited(source, 4, 700, 2048) == parts[2], "a stretch can be had at any time"


@pytest.mark.parametrize("memory", [CHUNK, 1 << 30])
def test_orders_differ_and_so_do_seeds(memory: int) -> None:
    orders = [
        tuple(visited(TargetSource(numbered(3000), memory=memory, seed=seed), order, 0, 200))
        for seed, order in ((1, 0), (1, 1), (2, 0))
    ]
    assert len(set(orders)) == 3


def test_chunks_hold_other_blocks_in_another_order() -> None:
    source = TargetSource(numbered(20 * BLOCK), memory=4 * CHUNK)
    assert source.n_chunks == 5
    firsts = [frozenset(row // 2 // BLOCK for row in visited(source, order, 0, 8 * BLOCK)) for order in range(4)]
    assert all(len(blocks) == 4 for blocks in firsts)
    assert len(set(firsts)) == 4


def test_targets_are_the_logarithm_and_the_weight() -> None:
    source = TargetSource(numbered(300), x_max=50, alpha=0.6)
    targets = next(source.slices(0, 0, 1)).targets
    counts = 1.0 + np.arange(300) % 200
    np.testing.assert_allclose(targets["log"], np.log(counts), rtol=1e-6)
    np.testing.assert_allclose(targets["weight"], np.minimum(1, (counts / 50) ** 0.6), rtol=1e-6)
    assert targets.nbytes == 300 * 16


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"x_max": 0.0}, "x_max should be greater than 0, found 0.0"),
        ({"x_max": float("inf")}, "x_max should be a finite number, found inf"),
        ({"alpha": -0.1}, "alpha should be greater than or equal to 0, found -0.1"),
        ({"alpha": float("nan")}, "alpha should be a finite number, found nan"),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TargetSource(numbered(3), **setting)  # type: ignore[arg-type]


def test_no_co_occurrences_are_refused() -> None:
    with pytest.raises(InputError, match="no two words of the vocabulary stand in one document"):
        TargetSource(numbered(0))
