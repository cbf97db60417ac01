"""Sums over windows of neighbouring rows, and their adjoint, by running sums: two rows read per window, however wide.

With ``sums[k]`` the sum of the rows before the k-th, rows ``first`` to ``last`` (exclusive) sum up to ``sums[last] -
sums[first]``. Backwards, a window gives one step to each of its rows: it is added to the **changes** at ``first`` and
taken off at ``last``, and the running sum of the changes is what each row gets. Sums run over one block (some dozens of
rows), so that float32 loses no more than two digits of its seven there.

Rows are scratch rows (`gather.py`), named by the position of their first element.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numba.core import cgutils

from mt2st.embedding.kernels.llvm import (
    INT64,
    LANES,
    ZEROS,
    Gives,
    Takes,
    load_vector,
    multiply_add,
    parts_of_row,
    registers,
    spread,
    store_vector,
    sum_of_lanes,
    vector_function,
)


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

    with parts_of_row(builder, builder.udiv(stride, INT64(LANES))) as with_code:
        with_code(part)


@vector_function(Takes.ARRAY_AT, Takes.ARRAY, *[Takes.INTEGER] * 4, Takes.NUMBER, Takes.INTEGER)
def window_without(
    builder: Any, total: Any, sums: Any, first: Any, last: Any, own: Any, after: Any, scale: Any, stride: Any
) -> None:
    """Set ``total`` to ``scale`` times the sum of rows ``first`` to ``last`` less the row ``own``.

    ``after`` is the row after ``own``. A window of that row alone gives exactly 0.
    """
    factor = spread(builder, scale)
    with parts_of_row(builder, builder.udiv(stride, INT64(LANES))) as with_code:

        def part(before: Any, width: int) -> None:
            for at in _vectors(builder, before, width):
                a, b, c, d = (load_vector(builder, builder.gep(sums, [row]), at) for row in (first, last, own, after))
                others = builder.fsub(builder.fsub(b, a), builder.fsub(d, c))
                store_vector(builder, builder.fmul(factor, others), total, at)

        with_code(part)


@vector_function(Takes.ARRAY_AT, Takes.ARRAY_AT, Takes.ARRAY_AT, Takes.INTEGER)
def add_to_window(builder: Any, first: Any, last: Any, step: Any, stride: Any) -> None:
    """Note in the changes, of which two rows are given, that ``step`` goes to rows ``first`` to ``last``, exclusive."""

    def part(before: Any, width: int) -> None:
        for at in _vectors(builder, before, width):
            value = load_vector(builder, step, at)
            store_vector(builder, builder.fadd(load_vector(builder, first, at), value), first, at)
            store_vector(builder, builder.fsub(load_vector(builder, last, at), value), last, at)

    with parts_of_row(builder, builder.udiv(stride, INT64(LANES))) as with_code:
        with_code(part)


@vector_function(Takes.ARRAY, Takes.ARRAY, Takes.ARRAY_AT, Takes.ARRAY_AT, Takes.INTEGER, gives=Gives.NUMBER)
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

    with parts_of_row(builder, builder.udiv(stride, INT64(LANES))) as with_code:
        with_code(part)
    return sum_of_lanes(builder, builder.load(squares))


def _vectors(builder: Any, before: Any, width: int) -> Iterator[Any]:
    begin = builder.mul(before, INT64(LANES))
    return (builder.add(begin, INT64(v * LANES)) for v in range(width))
