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

LANES = 16
"""Floats per vector; rows are padded to a multiple."""
GROUP = 8
"""Dot products computed together; lists of rows are padded to a multiple with any valid row."""
_MOST_SUMS = 8
"""Vectors of a sum held in registers: enough independent additions to hide their latency."""

_float, _int64 = ir.FloatType(), ir.IntType(64)
_vector, _half_vector = ir.VectorType(_float, LANES), ir.VectorType(_float, GROUP)
_zeros = ir.Constant(_vector, [0.0] * LANES)
_floats, _positions = _float.as_pointer(), _int64.as_pointer()
_ALIGNED = 4  # bytes; a row may start anywhere
_Emitter = tuple[Any, Callable[[Any, Any, Any, Any], Any]]

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
) -> _Emitter:
    """Set each ``scores[scores_at + k]`` to the dot product of ``row[row_at:]`` and ``rows[rows_at[first + k]:]``.

    ``k`` runs from 0 to ``count``, rounded up to a multiple of `GROUP`: ``rows_at`` and ``scores`` must reach so far.
    ``stride`` is the padded length of a row.
    """
    signature = types.void(scores, scores_at, row, row_at, rows, rows_at, first, count, stride)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function = _function(
            builder.module, "mt2st_dot_products", [_floats, _floats, _floats, _positions, _int64, _int64], _emit_dots
        )
        start = [_start(context, builder, signature, arguments, k, at) for k, at in ((0, 1), (2, 3), (4, None), (5, 6))]
        builder.call(function, [*start, *arguments[7:9]])
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
) -> _Emitter:
    """Set ``total[total_at:]`` to the sum of ``weights[weight_at + k * step] * rows[rows_at[first + k]:]``, k < count.

    ``stride`` is the padded length of a row. ``total`` must not be one of ``rows``.
    """
    signature = types.void(total, total_at, rows, rows_at, first, weights, weight_at, step, count, stride)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = [_floats, _floats, _positions, _floats, _int64, _int64, _int64]
        function = _function(builder.module, "mt2st_weighted_sum", kinds, _emit_sum)
        start = [_start(context, builder, signature, arguments, k, at) for k, at in ((0, 1), (2, None), (3, 4), (5, 6))]
        builder.call(function, [*start, *arguments[7:10]])
        return context.get_dummy_value()

    return signature, emit


def _prefetch_row(
    typingctx: Any,  # noqa: ARG001 - Numba passes it by this name
    table: Any,
    row: Any,
) -> _Emitter:
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
        with cgutils.for_range(builder, _ceil_divide(builder, width, _int64(LANES))) as line:
            address = builder.gep(start, [builder.mul(line.index, _int64(LANES))])
            builder.call(prefetch, [builder.bitcast(address, byte), for_read, near, data])
        return context.get_dummy_value()

    return signature, emit


dot_products: Callable[..., None] = intrinsic(_dot_products)
weighted_sum: Callable[..., None] = intrinsic(_weighted_sum)
prefetch_row: Callable[..., None] = intrinsic(_prefetch_row)


def _emit_dots(builder: Any, scores: Any, row: Any, rows: Any, rows_at: Any, count: Any, stride: Any) -> None:
    with cgutils.for_range(builder, _ceil_divide(builder, count, _int64(GROUP))) as group:
        done = builder.mul(group.index, _int64(GROUP))
        starts = [builder.gep(rows, [_load_at(builder, rows_at, builder.add(done, _int64(k)))]) for k in range(GROUP)]
        sums = _registers(builder, GROUP)
        with cgutils.for_range(builder, builder.udiv(stride, _int64(LANES))) as part:
            at = builder.mul(part.index, _int64(LANES))
            factor = _load_vector(builder, row, at)
            for start, total in zip(starts, sums, strict=True):
                _multiply_add(builder, factor, _load_vector(builder, start, at), total)
        merged = [builder.load(total) for total in sums]
        for low, high in _MERGES:
            pairs = zip(merged[::2], merged[1::2], strict=True)
            merged = [builder.fadd(_shuffle(builder, a, b, low), _shuffle(builder, a, b, high)) for a, b in pairs]
        halves = [_shuffle(builder, merged[0], merged[0], lanes) for lanes in ([*range(8)], [*range(8, 16)])]
        target = builder.bitcast(builder.gep(scores, [done]), _half_vector.as_pointer())
        builder.store(builder.fadd(*halves), target, align=_ALIGNED)


