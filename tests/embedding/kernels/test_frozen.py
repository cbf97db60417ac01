"""Frozen rows: the kernels read them as ever and never write them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mt2st.embedding import SubwordRows, SubwordSettings
from mt2st.embedding.kernels import KERNELS
from mt2st.errors import InputError

METHODS = ["skipgram", "cbow", "skipgram-fasttext", "cbow-fasttext"]
WORDS, BUCKET, SIZE = 30, 50, 20


def made(method: str, *, rows_frozen: float, documents: int = 40) -> tuple[object, ...]:
    """A kernel with a part of its rows frozen, the same without, random tables and a corpus of short documents."""
    rng = np.random.default_rng(3)
    ids = rng.integers(0, WORDS, 12 * documents).astype(np.int32)
    offsets = np.arange(0, ids.size + 1, 12)
    counts = np.bincount(ids, minlength=WORDS)
    subwords = None
    if method.endswith("fasttext"):
        subwords = SubwordRows.of([f"word{i}" for i in range(WORDS)], SubwordSettings(3, 4, BUCKET))
    n_rows = WORDS + BUCKET if subwords is not None else WORDS
    frozen = rng.random(n_rows) < rows_frozen
    kernels = [
        KERNELS[method](counts, subwords=subwords, window=3, sample=0, seed=5, frozen=mask) for mask in (frozen, None)
    ]
    inputs, outputs = (rng.normal(0, 0.3, (n, SIZE)).astype(np.float32) for n in (n_rows, WORDS))
    return *kernels, frozen, inputs, outputs, ids, offsets


@pytest.mark.parametrize("method", METHODS)
def test_in_one_block_freezing_changes_nothing_but_the_frozen_rows(method: str) -> None:
    with_frozen, without, frozen, inputs, outputs, ids, _ = made(method, rows_frozen=0.5)  # type: ignore[misc]
    offsets = np.array([0, 6])
    assert with_frozen.block_size(0.01) >= 6  # one block: every gradient is taken before any update
    results: list[tuple[NDArray, NDArray, float]] = []
    for kernel in (with_frozen, without):
        tables = inputs.copy(), outputs.copy()
        report = kernel.update(*tables, ids, offsets, alpha=(0.01, 0.01), stream=1)
        results.append((*tables, report.loss))
    (ours, our_outputs, our_loss), (free, free_outputs, free_loss) = results
    np.testing.assert_array_equal(ours[frozen], inputs[frozen])
    np.testing.assert_array_equal(ours[~frozen], free[~frozen])
    np.testing.assert_array_equal(our_outputs, free_outputs)
    assert our_loss == free_loss
    assert (free[frozen] != inputs[frozen]).any()


@pytest.mark.parametrize("method", METHODS)
def test_over_many_blocks_frozen_rows_stay_to_the_bit_and_the_others_move(method: str) -> None:
    kernel, _, frozen, inputs, outputs, ids, offsets = made(method, rows_frozen=0.5)  # type: ignore[misc]
    tables = inputs.copy(), outputs.copy()
    for stream in range(5):
        kernel.update(*tables, ids, offsets, alpha=(0.05, 0.05), stream=stream)
    assert tables[0][frozen].tobytes() == inputs[frozen].tobytes()
    assert (tables[0][:WORDS][~frozen[:WORDS]] != inputs[:WORDS][~frozen[:WORDS]]).any(axis=1).all()
    assert (tables[1] != outputs).any(axis=1).all()


@pytest.mark.parametrize("method", METHODS)
def test_with_all_rows_frozen_the_outputs_alone_learn(method: str) -> None:
    kernel, _, _, inputs, outputs, ids, offsets = made(method, rows_frozen=1.1)  # type: ignore[misc]
    tables = inputs.copy(), outputs.copy()
    losses = [kernel.update(*tables, ids, offsets, alpha=(0.05, 0.05), stream=1).loss for _ in range(20)]
    np.testing.assert_array_equal(tables[0], inputs)
    assert losses[-1] < losses[0]


def test_frozen_of_another_size_or_kind_is_refused() -> None:
    for frozen in (np.zeros(3, dtype=bool), np.zeros(4, dtype=np.int64)):
        with pytest.raises(InputError, match="frozen must be bool, one for each of the 4 rows of inputs; found"):
            KERNELS["skipgram"](np.ones(4, dtype=np.int64), frozen=frozen)
