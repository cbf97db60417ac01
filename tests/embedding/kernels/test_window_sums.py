"""Sums over windows and their adjoint, by running sums, against sums word by word."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.vector import add_to_window, next_step, running_sums, window_without

ROW_LENGTHS = [16, 112, 128, 144, 304]
WORDS = 9
WINDOWS = [(0, 3, 1), (0, 9, 0), (2, 9, 8), (4, 5, 4), (3, 8, 5)]
"""First word, the word after the last, and a word between."""

Floats = NDArray[np.float32]


@njit
def sums_without(rows: Floats, windows: NDArray[np.int64], stride: int, scale: float) -> Floats:
    sums = np.zeros((WORDS + 1) * stride, np.float32)
    sums[stride:] = rows
    running_sums(sums, stride, WORDS, stride)
    found = np.empty(windows.shape[0] * stride, np.float32)
    for k in range(windows.shape[0]):
        first, last, own = windows[k, 0] * stride, windows[k, 1] * stride, windows[k, 2] * stride
        window_without(found, k * stride, sums, first, last, own, own + stride, np.float32(scale), stride)
    return found


@njit
def steps_of(errors: Floats, windows: NDArray[np.int64], stride: int) -> tuple[Floats, Floats, Floats]:
    changes = np.zeros((WORDS + 1) * stride, np.float32)
    own = np.zeros(WORDS * stride, np.float32)
    for k in range(windows.shape[0]):
        at = k * stride
        add_to_window(changes, windows[k, 0] * stride, changes, windows[k, 1] * stride, errors, at, stride)
        own[windows[k, 2] * stride : (windows[k, 2] + 1) * stride] = errors[at : at + stride]
    steps, squares = np.zeros(WORDS * stride, np.float32), np.zeros(WORDS, np.float32)
    running, step = np.zeros(stride, np.float32), np.zeros(stride, np.float32)
    for j in range(WORDS):
        squares[j] = next_step(step, running, changes, j * stride, own, j * stride, stride)
        steps[j * stride : (j + 1) * stride] = step
    return steps, squares, changes


@pytest.mark.parametrize("stride", ROW_LENGTHS)
def test_a_window_s_sum_leaves_the_word_between_out(stride: int) -> None:
    rows = np.random.default_rng(0).normal(size=(WORDS, stride)).astype(np.float32)
    found = sums_without(rows.ravel(), np.array(WINDOWS), stride, 0.5).reshape(-1, stride)
    for (first, last, own), sum_found in zip(WINDOWS, found, strict=True):
        expected = 0.5 * (rows[first:last].sum(axis=0, dtype=float) - rows[own])
        np.testing.assert_allclose(sum_found, expected, rtol=0, atol=2e-6)
        if last - first == 1:
            assert not sum_found.any()


@pytest.mark.parametrize("stride", ROW_LENGTHS)
def test_each_word_gets_the_errors_of_the_windows_that_it_is_in_but_not_its_own(stride: int) -> None:
    errors = np.random.default_rng(0).normal(size=(len(WINDOWS), stride)).astype(np.float32)
    steps, squares, changes = steps_of(errors.ravel(), np.array(WINDOWS), stride)
    expected = np.zeros((WORDS, stride))
    for (first, last, own), error in zip(WINDOWS, errors, strict=True):
        expected[[j for j in range(first, last) if j != own]] += error
    np.testing.assert_allclose(steps.reshape(-1, stride), expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(squares, (expected**2).sum(axis=1), rtol=1e-5, atol=1e-8)
    assert not changes[: WORDS * stride].any()  # ready for the next block
