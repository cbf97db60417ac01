"""The inner loops of the kernels as LLVM vector code: dot products, weighted sums of rows, sums over windows of rows.

Numba's own loops reach a fraction of the machine here: the compiler must assume that arrays overlap, sums up each dot
product across lanes by itself, and keeps no partial sums in registers. These functions work on vectors of 16 floats,
which LLVM lowers to what the processor has: one AVX-512 register, two of AVX2, four of SSE.

Rows are scratch rows (`rows.py`): flat float32, padded to a multiple of `LANES`. A row is named by the position of its
first element, and ``stride`` is the padded length of a row.

**Windows.** With ``sums[k]`` the sum of the rows before the k-th, rows ``first`` to ``last`` (exclusive) sum up to
``sums[last] - sums[first]``: two rows read per window, however wide. Backwards, a window gives one step to each of its
rows: it is added to the **changes** at ``first`` and taken off at ``last``, and the running sum of the changes is what
each row gets. Sums run over one block (some dozens of rows), so that float32 loses no more than two of its seven
digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from mt2st.embedding.kernels.llvm import (
    ALIGNED,
    FLOAT,
    INT64,
    LANES,
    ZEROS,
    Takes,
    ceil_divide,
    for_parts_of_row,
    load_at,
    load_vector,
    multiply_add,
    registers,
    shuffle,
    spread,
    store_vector,
    sum_of_lanes,
    vector_function,
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


@vector_function(Takes.ARRAY_AT, Takes.ARRAY_AT, Takes.ARRAY, Takes.ARRAY_AT, Takes.INTEGER, Takes.INTEGER)
def dot_products(builder: Any, scores: Any, row: Any, rows: Any, rows_at: Any, count: Any, stride: Any) -> None:
    """Set each ``scores[k]`` to the dot product of ``row`` and ``rows[rows_at[k]:]``.

    ``k`` runs from 0 to ``count``, rounded up to a multiple of `GROUP`: ``rows_at`` and ``scores`` must reach so far.
    """
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


@vector_function(
    *(Takes.ARRAY_AT, Takes.ARRAY, Takes.ARRAY_AT, Takes.ARRAY_AT),
    *(Takes.INTEGER, Takes.INTEGER, Takes.INTEGER),
    gives=types.float32,
)
def weighted_sum(
    builder: Any, total: Any, rows: Any, rows_at: Any, weights: Any, step: Any, count: Any, stride: Any
) -> Any:
    """Set ``total`` to the sum of ``weights[k * step] * rows[rows_at[k]:]`` for k < count; return its squared length.

    ``total`` must not be one of ``rows``.
    """
    (squares,) = registers(builder, 1)

    def part(before: Any, width: int) -> None:
        begin = builder.mul(before, INT64(LANES))
        sums = registers(builder, width)
        with cgutils.for_range(builder, count) as entry:
            weight = spread(builder, load_at(builder, weights, builder.mul(entry.index, step)))
            row = builder.gep(rows, [builder.add(load_at(builder, rows_at, entry.index), begin)])
            for v, partial in enumerate(sums):
                multiply_add(builder, weight, load_vector(builder, row, INT64(v * LANES)), partial)
        for v, partial in enumerate(sums):
            value = builder.load(partial)
            store_vector(builder, value, total, builder.add(begin, INT64(v * LANES)))
            multiply_add(builder, value, value, squares)

    for_parts_of_row(builder, builder.udiv(stride, INT64(LANES)), part)
    return sum_of_lanes(builder, builder.load(squares))


@vector_function(Takes.TABLE, Takes.INTEGER)
def prefetch_row(builder: Any, table: Any, size: Any, row: Any) -> None:
    """Ask for ``table[row]`` (float32 [V, D]) to be brought near, without waiting for it."""
    start = builder.gep(table, [builder.mul(row, size)])
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
    module = builder.module
    prefetch = module.globals.get("llvm.prefetch.p0") or ir.Function(module, kind, "llvm.prefetch.p0")
    for_read, near, data = number(0), number(2), number(1)
    with cgutils.for_range(builder, ceil_divide(builder, size, INT64(LANES))) as line:
        address = builder.gep(start, [builder.mul(line.index, INT64(LANES))])
        builder.call(prefetch, [builder.bitcast(address, byte), for_read, near, data])


@vector_function(Takes.ARRAY_AT, Takes.INTEGER, Takes.INTEGER)
def running_sums(builder: Any, rows: Any, count: Any, stride: Any) -> None:
    """Replace each of ``count`` rows by the sum of the rows up to and with it."""

    def part(before: Any, width: int) -> None:
        begin = builder.mul(before, INT64(LANES))
        sums = registers(builder, width)
        with cgutils.for_range(builder, count) as entry:
            row = builder.gep(rows, [builder.add(builder.mul(entry.index, stride), begin)])
            for v, partial in enumerate(sums):
                value = builder.fadd(builder.load(partial), load_vector(builder, row, INT64(v * LANES)))
                builder.store(value, partial)
                store_vector(builder, value, row, INT64(v * LANES))

    for_parts_of_row(builder, builder.udiv(stride, INT64(LANES)), part)


@vector_function(Takes.ARRAY_AT, Takes.ARRAY, *[Takes.INTEGER] * 4, Takes.NUMBER, Takes.INTEGER)
def window_without(
    builder: Any, total: Any, sums: Any, first: Any, last: Any, own: Any, after: Any, scale: Any, stride: Any
) -> None:
    """Set ``total`` to ``scale`` times the sum of rows ``first`` to ``last`` less the row ``own``.

    ``after`` is the row after ``own``. A window of that row alone gives exactly 0.
    """
    factor = spread(builder, scale)

    def part(before: Any, width: int) -> None:
        for at in _vectors(builder, before, width):
            a, b, c, d = (load_vector(builder, builder.gep(sums, [row]), at) for row in (first, last, own, after))
            others = builder.fsub(builder.fsub(b, a), builder.fsub(d, c))
            store_vector(builder, builder.fmul(factor, others), total, at)

    for_parts_of_row(builder, builder.udiv(stride, INT64(LANES)), part)


@vector_function(Takes.ARRAY_AT, Takes.ARRAY_AT, Takes.ARRAY_AT, Takes.INTEGER)
def add_to_window(builder: Any, first: Any, last: Any, step: Any, stride: Any) -> None:
    """Note in two rows of changes that ``step`` goes to the rows ``first`` to ``last``, exclusive."""

    def part(before: Any, width: int) -> None:
        for at in _vectors(builder, before, width):
            value = load_vector(builder, step, at)
            store_vector(builder, builder.fadd(load_vector(builder, first, at), value), first, at)
            store_vector(builder, builder.fsub(load_vector(builder, last, at), value), last, at)

    for_parts_of_row(builder, builder.udiv(stride, INT64(LANES)), part)


@vector_function(Takes.ARRAY, Takes.ARRAY, Takes.ARRAY_AT, Takes.ARRAY_AT, Takes.INTEGER, gives=types.float32)
def next_step(builder: Any, step: Any, running: Any, change: Any, own: Any, stride: Any) -> Any:
    """Set ``step``, what the next word gets, to ``running`` less ``own``, and return its squared length.

    Before, the word's ``change`` is added to ``running``, and set to 0 for the next block.
    """
    (squares,) = registers(builder, 1)

    def part(before: Any, width: int) -> None:
        for at in _vectors(builder, before, width):
            total = builder.fadd(load_vector(builder, running, at), load_vector(builder, change, at))
            value = builder.fsub(total, load_vector(builder, own, at))
            store_vector(builder, total, running, at)
            store_vector(builder, ZEROS, change, at)
            store_vector(builder, value, step, at)
            multiply_add(builder, value, value, squares)

    for_parts_of_row(builder, builder.udiv(stride, INT64(LANES)), part)
    return sum_of_lanes(builder, builder.load(squares))


def _vectors(builder: Any, before: Any, width: int) -> Iterator[Any]:
    begin = builder.mul(before, INT64(LANES))
    return (builder.add(begin, INT64(v * LANES)) for v in range(width))
