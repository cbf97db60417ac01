"""The training loop over co-occurrences in a random order that is computed, not stored."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.adagrad import LARGEST_GRADIENT, adagrad_step, row_product
from mt2st.embedding.kernels.sampling import Floats, mixed
from mt2st.embedding.kernels.vector import prefetch_row

_ROUNDS = 3


@njit(nogil=True, cache=True)
def order_bits(size: int) -> int:
    """Return the bits of the numbers below ``size``, at least 2."""
    bits = 2
    while (np.int64(1) << bits) < size:
        bits += 1
    return bits


@njit(nogil=True, cache=True)
def in_order(number: int, size: int, bits: int, key: np.uint64) -> np.int64:
    """Return the ``number``-th of the integers below ``size`` in the random order of ``key``.

    A multiplication by an odd number, an addition and a shifted exclusive or each map the numbers of ``bits`` bits
    (`order_bits`) one to one; some rounds of them scatter. A result past ``size`` goes through again until it falls
    below (cycle walking, Black and Rogaway 2002), less than once on average. So every number comes exactly once.
    """
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    shift = np.uint64((bits + 1) // 2)
    limit = np.uint64(size)
    value = np.uint64(number)
    while True:
        for turn in range(_ROUNDS):
            factor = mixed(key + np.uint64(2 * turn)) | np.uint64(1)
            value = (value * factor + mixed(key + np.uint64(2 * turn + 1))) & mask
            value ^= value >> shift
        if value < limit:
            return np.int64(value)


BLOCK = 256
"""Entries fetched together from their random places before they are trained on."""
_FIRST = np.int64(0)
AHEAD = 4
"""How many entries before its turn an entry's rows are asked for: they come from memory while others are computed."""


@njit(nogil=True, cache=True)
def _bias_step(biases: Floats, squares: Floats, row: int, slope: float, rate: float) -> None:
    step = np.float32(rate * min(max(slope, -LARGEST_GRADIENT), LARGEST_GRADIENT))
    biases[row] -= step / np.sqrt(squares[row])
    squares[row] += step * step


@njit(nogil=True, cache=True)
def train(
    words: Floats,
    contexts: Floats,
    word_biases: Floats,
    context_biases: Floats,
    word_squares: Floats,
    context_squares: Floats,
    word_bias_squares: Floats,
    context_bias_squares: Floats,
    targets: NDArray[np.void],
    first: int,
    last: int,
    key: np.uint64,
    rate: float,
    frozen: NDArray[np.bool_],
) -> tuple[int, float]:
    """Train on the ``first``-th to the ``last``-th directed entries in the order of ``key``.

    Every record of ``targets`` is two directed entries, (row, column) and (column, row); on the diagonal they are one,
    and the second is skipped. ``frozen`` rows of ``words`` and ``contexts`` (bool [V], or [0] for none) are read and
    never written, so that several threads may train at once. Returns the number of entries, and their summed loss
    before each one's step.
    """
    size = 2 * targets.size
    bits = order_bits(size)
    chosen = np.empty(BLOCK, np.int64)
    rows, columns = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    logs, weights = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    some_frozen = frozen.size > 0
    spare, spare_squares = np.empty((1, words.shape[1]), np.float32), np.empty((1, words.shape[1]), np.float32)
    done, loss = 0, 0.0
    for start in range(first, last, BLOCK):
        size_of_block = min(BLOCK, last - start)
        for k in range(size_of_block):  # apart from the fetching, whose waits then overlap
            chosen[k] = in_order(start + k, size, bits, key)
        count = 0
        for k in range(size_of_block):
            entry = chosen[k]
            target = targets[entry >> 1]
            row, column = np.int64(target["row"]), np.int64(target["column"])
            if entry & 1:
                if row == column:
                    continue
                row, column = column, row
            rows[count], columns[count] = row, column
            logs[count], weights[count] = target["log"], target["weight"]
            count += 1
        for k in range(count):
            soon = min(k + AHEAD, count - 1)
            prefetch_row(words, rows[soon])
            prefetch_row(word_squares, rows[soon])
            prefetch_row(contexts, columns[soon])
            prefetch_row(context_squares, columns[soon])
            row, column = rows[k], columns[k]
            product = row_product(words, contexts, row, column)
            error = product + word_biases[row] + context_biases[column] - logs[k]
            slope = weights[k] * error
            loss += 0.5 * np.float64(slope) * np.float64(error)
            keep_row, keep_column = some_frozen and frozen[row], some_frozen and frozen[column]
            if not (keep_row or keep_column):
                adagrad_step(words, contexts, word_squares, context_squares, row, column, slope, np.float32(rate))
            elif not keep_column:  # the step of the frozen row goes into a copy
                spare[0], spare_squares[0] = words[row], np.float32(1.0)
                adagrad_step(spare, contexts, spare_squares, context_squares, _FIRST, column, slope, np.float32(rate))
            elif not keep_row:
                spare[0], spare_squares[0] = contexts[column], np.float32(1.0)
                adagrad_step(words, spare, word_squares, spare_squares, row, _FIRST, slope, np.float32(rate))
            _bias_step(word_biases, word_bias_squares, row, slope, rate)
            _bias_step(context_biases, context_bias_squares, column, slope, rate)
        done += count
    return done, loss if math.isfinite(loss) else math.inf


@njit(nogil=True, cache=True)
def to_targets(entries: NDArray[np.void], x_max: float, alpha: float, targets: NDArray[np.void]) -> None:
    """Write (row, column, value) as (row, column, log(value), weight), weight = min(1, (value / x_max) ** alpha)."""
    for k in range(entries.size):
        value = np.float64(entries[k]["value"])
        targets[k]["row"], targets[k]["column"] = entries[k]["row"], entries[k]["column"]
        targets[k]["log"] = np.float32(math.log(value))
        weight = 1.0 if value >= x_max else (value / x_max) ** alpha
        targets[k]["weight"] = np.float32(weight)
