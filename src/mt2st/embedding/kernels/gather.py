"""The sum of many rows of a table, and one step added to many: what composed vectors cost, as LLVM vector code.

Unlike the scratch rows of `vector.py`, a table's rows are not padded: their length D is any. A row of 16 floats or more
is read as whole vectors, of which the last ends where the row ends and overlaps the one before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from mt2st.embedding.kernels.emit import (
    FLOAT,
    FLOATS,
    INT32,
    INT64,
    LANES,
    ROWS,
    VECTOR,
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
from mt2st.embedding.kernels.rows import shortened
from mt2st.embedding.kernels.vector import prefetch_row


@njit(nogil=True, fastmath=True, cache=True)
def sum_of_rows(
    total: NDArray[np.float32],
    total_at: int,
    table: NDArray[np.float32],
    rows: NDArray[np.int32],
    first: int,
    count: int,
    scale: np.float32,
) -> None:
    """Set ``total[total_at : total_at + D]`` to ``scale`` times the sum of ``table[rows[first : first + count]]``.

    Args:
        total: flat scratch rows, float32.
        total_at: where the result starts; the padding behind it stays.
        table: float32 [*, D].
        rows: rows of the table, int32; one may come more than once.
        first: the first of them to take.
        count: how many to take.
        scale: factor on the sum.
    """
    if table.shape[1] >= LANES:
        _sum_of_rows(total, total_at, table, rows, first, count, scale)
        return
    for d in range(table.shape[1]):
        value = np.float32(0)
        for k in range(first, first + count):
            value += table[rows[k], d]
        total[total_at + d] = scale * value


@njit(nogil=True, fastmath=True, cache=True)
def add_to_rows(
    table: NDArray[np.float32], rows: NDArray[np.int32], first: int, count: int, step: NDArray[np.float32]
) -> None:
    """Add ``step``, shortened to `LONGEST_STEP`, to each of ``table[rows[first : first + count]]``.

    Args:
        table: float32 [*, D].
        rows: rows of the table, int32; one that comes twice gets the step twice.
        first: the first of them to take.
        count: how many to take.
        step: float32, at least D values.
    """
    scale = shortened(step, table.shape[1])
    if table.shape[1] >= LANES:
        _add_to_rows(table, rows, first, count, step, scale)
        return
    for k in range(first, first + count):
        for d in range(table.shape[1]):
            table[rows[k], d] += scale * step[d]


@njit(nogil=True, cache=True)
def prefetch_rows(table: NDArray[np.float32], rows: NDArray[np.int32], first: int, count: int) -> None:
    """Ask for ``table[rows[first : first + count]]`` to be brought near, without waiting for it."""
    for k in range(first, first + count):
        prefetch_row(table, np.int64(rows[k]))


def _sum_of_rows_intrinsic(
    typingctx: Any,  # noqa: ARG001 - Numba passes it by this name
    total: Any,
    total_at: Any,
    table: Any,
    rows: Any,
    first: Any,
    count: Any,
    scale: Any,  # noqa: ARG001 - its type is given
) -> Emitter:
    """`sum_of_rows` for D of 16 and more."""
    signature = types.void(total, total_at, table, rows, first, count, types.float32)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = [FLOATS, FLOATS, ROWS, INT64, FLOAT, INT64]
        made = function(builder.module, "mt2st_sum_of_rows", kinds, _emit_sum_of_rows)
        start = [array_start(context, builder, signature, arguments, k, at) for k, at in ((0, 1), (2, None), (3, 4))]
        builder.call(made, [*start, *arguments[5:7], _row_size(context, builder, signature, arguments, 2)])
        return context.get_dummy_value()

    return signature, emit


def _add_to_rows_intrinsic(
    typingctx: Any,  # noqa: ARG001 - Numba passes it by this name
    table: Any,
    rows: Any,
    first: Any,
    count: Any,
    step: Any,
    scale: Any,  # noqa: ARG001 - its type is given
) -> Emitter:
    """`add_to_rows` for D of 16 and more."""
    signature = types.void(table, rows, first, count, step, types.float32)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = [FLOATS, ROWS, INT64, FLOATS, FLOAT, INT64]
        made = function(builder.module, "mt2st_add_to_rows", kinds, _emit_add_to_rows)
        table, rows, step = (
            array_start(context, builder, signature, arguments, k, at) for k, at in ((0, None), (1, 2), (4, None))
        )
        size = _row_size(context, builder, signature, arguments, 0)
        builder.call(made, [table, rows, arguments[3], step, arguments[5], size])
        return context.get_dummy_value()

    return signature, emit


_sum_of_rows: Callable[..., None] = intrinsic(_sum_of_rows_intrinsic)
_add_to_rows: Callable[..., None] = intrinsic(_add_to_rows_intrinsic)


def _emit_sum_of_rows(builder: Any, total: Any, table: Any, rows: Any, count: Any, scale: Any, size: Any) -> None:
    def part(before: Any, width: int) -> None:
        places = _places(builder, before, width, size)
        sums = registers(builder, width)
        one = spread(builder, FLOAT(1.0))
        with cgutils.for_range(builder, count) as entry:
            row = _row(builder, table, rows, entry.index, size)
            for place, partial in zip(places, sums, strict=True):
                multiply_add(builder, one, load_vector(builder, row, place), partial)
        factor = spread(builder, scale)
        for place, partial in zip(places, sums, strict=True):
            store_vector(builder, builder.fmul(builder.load(partial), factor), total, place)

    with parts_of_row(builder, ceil_divide(builder, size, INT64(LANES))) as with_code:
        with_code(part)


def _emit_add_to_rows(builder: Any, table: Any, rows: Any, count: Any, step: Any, scale: Any, size: Any) -> None:
    def part(before: Any, width: int) -> None:
        places = _places(builder, before, width, size)
        factor = spread(builder, scale)
        steps = [builder.fmul(load_vector(builder, step, place), factor) for place in places]
        # The row's last vector, moved back, adds nothing where the one before it does.
        end = builder.mul(builder.add(before, INT64(width)), INT64(LANES))
        steps[-1] = _kept_from(builder, steps[-1], builder.sub(builder.sub(end, INT64(LANES)), places[-1]))
        with cgutils.for_range(builder, count) as entry:
            row = _row(builder, table, rows, entry.index, size)
            values = [
                builder.fadd(load_vector(builder, row, place), each) for place, each in zip(places, steps, strict=True)
            ]
            for place, value in zip(reversed(places), reversed(values), strict=True):
                store_vector(builder, value, row, place)  # the moved one first: the one before it has the last word

    with parts_of_row(builder, ceil_divide(builder, size, INT64(LANES))) as with_code:
        with_code(part)


def _places(builder: Any, before: Any, width: int, size: Any) -> list[Any]:
    """Return where the vectors of a part start in a row; the row's last is moved back to end with it."""
    last = builder.sub(size, INT64(LANES))
    places = []
    for v in range(width):
        place = builder.mul(builder.add(before, INT64(v)), INT64(LANES))
        places.append(builder.select(builder.icmp_signed("<", last, place), last, place))
    return places


def _kept_from(builder: Any, value: Any, first: Any) -> Any:
    """Return a vector with 0 in the lanes before ``first``."""
    lanes = ir.VectorType(INT32, LANES)
    undefined = ir.Constant(lanes, ir.Undefined)
    bound = shuffle(
        builder, builder.insert_element(undefined, builder.trunc(first, INT32), INT32(0)), undefined, [0] * LANES
    )
    kept = builder.icmp_signed(">=", ir.Constant(lanes, list(range(LANES))), bound)
    return builder.select(kept, value, ir.Constant(VECTOR, [0.0] * LANES))


def _row(builder: Any, table: Any, rows: Any, index: Any, size: Any) -> Any:
    row = builder.sext(load_at(builder, rows, index), INT64)
    return builder.gep(table, [builder.mul(row, size)])


def _row_size(context: Any, builder: Any, signature: Any, arguments: Any, k: int) -> Any:
    shape = context.make_array(signature.args[k])(context, builder, arguments[k]).shape
    return cgutils.unpack_tuple(builder, shape, 2)[1]  # type: ignore[no-untyped-call]