def _emit_sum(
    builder: Any, total: Any, rows: Any, rows_at: Any, weights: Any, step: Any, count: Any, stride: Any
) -> None:
    # A row is done in parts of equal width, as few as registers allow; the last may be narrower.
    n_vectors = builder.udiv(stride, _int64(LANES))
    n_parts = _ceil_divide(builder, n_vectors, _int64(_MOST_SUMS))
    width_slot = cgutils.alloca_once_value(builder, n_vectors)  # type: ignore[no-untyped-call]
    with builder.if_then(builder.icmp_signed(">", n_parts, _int64(1))):  # else spared: a division is slow
        builder.store(_ceil_divide(builder, n_vectors, n_parts), width_slot)
    widest = builder.load(width_slot)
    with cgutils.for_range(builder, n_parts) as part:
        before = builder.mul(part.index, widest)
        left = builder.sub(n_vectors, before)
        width = builder.select(builder.icmp_signed("<", left, widest), left, widest)
        done = builder.append_basic_block("done")
        choice = builder.switch(width, done)
        for n in range(1, _MOST_SUMS + 1):  # a loop for each width, so that its sums are registers
            block = builder.append_basic_block(f"width{n}")
            choice.add_case(_int64(n), block)
            builder.position_at_end(block)
            begin = builder.mul(before, _int64(LANES))
            sums = _registers(builder, n)
            with cgutils.for_range(builder, count) as entry:
                weight = _spread(builder, _load_at(builder, weights, builder.mul(entry.index, step)))
                row = builder.gep(rows, [builder.add(_load_at(builder, rows_at, entry.index), begin)])
                for v, partial in enumerate(sums):
                    _multiply_add(builder, weight, _load_vector(builder, row, _int64(v * LANES)), partial)
            for v, partial in enumerate(sums):
                target = builder.gep(total, [builder.add(begin, _int64(v * LANES))])
                builder.store(builder.load(partial), builder.bitcast(target, _vector.as_pointer()), align=_ALIGNED)
            builder.branch(done)
        builder.position_at_end(done)


def _function(module: Any, name: str, kinds: list[Any], emit_body: Callable[..., None]) -> Any:
    """Return the LLVM function of this name, made on its first use in a module; its first argument is the result."""
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "internal"
    function.args[0].add_attribute("noalias")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    emit_body(builder, *function.args)
    builder.ret_void()
    return function


def _start(context: Any, builder: Any, signature: Any, arguments: Any, k: int, at: int | None) -> Any:
    data = context.make_array(signature.args[k])(context, builder, arguments[k]).data
    return data if at is None else builder.gep(data, [arguments[at]])


def _registers(builder: Any, n: int) -> list[Any]:
    # Stack slots by name; LLVM turns them into registers.
    slots = [cgutils.alloca_once(builder, _vector) for _ in range(n)]  # type: ignore[no-untyped-call]
    for slot in slots:
        builder.store(_zeros, slot)
    return slots


def _multiply_add(builder: Any, a: Any, b: Any, total: Any) -> None:
    product = builder.fmul(a, b, flags=("contract",))  # contract: one fused instruction where there is one
    builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)


def _load_at(builder: Any, start: Any, index: Any) -> Any:
    return builder.load(builder.gep(start, [index]))


def _load_vector(builder: Any, start: Any, at: Any) -> Any:
    return builder.load(builder.bitcast(builder.gep(start, [at]), _vector.as_pointer()), align=_ALIGNED)


def _shuffle(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes))


def _spread(builder: Any, value: Any) -> Any:
    single = builder.insert_element(ir.Constant(_vector, ir.Undefined), value, ir.IntType(32)(0))
    return _shuffle(builder, single, ir.Constant(_vector, ir.Undefined), [0] * LANES)


def _ceil_divide(builder: Any, a: Any, b: Any) -> Any:
    return builder.udiv(builder.add(a, builder.sub(b, _int64(1))), b)
