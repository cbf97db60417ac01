"""The logistic function for the kernels: no table, no branch, so that whole rows of scores go through at once."""

from __future__ import annotations

import numpy as np
from numba import njit

_f = np.float32
# tanh(z) as an odd polynomial over an even one: the minimax rational of Eigen and TensorFlow, exact to a few float32
# ulps on [-7.9, 7.9]; beyond, tanh is 1 in float32.
_LIMIT = _f(7.90531110763549805)
_P1, _P3, _P5, _P7 = (
    _f(4.89352455891786e-03),
    _f(6.37261928875436e-04),
    _f(1.48572235717979e-05),
    _f(5.12229709037114e-08),
)
_P9, _P11, _P13 = _f(-8.60467152213735e-11), _f(2.00018790482477e-13), _f(-2.76076847742355e-16)
_Q0, _Q2, _Q4, _Q6 = (
    _f(4.89352518554385e-03),
    _f(2.26843463243900e-03),
    _f(1.18534705686654e-04),
    _f(1.19825839466702e-06),
)
HALF = _f(0.5)
SMALLEST = _f(1e-7)
"""The probability that a loss is computed from at least: float32 cannot tell smaller ones from 0."""


@njit(nogil=True, fastmath=True, cache=True)
def half_tanh(score: np.float32) -> np.float32:
    """Return ``t``, half the tanh of half a score: ``sigmoid(score) = 0.5 + t`` and ``sigmoid(-score) = 0.5 - t``.

    Both sides from one evaluation, within 3e-7 of the true value for every finite ``score``.
    """
    z = min(max(HALF * score, -_LIMIT), _LIMIT)
    s = z * z
    p = ((((((_P13 * s + _P11) * s + _P9) * s + _P7) * s + _P5) * s + _P3) * s + _P1) * z
    q = ((_Q6 * s + _Q4) * s + _Q2) * s + _Q0
    return HALF * p / q
