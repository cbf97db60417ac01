"""The two inner loops of the kernels, written as LLVM vector code: many dot products, and weighted sums of rows.

Numba's own loops reach a fraction of the machine here: the compiler must assume that arrays overlap, adds up each dot
product across lanes by itself, and keeps no partial sums in registers. These two functions say what is meant on
vectors of 16 floats. LLVM lowers those to what the processor has: one AVX-512 register, two of AVX2, four of SSE.

Rows live in flat float32 scratch arrays, each row padded with zeros to a multiple of `LANES` floats; a row is named by
the position of its first element.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mt2st.embedding.kernels.emit import (
    ALIGNED,
    FLOAT,
    FLOATS,
    INT64,
    LANES,
    POSITIONS,
    Emitter,
    array_start,
    ceil_divide,
    function,
    load_at,
    load_vector,
    multiply_add,
    parts_of_row,
    registers,
    shuffle,
    spread,
    store_vector,
)

GROUP = 8
"""Dot products computed together; lists of rows are padded to a multiple with any valid row."""

_HALF_VECTOR = ir.VectorType(FLOAT, GROUP)

# Merging two vectors of partial sums: indices 0-15 pick from the first, 16-31 from the second; they are the same in
# each quarter of 4 lanes. After three merges, lane k of each half holds half of dot product k.
_QUARTERS = (0, 4, 8, 12)
_MERGES = (
    ([q + k for q in _QUARTERS for k in (0, 16, 1, 17)], [q + k for q in _QUARTERS for k in (2, 18, 3, 19)]),
    ([q + k for q in _QUARTERS for k in (0, 1, 16, 17)], [q + k for q in _QUARTERS for k in (2, 3, 18, 19)]),
    (
        [*range(4), *range(16, 20), *range(8, 12), *range(24, 28)],
        [*range(4, 8), *range(20, 24), *range(12, 16), *range(28, 32)],
    ),
)


def _dot_products(
    typingctx: Any,  # noqa: ARG001 - Numba passes it by this name
    scores: Any,
    scores_at: Any,
    row: Any,
    row_at: Any,
    rows: Any,
    rows_at: Any,
    first: Any,
    count: Any,
    stride: Any,
) -> Emitter:
    """Set each ``scores[scores_at + k]`` to the dot product of ``row[row_at:]`` and ``rows[rows_at[first + k]:]``.

    ``k`` runs from 0 to ``count``, rounded up to a multiple of `GROUP`: ``rows_at`` and ``scores`` must reach so far.
    ``stride`` is the padded length of a row.
    """
    signature = types.void(scores, scores_at, row, row_at, rows, rows_at, first, count, stride)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = function(
            builder.module, "mt2st_dot_products", [FLOATS, FLOATS, FLOATS, POSITIONS, INT64, INT64], _emit_dots
        )
        start = [
            array_start(context, builder, signature, arguments, k, at) for k, at in ((0, 1), (2, 3), (4, None), (5, 6))
        ]
        builder.call(made, [*start, *arguments[7:9]])
        return context.get_dummy_value()

    return signature, emit


def _weighted_sum(
    typingctx: Any,  # noqa: ARG001 - Numba passes it by this name
    total: Any,
    total_at: Any,
    rows: Any,
    rows_at: Any,
    first: Any,
    weights: Any,
    weight_at: Any,
    step: Any,
    count: Any,
    stride: Any,
) -> Emitter:
    """Set ``total[total_at:]`` to the sum of ``weights[weight_at + k * step] * rows[rows_at[first + k]:]``, k < count.

    ``stride`` is the padded length of a row. ``total`` must not be one of ``rows``.
    """
    signature = types.void(total, total_at, rows, rows_at, first, weights, weight_at, step, count, stride)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = [FLOATS, FLOATS, POSITIONS, FLOATS, INT64, INT64, INT64]
        made = function(builder.module, "mt2st_weighted_sum", kinds, _emit_sum)
        start = [
            array_start(context, builder, signature, arguments, k, at) for k, at in ((0, 1), (2, None), (3, 4), (5, 6))
        ]
        builder.call(made, [*start, *arguments[7:10]])
        return context.get_dummy_value()

    return signature, emit


def _prefetch_row(
    typingctx: Any,  # noqa: ARG001 - Numba passes it by this name
    table: Any,
    row: Any,
) -> Emitter:
    """Ask for ``table[row]`` (float32 [V, D]) to be brought near, without waiting for it."""
    signature = types.void(table, row)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        width = cgutils.unpack_tuple(builder, array.shape, 2)[1]  # type: ignore[no-untyped-call]
        start = builder.gep(array.data, [builder.mul(arguments[1], width)])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        module = builder.module
        prefetch = module.globals.get("llvm.prefetch.p0") or ir.Function(module, kind, "llvm.prefetch.p0")
        for_read, near, data = number(0), number(2), number(1)
        with cgutils.for_range(builder, ceil_divide(builder, width, INT64(LANES))) as line:
            address = builder.gep(start, [builder.mul(line.index, INT64(LANES))])
            builder.call(prefetch, [builder.bitcast(address, byte), for_read, near, data])
        return context.get_dummy_value()

    return signature, emit


dot_products: Callable[..., None] = intrinsic(_dot_products)
weighted_sum: Callable[..., None] = intrinsic(_weighted_sum)
prefetch_row: Callable[..., None] = intrinsic(_prefetch_row)


def _emit_dots(builder: Any, scores: Any, row: Any, rows: Any, rows_at: Any, count: Any, stride: Any) -> None:
    with cgutils.for_range(builder, ceil_divide(builder, count, INT64(GROUP))) as group:
        done = builder.mul(group.index, INT64(GROUP))
        starts = [builder.gep(rows, [load_at(builder, rows_at, builder.add(done, INT64(k)))]) for k in range(GROUP)]
        sums = registers(builder, GROUP)
        with cgutils.for_range(builder, builder.udiv(stride, INT64(LANES))) as part:
            at = builder.mul(part.index, INT64(LANES))
            factor = load_vector(builder, row, at)
            for start, total in zip(starts, sums, strict=True):
                multiply_add(builder, factor, load_vector(builder, start, at), total)
        merged = [builder.load(total) for total in sums]
        for low, high in _MERGES:
            pairs = zip(merged[::2], merged[1::2], strict=True)
            merged = [builder.fadd(shuffle(builder, a, b, low), shuffle(builder, a, b, high)) for a, b in pairs]
        halves = [shuffle(builder, merged[0], merged[0], lanes) for lanes in ([*range(8)], [*range(8, 16)])]
        target = builder.bitcast(builder.gep(scores, [done]), _HALF_VECTOR.as_pointer())
        builder.store(builder.fadd(*halves), target, align=ALIGNED)


def _emit_sum(
    builder: Any, total: Any, rows: Any, rows_at: Any, weights: Any, step: Any, count: Any, stride: Any
) -> None:
    def part(before: Any, width: int) -> None:
        begin = builder.mul(before, INT64(LANES))
        sums = registers(builder, width)
        with cgutils.for_range(builder, count) as entry:
            weight = spread(builder, load_at(builder, weights, builder.mul(entry.index, step)))
            row = builder.gep(rows, [builder.add(load_at(builder, rows_at, entry.index), begin)])
            for v, partial in enumerate(sums):
                multiply_add(builder, weight, load_vector(builder, row, INT64(v * LANES)), partial)
        for v, partial in enumerate(sums):
            store_vector(builder, builder.load(partial), total, builder.add(begin, INT64(v * LANES)))

    with parts_of_row(builder, builder.udiv(stride, INT64(LANES))) as with_code:
        with_code(part)
