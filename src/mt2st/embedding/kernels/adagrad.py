"""The two inner loops of GloVe as LLVM vector code: a dot product, and the AdaGrad step of two rows.

As plain loops they are bound by square roots, divisions and the compiler's assumption that arrays overlap. Here a
reciprocal square root is an estimate from the number's bits and two Newton steps, which are multiplications. A row's
last, incomplete vector of 16 floats is masked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

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
