"""The training loop over co-occurrences in a random order that is computed, not stored.

Its two inner loops, a dot product and the AdaGrad step of two rows, are LLVM vector code: as plain loops they are bound
by square roots, divisions and the compiler's assumption that arrays overlap. Here a reciprocal square root is an
estimate from the number's bits and two Newton steps, which are multiplications. A row's last, incomplete vector of 16
floats is masked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numpy.typing import NDArray

from mt2st.embedding.kernels.llvm import (
    INT32,
    INT64,
    INTEGERS,
    LANES,
    VECTOR,
    Takes,
    clipped,
    constant,
    first_lanes,
    fused,
    multiply_add,
    registers,
    spread,
    sum_of_lanes,
    vector_function,
)
from mt2st.embedding.kernels.sampling import Floats, mixed
from mt2st.embedding.kernels.vector import prefetch_row

LARGEST_GRADIENT = 100.0
"""Every component of a gradient is clipped to this size, as in the published program. Ordinary ones are far smaller."""

# The bits of a float are about its logarithm: halving them and turning their sign is the estimate. Its error is 3.5 %;
# a Newton step squares it (times 1.5), twice.
_ESTIMATE = 0x5F3759DF

_mask = ir.VectorType(ir.IntType(1), LANES)
_FUSED = ("contract",)  # one fused instruction where there is one


@vector_function(Takes.TABLE, Takes.ARRAY, Takes.INTEGER, Takes.INTEGER, gives=types.float32)
def row_product(builder: Any, a: Any, width: Any, b: Any, row: Any, column: Any) -> Any:
    """Return the dot product of ``a[row]`` and ``b[column]`` (float32 [V, D] each), float32."""
    starts = [builder.gep(table, [builder.mul(at, width)]) for table, at in ((a, row), (b, column))]
    (total,) = registers(builder, 1)

    def part(memory: _Memory, at: Any) -> None:
        x, y = (memory.load(builder.gep(start, [at]), 0.0) for start in starts)
        multiply_add(builder, x, y, total)

    _for_parts(builder, width, part)
    return sum_of_lanes(builder, builder.load(total))


@vector_function(
    *(Takes.TABLE, Takes.ARRAY, Takes.ARRAY, Takes.ARRAY),
    *(Takes.INTEGER, Takes.INTEGER, Takes.NUMBER, Takes.NUMBER),
)
def adagrad_step(
    builder: Any,
    words: Any,
    width: Any,
    contexts: Any,
    word_squares: Any,
    context_squares: Any,
    row: Any,
    column: Any,
    slope: Any,
    rate: Any,
) -> None:
    """Move ``w = words[row]`` and ``c = contexts[column]`` against the gradients ``slope * c`` and ``slope * w``.

    Both gradients are taken at the values before the step. For each component ``g`` of a gradient, cut to
    ``[-LARGEST_GRADIENT, LARGEST_GRADIENT]``, and its sum of squares ``s``: the parameter falls by
    ``rate * g / sqrt(s)``, then ``s`` grows by ``(rate * g)**2``. The inverse root is within 5e-6 of the true one.

    The four tables are float32 [V, D], the sums of squares above 0; ``slope`` and ``rate`` are float32.
    """
    rows = (words, row), (contexts, column), (word_squares, row), (context_squares, column)
    starts = [builder.gep(table, [builder.mul(at, width)]) for table, at in rows]
    slope, rate = spread(builder, slope), spread(builder, rate)

    def part(memory: _Memory, at: Any) -> None:
        places = [builder.gep(start, [at]) for start in starts]
        word, other = (memory.load(place, 0.0) for place in places[:2])
        squares = [memory.load(place, 1.0) for place in places[2:]]
        for own, against, square, k in ((word, other, squares[0], 0), (other, word, squares[1], 1)):
            gradient = clipped(builder, builder.fmul(slope, against), -LARGEST_GRADIENT, LARGEST_GRADIENT)
            step = builder.fmul(gradient, rate)
            down = builder.fmul(step, _inverse_root(builder, square), flags=_FUSED)
            memory.store(builder.fsub(own, down, flags=_FUSED), places[k])
            memory.store(fused(builder, step, step, square), places[k + 2])

    _for_parts(builder, width, part)


class _Memory:
    """Loads and stores of vectors at any float; with ``left``, of their first ``left`` floats only."""

    def __init__(self, builder: Any, left: Any = None) -> None:
        self.builder = builder
        self.wanted = None if left is None else first_lanes(builder, left)

    def load(self, place: Any, otherwise: float) -> Any:
        place = self.builder.bitcast(place, VECTOR.as_pointer())
        if self.wanted is None:
            return self.builder.load(place, align=4)
        kind = ir.FunctionType(VECTOR, [VECTOR.as_pointer(), INT32, _mask, VECTOR])
        load = self._named("llvm.masked.load.v16f32.p0", kind)
        return self.builder.call(load, [place, INT32(4), self.wanted, constant(otherwise)])

    def store(self, value: Any, place: Any) -> None:
        place = self.builder.bitcast(place, VECTOR.as_pointer())
        if self.wanted is None:
            self.builder.store(value, place, align=4)
            return
        kind = ir.FunctionType(ir.VoidType(), [VECTOR, VECTOR.as_pointer(), INT32, _mask])
        store = self._named("llvm.masked.store.v16f32.p0", kind)
        self.builder.call(store, [value, place, INT32(4), self.wanted])

    def _named(self, name: str, kind: Any) -> Any:
        return self.builder.module.globals.get(name) or ir.Function(self.builder.module, kind, name)


def _for_parts(builder: Any, width: Any, part: Callable[[_Memory, Any], None]) -> None:
    whole = builder.udiv(width, INT64(LANES))
    with cgutils.for_range(builder, whole) as loop:
        part(_Memory(builder), builder.mul(loop.index, INT64(LANES)))
    done = builder.mul(whole, INT64(LANES))
    left = builder.sub(width, done)
    with builder.if_then(builder.icmp_signed(">", left, INT64(0))):
        part(_Memory(builder, left), done)


def _inverse_root(builder: Any, value: Any) -> Any:
    bits = builder.lshr(builder.bitcast(value, INTEGERS), constant(1, INTEGERS))
    root = builder.bitcast(builder.sub(constant(_ESTIMATE, INTEGERS), bits), VECTOR)
    half = builder.fmul(value, constant(-0.5))
    for _ in range(2):
        correction = fused(builder, builder.fmul(half, root), root, constant(1.5))
        root = builder.fmul(root, correction)
    return root


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
