"""The two inner loops of the kernels, written as LLVM vector code: many dot products, and weighted sums of rows.

Numba's own loops reach a fraction of the machine here: the compiler must assume that arrays overlap, adds up each dot
product across lanes by itself, and keeps no partial sums in registers. These two intrinsics say what is meant on
vectors of 16 floats. LLVM lowers those to what the processor has: one AVX-512 register, two of AVX2, four of NEON or SSE.

Rows live in flat float32 scratch arrays, each row padded with zeros to a multiple of `LANES`; a row is named by the
position of its first element. The number of vectors per row is passed as the **length of a tuple**, ``(0,) * n``, so that
Numba compiles a form for it and the loops over a row unroll.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
"""Floats per vector; rows are padded to a multiple."""
GROUP = 8
"""Dot products computed together; lists of rows are padded to a multiple with any valid row."""
_SUMS_IN_REGISTERS = 8

_float, _int64 = ir.FloatType(), ir.IntType(64)
_vector = ir.VectorType(_float, LANES)
_half_vector = ir.VectorType(_float, GROUP)
_FLOAT_BYTES = 4
_Emit = Callable[[Any, Any, Any, Any], Any]

# Merging two vectors of partial sums: indices 0-15 pick from the first, 16-31 from the second. After three merges,
# lane k of each half holds half the sum of dot product k.
_MERGES = (
    ([0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29], [2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31]),
    ([0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29], [2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31]),
    ([0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27], [4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31]),
)  # fmt: skip


@intrinsic
def dot_products(typingctx, scores, scores_at, row, row_at, rows, rows_at, first, count, vectors):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG001
    """Set ``scores[scores_at + k]`` to the dot product of ``row[row_at:]`` and ``rows[rows_at[first + k]:]``, k < count.

    ``count`` is rounded up to a multiple of `GROUP`: ``rows_at`` and ``scores`` must reach so far.
    """
    signature = types.void(scores, scores_at, row, row_at, rows, rows_at, first, count, vectors)

    def emit(context, builder, signature, arguments) -> Any:  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN401
        scores, row, rows, rows_at = (_data(context, builder, signature, arguments, k) for k in (0, 2, 4, 5))
        scores = builder.gep(scores, [arguments[1]])
        row = builder.gep(row, [arguments[3]])
        rows_at = builder.gep(rows_at, [arguments[6]])
        n_vectors = len(signature.args[8])
        groups = builder.udiv(builder.add(arguments[7], _int64(GROUP - 1)), _int64(GROUP))
        with cgutils.for_range(builder, groups) as loop:
            done = builder.mul(loop.index, _int64(GROUP))
            starts = [
                builder.gep(rows, [builder.load(builder.gep(rows_at, [builder.add(done, _int64(k))]))])
                for k in range(GROUP)
            ]
            sums: list[Any] = [None] * GROUP
            for v in range(n_vectors):
                factor = _load(builder, row, v)
                for k in range(GROUP):
                    sums[k] = _multiply_add(builder, factor, _load(builder, starts[k], v), sums[k])
            for low, high in _MERGES:
                sums = [
                    builder.fadd(_shuffle(builder, a, b, low), _shuffle(builder, a, b, high), flags=("contract",))
                    for a, b in zip(sums[::2], sums[1::2], strict=True)
                ]
            lower, upper = (_shuffle(builder, sums[0], sums[0], half) for half in (range(8), range(8, 16)))
            _store(builder, builder.fadd(lower, upper), builder.gep(scores, [done]), _half_vector)
        return context.get_dummy_value()

    return signature, emit


@intrinsic
def weighted_sum(typingctx, total, total_at, rows, rows_at, first, weights, weight_at, step, count, vectors):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG001
    """Set ``total[total_at:]`` to the sum over ``k < count`` of ``weights[weight_at + k * step] * rows[rows_at[first + k]:]``."""
    signature = types.void(total, total_at, rows, rows_at, first, weights, weight_at, step, count, vectors)

    def emit(context, builder, signature, arguments) -> Any:  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN401
        total, rows, rows_at, weights = (_data(context, builder, signature, arguments, k) for k in (0, 2, 3, 5))
        total = builder.gep(total, [arguments[1]])
        rows_at = builder.gep(rows_at, [arguments[4]])
        weights = builder.gep(weights, [arguments[6]])
        step, count = arguments[7:9]
        n_vectors = len(signature.args[9])
        for start in range(0, n_vectors, _SUMS_IN_REGISTERS):
            part = range(start, min(start + _SUMS_IN_REGISTERS, n_vectors))
            sums = {v: cgutils.alloca_once(builder, _vector) for v in part}  # becomes a register
            for v in part:
                builder.store(ir.Constant(_vector, [0.0] * LANES), sums[v])
            with cgutils.for_range(builder, count) as loop:
                weight = _spread(builder, builder.load(builder.gep(weights, [builder.mul(loop.index, step)])))
                row = builder.gep(rows, [builder.load(builder.gep(rows_at, [loop.index]))])
                for v in part:
                    new = _multiply_add(builder, weight, _load(builder, row, v), builder.load(sums[v]))
                    builder.store(new, sums[v])
            for v in part:
                _store(builder, builder.load(sums[v]), builder.gep(total, [_int64(v * LANES)]), _vector)
        return context.get_dummy_value()

    return signature, emit


def _data(context: Any, builder: Any, signature: Any, arguments: Any, k: int) -> Any:  # noqa: ANN401
    return context.make_array(signature.args[k])(context, builder, arguments[k]).data


def _load(builder: Any, start: Any, v: int) -> Any:  # noqa: ANN401
    pointer = builder.bitcast(builder.gep(start, [_int64(v * LANES)]), _vector.as_pointer())
    return builder.load(pointer, align=_FLOAT_BYTES)


def _store(builder: Any, value: Any, pointer: Any, kind: ir.VectorType) -> None:  # noqa: ANN401
    builder.store(value, builder.bitcast(pointer, kind.as_pointer()), align=_FLOAT_BYTES)


def _multiply_add(builder: Any, a: Any, b: Any, total: Any) -> Any:  # noqa: ANN401
    product = builder.fmul(a, b, flags=("contract",))  # contract: one fused instruction where there is one
    return product if total is None else builder.fadd(product, total, flags=("contract",))


def _shuffle(builder: Any, a: Any, b: Any, order: Any) -> Any:  # noqa: ANN401
    order = list(order)
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order))


def _spread(builder: Any, value: Any) -> Any:  # noqa: ANN401
    single = builder.insert_element(ir.Constant(_vector, ir.Undefined), value, ir.IntType(32)(0))
    return _shuffle(builder, single, ir.Constant(_vector, ir.Undefined), [0] * LANES)
