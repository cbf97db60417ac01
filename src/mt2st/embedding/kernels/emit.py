"""Building blocks of the LLVM vector code: what the vector functions write their loops with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils

LANES = 16
"""Floats per vector; LLVM lowers it to what the processor has: one AVX-512 register, two of AVX2, four of SSE."""
MOST_SUMS = 8
"""Vectors of a row held in registers at a time: enough independent additions to hide their latency."""
ALIGNED = 4
"""Bytes; a row may start anywhere."""

FLOAT, INT64, INT32 = ir.FloatType(), ir.IntType(64), ir.IntType(32)
VECTOR = ir.VectorType(FLOAT, LANES)
ZEROS = ir.Constant(VECTOR, [0.0] * LANES)


@contextmanager
def parts_of_row(builder: Any, n_vectors: Any) -> Iterator[Callable[[Callable[[Any, int], None]], None]]:
    """Do a row in parts of equal width, as few as registers allow; the last may be narrower.

    Gives a function that takes the code of one part, called as ``code(first vector of the part, width)`` for each width
    from 1 to `MOST_SUMS`, so that the width is a constant and the part's vectors are registers.
    """
    n_parts = ceil_divide(builder, n_vectors, INT64(MOST_SUMS))
    width_slot = cgutils.alloca_once_value(builder, n_vectors)  # type: ignore[no-untyped-call]
    with builder.if_then(builder.icmp_signed(">", n_parts, INT64(1))):  # else spared: a division is slow
        builder.store(ceil_divide(builder, n_vectors, n_parts), width_slot)
    widest = builder.load(width_slot)
    with cgutils.for_range(builder, n_parts) as part:
        before = builder.mul(part.index, widest)
        left = builder.sub(n_vectors, before)
        width = builder.select(builder.icmp_signed("<", left, widest), left, widest)
        done = builder.append_basic_block("done")
        choice = builder.switch(width, done)

        def with_code(code: Callable[[Any, int], None]) -> None:
            for n in range(1, MOST_SUMS + 1):
                block = builder.append_basic_block(f"width{n}")
                choice.add_case(INT64(n), block)
                builder.position_at_end(block)
                code(before, n)
                builder.branch(done)

        yield with_code
        builder.position_at_end(done)


def registers(builder: Any, n: int) -> list[Any]:
    """Return ``n`` vectors of zeros: stack slots by name; LLVM turns them into registers."""
    slots = [cgutils.alloca_once(builder, VECTOR) for _ in range(n)]  # type: ignore[no-untyped-call]
    for slot in slots:
        builder.store(ZEROS, slot)
    return slots


def multiply_add(builder: Any, a: Any, b: Any, total: Any) -> None:
    """Add ``a * b`` to the register ``total``, in one fused instruction where there is one."""
    product = builder.fmul(a, b, flags=("contract",))
    builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)


def load_at(builder: Any, start: Any, index: Any) -> Any:
    """Load ``start[index]``."""
    return builder.load(builder.gep(start, [index]))


def load_vector(builder: Any, start: Any, at: Any) -> Any:
    """Load 16 floats from ``start[at]`` on."""
    return builder.load(builder.bitcast(builder.gep(start, [at]), VECTOR.as_pointer()), align=ALIGNED)


def store_vector(builder: Any, value: Any, start: Any, at: Any) -> None:
    """Store 16 floats to ``start[at]`` on."""
    builder.store(value, builder.bitcast(builder.gep(start, [at]), VECTOR.as_pointer()), align=ALIGNED)


def shuffle(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    """Pick lanes of two vectors: from 0 on those of the first, then those of the second."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT32, len(lanes)), lanes))


def spread(builder: Any, value: Any) -> Any:
    """Return a vector with ``value`` in every lane."""
    single = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, INT32(0))
    return shuffle(builder, single, ir.Constant(VECTOR, ir.Undefined), [0] * LANES)


def sum_of_lanes(builder: Any, value: Any) -> Any:
    """Return the sum of a vector's lanes."""
    width = LANES
    while width > 1:  # halves onto each other
        width //= 2
        halves = (shuffle(builder, value, value, list(range(start, start + width))) for start in (0, width))
        value = builder.fadd(*halves)
    return builder.extract_element(value, INT32(0))


def ceil_divide(builder: Any, a: Any, b: Any) -> Any:
    """Return ``a / b``, rounded up."""
    return builder.udiv(builder.add(a, builder.sub(b, INT64(1))), b)
