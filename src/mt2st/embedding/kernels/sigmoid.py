"""The logistic loss of scores and its gradient, 16 scores at a time in LLVM vector code: no table and no branch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from mt2st.embedding.kernels.llvm import (
    INT64,
    INTEGERS,
    LANES,
    VECTOR,
    Takes,
    ceil_divide,
    clipped,
    constant,
    first_lanes,
    fused,
    load_vector,
    registers,
    spread,
    store_vector,
    sum_of_lanes,
    vector_function,
)

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


@vector_function(Takes.ARRAY_AT, Takes.INTEGER, Takes.NUMBER, Takes.NUMBER, gives=types.float64)
def logistic_step(builder: Any, scores: Any, count: Any, sign: Any, factor: Any) -> Any:
    """Turn ``count`` scores into steps up the gradient of their log-likelihood; return their loss (float64).

    With ``sign`` +1 (`PAIR`) or -1 (`NOISE`), a score ``x`` has the loss ``-log sigmoid(sign * x)`` and becomes
    ``factor * sign * sigmoid(-sign * x)``, that is ``factor`` times the derivative of ``log sigmoid(sign * x)``. The
    sigmoid is within 3e-7 of its true value. ``scores`` must reach to the next multiple of 16; values from ``count`` on
    do not change. The loss is not multiplied by ``factor``.
    """
    sign, factor = spread(builder, sign), spread(builder, factor)
    signed_factor = builder.fmul(sign, factor)

    def of(score: Any, _: Any) -> tuple[Any, Any]:
        unlikelihood, loss = _logistic(builder, builder.fmul(score, sign))
        return builder.fmul(signed_factor, unlikelihood), loss

    return _of_each(builder, scores, count, of)


@vector_function(Takes.ARRAY, Takes.ARRAY, Takes.INTEGER, Takes.NUMBER, gives=types.float64)
def logistic_steps(builder: Any, scores: Any, weights: Any, count: Any, factor: Any) -> Any:
    """Do as `logistic_step` with scores of both signs and any weight, in one go.

    A score ``x`` of weight ``w``, above 0 for a pair and below for noise, has the loss ``|w| * -log sigmoid(sign(w) *
    x)`` and becomes ``factor * w * sigmoid(-sign(w) * x)``. ``weights`` must reach as far as ``scores``.
    """
    factor = spread(builder, factor)

    def of(score: Any, at: Any) -> tuple[Any, Any]:
        weight = load_vector(builder, weights, at)
        noise = builder.fcmp_ordered("<", weight, constant(0.0))
        signed, size = (builder.select(noise, builder.fneg(value), value) for value in (score, weight))
        unlikelihood, loss = _logistic(builder, signed)
        return builder.fmul(builder.fmul(factor, weight), unlikelihood), builder.fmul(size, loss)

    return _of_each(builder, scores, count, of)


def _of_each(builder: Any, scores: Any, count: Any, of: Callable[[Any, Any], tuple[Any, Any]]) -> Any:
    """Replace ``count`` scores by the steps that ``of(vector of scores, its place)`` gives; return its summed loss."""
    (total,) = registers(builder, 1)
    with cgutils.for_range(builder, ceil_divide(builder, count, INT64(LANES))) as loop:
        at = builder.mul(loop.index, INT64(LANES))
        score = load_vector(builder, scores, at)
        wanted = first_lanes(builder, builder.sub(count, at))
        step, loss = of(score, at)
        store_vector(builder, builder.select(wanted, step, score), scores, at)
        loss = builder.select(wanted, loss, constant(0.0))
        builder.store(builder.fadd(builder.load(total), loss), total)
    return builder.fpext(sum_of_lanes(builder, builder.load(total)), ir.DoubleType())


def _logistic(builder: Any, score: Any) -> tuple[Any, Any]:
    """``sigmoid(-score)`` and ``-log sigmoid(score)``."""
    half_tanh = _half_tanh(builder, score)
    likelihood = builder.fadd(constant(0.5), half_tanh)
    unlikely = builder.fcmp_ordered("<", score, constant(_UNLIKELY))
    loss = builder.select(unlikely, builder.fsub(likelihood, score), builder.fneg(_log(builder, likelihood)))
    return builder.fsub(constant(0.5), half_tanh), loss


def _half_tanh(builder: Any, score: Any) -> Any:
    """``tanh(score / 2) / 2``: the sigmoid less 0.5."""
    z = clipped(builder, builder.fmul(score, constant(0.5)), -_TANH_LIMIT, _TANH_LIMIT)
    square = builder.fmul(z, z)
    odd = builder.fmul(_polynomial(builder, _TANH_ODD, square), builder.fmul(z, constant(0.5)))
    return builder.fdiv(odd, _polynomial(builder, _TANH_EVEN, square))


def _log(builder: Any, value: Any) -> Any:
    """The natural logarithm of normal numbers above 0 (of others, some number): value = mantissa * 2 ** exponent."""
    bits = builder.bitcast(value, INTEGERS)
    mantissa = builder.or_(builder.and_(bits, constant(_MANTISSA, INTEGERS)), constant(_ONE, INTEGERS))
    mantissa = builder.bitcast(mantissa, VECTOR)
    exponent = builder.sub(builder.lshr(bits, constant(_MANTISSA_BITS, INTEGERS)), constant(_EXPONENT_BIAS, INTEGERS))
    large = builder.fcmp_ordered(">", mantissa, constant(_SQRT_2))
    mantissa = builder.select(large, builder.fmul(mantissa, constant(0.5)), mantissa)
    exponent = builder.add(exponent, builder.zext(large, INTEGERS))
    s = builder.fdiv(builder.fsub(mantissa, constant(1.0)), builder.fadd(mantissa, constant(1.0)))
    log_mantissa = builder.fmul(_polynomial(builder, _ARTANH, builder.fmul(s, s)), s)
    return builder.fadd(builder.fmul(builder.sitofp(exponent, VECTOR), constant(_LOG_2)), log_mantissa)


def _polynomial(builder: Any, coefficients: tuple[float, ...], x: Any) -> Any:
    total = constant(coefficients[0])
    for coefficient in coefficients[1:]:
        total = fused(builder, total, x, constant(coefficient))
    return total
