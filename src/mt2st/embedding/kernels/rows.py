"""From a table to scratch rows and back, as LLVM vector code: copies and sums of rows, and one step for many rows.

A table's rows have any length D. A scratch row is padded with zeros to a multiple of 16 floats. If D is 16 or more, the
zeros stand **before** its last ``D % 16`` values. A table's row is read in whole vectors, and the last one ends where
the row ends: it overlaps the vector before it, and the values that are read twice become the zeros. So scratch rows are
written and read in the same whole vectors. (A vector that straddles two vectors just written has to wait until both
reach the cache.)

Parameters: ``table`` is float32 [*, D], ``scratch`` flat float32, ``rows`` int32 rows of the table, of which ``count``
are taken from place ``first`` on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.core import cgutils

from mt2st.embedding.kernels.llvm import (
    FLOAT,
    INT32,
    INT64,
    LANE_NUMBERS,
    LANES,
    ZEROS,
    Takes,
    ceil_divide,
    for_parts_of_row,
    load_at,
    load_vector,
    multiply_add,
    registers,
    spread,
    store_vector,
    vector_function,
)
from mt2st.embedding.kernels.sampling import Floats, Ids
from mt2st.embedding.kernels.vector import prefetch_row

LONGEST_STEP = np.float32(1.0)
"""How far a row moves at most in one block.

