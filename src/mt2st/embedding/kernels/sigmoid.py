"""The logistic loss of scores and its gradient, 16 scores at a time in LLVM vector code: no table and no branch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mt2st.embedding.kernels.emit import LANES

_float, _int = ir.FloatType(), ir.IntType(32)
_int64, _double = ir.IntType(64), ir.DoubleType()
_floats, _ints, _mask = ir.VectorType(_float, LANES), ir.VectorType(_int, LANES), ir.VectorType(ir.IntType(1), LANES)

# tanh(z) as an odd polynomial over an even one: the minimax rational of Eigen and TensorFlow, exact to a few float32
# ulps on [-7.9, 7.9]; beyond, tanh is 1 in float32. Highest power first.
_TANH_LIMIT = 7.90531110763549805
_TANH_ODD = (
    -2.76076847742355e-16,
    2.00018790482477e-13,
    -8.60467152213735e-11,
    5.12229709037114e-08,
    1.48572235717979e-05,
    6.37261928875436e-04,
    4.89352455891786e-03,
)
_TANH_EVEN = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
# log(m) = 2 artanh(s) with s = (m - 1) / (m + 1); for m in [0.7, 1.4] the next term is under 1e-8.
_ARTANH = (2 / 9, 2 / 7, 2 / 5, 2 / 3, 2.0)
_LOG_2 = 0.693147180559945
_SQRT_2 = 1.4142135
_MANTISSA_BITS, _EXPONENT_BIAS, _MANTISSA, _ONE = 23, 127, 0x007FFFFF, 0x3F800000

_UNLIKELY = -6.0
"""Scores below it have the loss ``-x + sigmoid(x)`` to 4e-6; a logarithm of the sigmoid would have few true digits."""

PAIR, NOISE = np.float32(1), np.float32(-1)
"""The ``sign`` of `logistic_step`: a pair that occurs, whose score should rise; one with noise, whose should fall."""


def _logistic_step(
    typingctx: Any,  # noqa: ARG001 - Numba passes it by this name
    scores: Any,
    first: Any,  # noqa: ARG001 - the types of these four are given
    count: Any,  # noqa: ARG001
    sign: Any,  # noqa: ARG001
    factor: Any,  # noqa: ARG001
) -> tuple[Any, Callable[[Any, Any, Any, Any], Any]]:
    """Turn ``scores[first : first + count]`` into steps up the gradient of their log-likelihood; return their loss.

    With ``sign`` +1 (`PAIR`) or -1 (`NOISE`), a score ``x`` has the loss ``-log sigmoid(sign * x)`` and becomes
    ``factor * sign * sigmoid(-sign * x)``, that is ``factor`` times the derivative of ``log sigmoid(sign * x)``. The
    sigmoid is within 3e-7 of its true value. ``scores`` must reach to the next multiple of 16 past ``first``; what
    lies behind ``count`` keeps its value.

    Returns:
        The summed loss, float64, not multiplied by ``factor``.
    """
    signature = types.float64(scores, types.int64, types.int64, types.float32, types.float32)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        start = builder.gep(data, [arguments[1]])
        count, sign, factor = arguments[2], _spread(builder, arguments[3]), _spread(builder, arguments[4])
        signed_factor = builder.fmul(sign, factor)
        loss = cgutils.alloca_once_value(builder, _constant(0.0))  # type: ignore[no-untyped-call]
        n_vectors = builder.udiv(builder.add(count, _int64(LANES - 1)), _int64(LANES))
        with cgutils.for_range(builder, n_vectors) as loop:
            before = builder.mul(loop.index, _int64(LANES))
            address = builder.bitcast(builder.gep(start, [before]), _floats.as_pointer())
            score = builder.load(address, align=4)
            left = _spread(builder, builder.trunc(builder.sub(count, before), _int), _ints)
            wanted = builder.icmp_signed("<", ir.Constant(_ints, list(range(LANES))), left)
            signed = builder.fmul(score, sign)
            half_tanh = _half_tanh(builder, signed)
            step = builder.fmul(signed_factor, builder.fsub(_constant(0.5), half_tanh))
            builder.store(builder.select(wanted, step, score), address, align=4)
            likelihood = builder.fadd(_constant(0.5), half_tanh)
            unlikely = builder.fcmp_ordered("<", signed, _constant(_UNLIKELY))
            gained = builder.select(unlikely, builder.fsub(signed, likelihood), _log(builder, likelihood))
            gained = builder.select(wanted, gained, _constant(0.0))
            builder.store(builder.fsub(builder.load(loss), gained), loss)
        return builder.fpext(_sum(builder, builder.load(loss)), _double)

    return signature, emit


logistic_step: Callable[..., float] = intrinsic(_logistic_step)


def _half_tanh(builder: Any, score: Any) -> Any:
    """``tanh(score / 2) / 2``: the sigmoid less 0.5."""
    z = _clipped(builder, builder.fmul(score, _constant(0.5)), -_TANH_LIMIT, _TANH_LIMIT)
    square = builder.fmul(z, z)
    odd = builder.fmul(_polynomial(builder, _TANH_ODD, square), builder.fmul(z, _constant(0.5)))
    return builder.fdiv(odd, _polynomial(builder, _TANH_EVEN, square))


def _log(builder: Any, value: Any) -> Any:
    """The natural logarithm of normal numbers above 0 (of others, some number): value = mantissa * 2 ** exponent."""
    bits = builder.bitcast(value, _ints)
    mantissa = builder.or_(builder.and_(bits, _constant(_MANTISSA, _ints)), _constant(_ONE, _ints))
    mantissa = builder.bitcast(mantissa, _floats)
    exponent = builder.sub(builder.lshr(bits, _constant(_MANTISSA_BITS, _ints)), _constant(_EXPONENT_BIAS, _ints))
    large = builder.fcmp_ordered(">", mantissa, _constant(_SQRT_2))
    mantissa = builder.select(large, builder.fmul(mantissa, _constant(0.5)), mantissa)
    exponent = builder.add(exponent, builder.zext(large, _ints))
    s = builder.fdiv(builder.fsub(mantissa, _constant(1.0)), builder.fadd(mantissa, _constant(1.0)))
    log_mantissa = builder.fmul(_polynomial(builder, _ARTANH, builder.fmul(s, s)), s)
    return builder.fadd(builder.fmul(builder.sitofp(exponent, _floats), _constant(_LOG_2)), log_mantissa)


def _polynomial(builder: Any, coefficients: tuple[float, ...], x: Any) -> Any:
    total = _constant(coefficients[0])
    for coefficient in coefficients[1:]:
        product = builder.fmul(total, x, flags=("contract",))
        total = builder.fadd(product, _constant(coefficient), flags=("contract",))
    return total


def _clipped(builder: Any, value: Any, low: float, high: float) -> Any:
    value = builder.select(builder.fcmp_ordered("<", value, _constant(low)), _constant(low), value)
    return builder.select(builder.fcmp_ordered(">", value, _constant(high)), _constant(high), value)


def _sum(builder: Any, value: Any) -> Any:
    width = LANES
    while width > 1:  # halves onto each other
        width //= 2
        halves = (
            builder.shuffle_vector(
                value, value, ir.Constant(ir.VectorType(_int, width), list(range(start, start + width)))
            )
            for start in (0, width)
        )
        value = builder.fadd(*halves)
    return builder.extract_element(value, _int(0))


def _spread(builder: Any, value: Any, kind: Any = _floats) -> Any:
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _int(0))
    return builder.shuffle_vector(single, single, ir.Constant(_ints, [0] * LANES))


def _constant(value: float, kind: Any = _floats) -> Any:
    return ir.Constant(kind, [value] * LANES)
