"""LLVM vector code: its building blocks, and how it becomes a function that compiled Numba code can call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from inspect import Parameter, Signature
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
"""Floats per vector; LLVM lowers it to what the processor has: one AVX-512 register, two of AVX2, four of SSE."""
MOST_SUMS = 8
"""Vectors of a row held in registers at a time: enough independent additions to hide their latency."""
ALIGNED = 4
"""Bytes; a row may start anywhere."""

FLOAT, INT64, INT32 = ir.FloatType(), ir.IntType(64), ir.IntType(32)
VECTOR, INTEGERS = ir.VectorType(FLOAT, LANES), ir.VectorType(INT32, LANES)
LANE_NUMBERS = ir.Constant(INTEGERS, list(range(LANES)))
ZEROS = ir.Constant(VECTOR, [0.0] * LANES)


def for_parts_of_row(builder: Any, n_vectors: Any, code: Callable[[Any, int], None]) -> None:
    """Process a row in parts of equal width, as few as registers allow; the last may be narrower.

    ``code(first vector of the part, width)`` writes the code of one part, for each width from 1 to `MOST_SUMS`: the
    width is a constant, so the part's vectors are registers.
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
        for n in range(1, MOST_SUMS + 1):
            block = builder.append_basic_block(f"width{n}")
            choice.add_case(INT64(n), block)
            builder.position_at_end(block)
            code(before, n)
            builder.branch(done)
        builder.position_at_end(done)


def registers(builder: Any, n: int) -> list[Any]:
    """Return ``n`` vectors of zeros: stack slots by name; LLVM turns them into registers."""
    slots = [cgutils.alloca_once(builder, VECTOR) for _ in range(n)]  # type: ignore[no-untyped-call]
    for slot in slots:
        builder.store(ZEROS, slot)
    return slots


def constant(value: float, kind: Any = VECTOR) -> Any:
    """Return a vector of the same constant in every lane."""
    return ir.Constant(kind, [value] * LANES)


def fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c``, in one fused instruction where there is one."""
    return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))


def multiply_add(builder: Any, a: Any, b: Any, total: Any) -> None:
    """Add ``a * b`` to the register ``total``."""
    builder.store(fused(builder, a, b, builder.load(total)), total)


def clipped(builder: Any, value: Any, low: float, high: float) -> Any:
    """Return a vector with every lane brought into ``[low, high]``."""
    value = builder.select(builder.fcmp_ordered("<", value, constant(low)), constant(low), value)
    return builder.select(builder.fcmp_ordered(">", value, constant(high)), constant(high), value)


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
    """Return a vector with ``value`` (a float32 or an int32) in every lane."""
    undefined = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
    return shuffle(builder, builder.insert_element(undefined, value, INT32(0)), undefined, [0] * LANES)


def first_lanes(builder: Any, count: Any) -> Any:
    """Return a mask of the first ``count`` (an int64) lanes."""
    return builder.icmp_signed("<", LANE_NUMBERS, spread(builder, builder.trunc(count, INT32)))


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


class Takes(Enum):
    """What a parameter of a vector function is to its caller, and what the vector code gets for it."""

    ARRAY = auto()
    """An array; the code gets its address."""
    ARRAY_AT = auto()
    """Two arguments, an array and a position in it; the code gets that element's address."""
    TABLE = auto()
    """An array of rows; the code gets its address and the length of a row."""
    INTEGER = auto()
    """An int64."""
    NUMBER = auto()
    """A float32."""


_SCALARS = {Takes.INTEGER: types.int64, Takes.NUMBER: types.float32}


def vector_function(
    *parameters: Takes, gives: types.Type = types.void
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function for Numba code from one that writes its LLVM code.

    The decorated function gets an ``IRBuilder`` and the values of its parameters (two for a `Takes.TABLE`), writes the
    code, and returns the result's value if there is one. The code is in a module once, however often it is called. What
    the first parameter points to must not overlap with the rest.
    """

    def declare(write_code: Callable[..., Any]) -> Callable[..., Any]:
        name = f"mt2st_{write_code.__name__}"

        def typed(_: Any, *given: Any) -> tuple[Any, Callable[[Any, Any, Any, Any], Any]]:
            def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                values = list(_values(context, builder, parameters, signature.args, arguments))
                if name not in builder.module.globals:
                    result = ir.VoidType() if gives is types.void else context.get_value_type(gives)
                    kind = ir.FunctionType(result, [value.type for value in values])
                    _add_function(builder.module, name, kind, write_code)
                called = builder.call(builder.module.globals[name], values)
                return context.get_dummy_value() if gives is types.void else called

            return gives(*_argument_types(parameters, given)), emit

        typed.__name__, typed.__doc__, typed.__module__ = write_code.__name__, write_code.__doc__, write_code.__module__
        typed.__signature__ = _call_signature(parameters)  # type: ignore[attr-defined] # Numba asks for it
        made: Callable[..., Any] = intrinsic(typed)
        return made

    return declare


def _call_signature(parameters: tuple[Takes, ...]) -> Signature:
    n_arguments = 1 + len(parameters) + parameters.count(Takes.ARRAY_AT)  # the first is the typing context
    return Signature([Parameter(f"a{k}", Parameter.POSITIONAL_OR_KEYWORD) for k in range(n_arguments)])


def _argument_types(parameters: tuple[Takes, ...], given: tuple[Any, ...]) -> Iterator[Any]:
    rest = iter(given)
    for parameter in parameters:
        yield _SCALARS.get(parameter, next(rest))
        if parameter is Takes.ARRAY_AT:
            next(rest)
            yield types.int64


def _values(
    context: Any, builder: Any, parameters: tuple[Takes, ...], kinds: tuple[Any, ...], arguments: tuple[Any, ...]
) -> Iterator[Any]:
    rest = iter(zip(kinds, arguments, strict=True))
    for parameter in parameters:
        kind, value = next(rest)
        if parameter in _SCALARS:
            yield value
            continue
        array = context.make_array(kind)(context, builder, value)
        if parameter is Takes.ARRAY_AT:
            yield builder.gep(array.data, [next(rest)[1]])
            continue
        yield array.data
        if parameter is Takes.TABLE:
            yield cgutils.unpack_tuple(builder, array.shape, 2)[1]  # type: ignore[no-untyped-call]


def _add_function(module: Any, name: str, kind: Any, write_code: Callable[..., Any]) -> None:
    made = ir.Function(module, kind, name)
    made.linkage = "internal"
    made.args[0].add_attribute("noalias")
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    value = write_code(builder, *made.args)
    builder.ret_void() if value is None else builder.ret(value)