The steps of a block add up without seeing each other. Where one row takes part in very many pairs (a word that repeats
itself, a vocabulary of a few dozen words, a high learning rate), their sum overshoots, each time further, to infinity;
word by word it would not. Cut to this length, the same training settles. Ordinary steps are far shorter.
"""


@njit(nogil=True, cache=True)
def padded(size: int) -> int:
    """Return the length of a scratch row for vectors of ``size``: the next multiple of `LANES`."""
    return (size + LANES - 1) // LANES * LANES


@njit(nogil=True, fastmath=True, cache=True)
def shortened(squared: np.float32) -> np.float32:
    """Return the factor, 1 or less, that cuts a step of this squared length to `LONGEST_STEP`."""
    if squared > LONGEST_STEP * LONGEST_STEP:
        return np.float32(LONGEST_STEP / np.sqrt(squared))
    return np.float32(1)


@njit(nogil=True, fastmath=True, cache=True)
def copy_rows(scratch: Floats, scratch_at: int, table: Floats, rows: Ids, first: int, count: int) -> None:
    """Copy ``table[rows[first : first + count]]`` to scratch rows one behind the other, from ``scratch_at`` on."""
    if table.shape[1] >= LANES:
        _copy_rows(scratch, scratch_at, table, rows, first, count)
        return
    for k in range(count):
        for d in range(table.shape[1]):
            scratch[scratch_at + k * LANES + d] = table[rows[first + k], d]


@njit(nogil=True, fastmath=True, cache=True)
def sum_of_rows(
    scratch: Floats, scratch_at: int, table: Floats, rows: Ids, first: int, count: int, scale: np.float32
) -> None:
    """Set the scratch row at ``scratch_at`` to ``scale`` times the sum of ``table[rows[first : first + count]]``."""
    if table.shape[1] >= LANES:
        _sum_of_rows(scratch, scratch_at, table, rows, first, count, scale)
        return
    for d in range(table.shape[1]):
        value = np.float32(0)
        for k in range(first, first + count):
            value += table[rows[k], d]
        scratch[scratch_at + d] = scale * value


@njit(nogil=True, fastmath=True, cache=True)
def add_to_rows(table: Floats, rows: Ids, first: int, count: int, step: Floats, squared: np.float32) -> None:
    """Add a scratch row, shortened to `LONGEST_STEP`, to each of ``table[rows[first : first + count]]``.

    ``squared`` is the squared length of ``step``. A row that comes twice gets the step twice.
    """
    scale = shortened(squared)
    if table.shape[1] >= LANES:
        _add_to_rows(table, rows, first, count, step, scale)
        return
    for k in range(first, first + count):
        for d in range(table.shape[1]):
            table[rows[k], d] += scale * step[d]


@njit(nogil=True, cache=True)
def prefetch_rows(table: Floats, rows: Ids, first: int, count: int) -> None:
    """Ask for ``table[rows[first : first + count]]`` to be brought near, without waiting for it."""
    for k in range(first, first + count):
        prefetch_row(table, np.int64(rows[k]))


@vector_function(Takes.ARRAY_AT, Takes.TABLE, Takes.ARRAY_AT, Takes.INTEGER)
def _copy_rows(builder: Any, scratch: Any, table: Any, size: Any, rows: Any, count: Any) -> None:
    n_vectors = ceil_divide(builder, size, INT64(LANES))
    stride = builder.mul(n_vectors, INT64(LANES))

    def part(before: Any, width: int) -> None:
        places, kept = _places(builder, before, width, size)
        begin = builder.mul(before, INT64(LANES))
        with cgutils.for_range(builder, count) as entry:
            row = _row(builder, table, rows, entry.index, size)
            target = builder.gep(scratch, [builder.add(builder.mul(entry.index, stride), begin)])
            values = [load_vector(builder, row, place) for place in places]
            values[-1] = builder.select(kept, values[-1], ZEROS)
            for v, value in enumerate(values):
                store_vector(builder, value, target, INT64(v * LANES))

    for_parts_of_row(builder, n_vectors, part)


@vector_function(Takes.ARRAY_AT, Takes.TABLE, Takes.ARRAY_AT, Takes.INTEGER, Takes.NUMBER)
def _sum_of_rows(builder: Any, scratch: Any, table: Any, size: Any, rows: Any, count: Any, scale: Any) -> None:

    def part(before: Any, width: int) -> None:
        places, kept = _places(builder, before, width, size)
        sums = registers(builder, width)
        one = spread(builder, FLOAT(1.0))
        with cgutils.for_range(builder, count) as entry:
            row = _row(builder, table, rows, entry.index, size)
            for place, partial in zip(places, sums, strict=True):
                multiply_add(builder, one, load_vector(builder, row, place), partial)
        factor = spread(builder, scale)
        values = [builder.fmul(builder.load(partial), factor) for partial in sums]
        values[-1] = builder.select(kept, values[-1], ZEROS)
        for v, value in enumerate(values):
            store_vector(builder, value, scratch, builder.mul(builder.add(before, INT64(v)), INT64(LANES)))

    for_parts_of_row(builder, ceil_divide(builder, size, INT64(LANES)), part)


@vector_function(Takes.TABLE, Takes.ARRAY_AT, Takes.INTEGER, Takes.ARRAY, Takes.NUMBER)
def _add_to_rows(builder: Any, table: Any, size: Any, rows: Any, count: Any, step: Any, scale: Any) -> None:

    def part(before: Any, width: int) -> None:
        places, _ = _places(builder, before, width, size)
        factor = spread(builder, scale)
        starts = [builder.mul(builder.add(before, INT64(v)), INT64(LANES)) for v in range(width)]
        steps = [builder.fmul(load_vector(builder, step, start), factor) for start in starts]
        with cgutils.for_range(builder, count) as entry:
            row = _row(builder, table, rows, entry.index, size)
            values = [
                builder.fadd(load_vector(builder, row, place), each) for place, each in zip(places, steps, strict=True)
            ]
            for place, value in zip(reversed(places), reversed(values), strict=True):
                store_vector(builder, value, row, place)  # the moved one first: the one before it has the last word

    for_parts_of_row(builder, ceil_divide(builder, size, INT64(LANES)), part)


def _places(builder: Any, before: Any, width: int, size: Any) -> tuple[list[Any], Any]:
    """Return where the vectors of a part start in a table's row, and which lanes of the part's last one count.

    The row's last vector is moved back to end with the row; lanes that belong to the vector before do not count.
    """
    last = builder.sub(size, INT64(LANES))
    starts = [builder.mul(builder.add(before, INT64(v)), INT64(LANES)) for v in range(width)]
    places = [builder.select(builder.icmp_signed("<", last, start), last, start) for start in starts]
    moved_by = builder.trunc(builder.sub(starts[-1], places[-1]), INT32)
    return places, builder.icmp_signed(">=", LANE_NUMBERS, spread(builder, moved_by))


def _row(builder: Any, table: Any, rows: Any, index: Any, size: Any) -> Any:
    row = builder.sext(load_at(builder, rows, index), INT64)
    return builder.gep(table, [builder.mul(row, size)])
