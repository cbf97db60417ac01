"""Loss and gradient of the logistic function against float64."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.sigmoid import NOISE, PAIR, logistic_step, logistic_steps


@njit
def step(scores: NDArray[np.float32], first: int, count: int, sign: np.float32, factor: np.float32) -> float:
    return logistic_step(scores, first, count, sign, factor)


@njit
def steps(scores: NDArray[np.float32], weights: NDArray[np.float32], count: int, factor: np.float32) -> float:
    return logistic_steps(scores, weights, count, factor)


SCORES = np.concatenate([np.linspace(-12, 12, 4801), [0.0, -0.0, 1e-30, -1e-30]]).astype(np.float32)


@pytest.mark.parametrize("sign", [PAIR, NOISE])
def test_steps_are_the_gradient_of_the_log_likelihood(sign: np.float32) -> None:
    scores = np.concatenate([SCORES, np.zeros(16, np.float32)])
    step(scores, 0, SCORES.size, sign, np.float32(0.5))
    expected = 0.5 * sign / (1 + np.exp(sign * SCORES.astype(float)))
    np.testing.assert_allclose(scores[: SCORES.size], expected, rtol=0, atol=3e-7)


@pytest.mark.parametrize("sign", [PAIR, NOISE])
def test_loss_is_the_negative_log_likelihood(sign: np.float32) -> None:
    for score in SCORES[::97]:
        scores = np.full(16, score, dtype=np.float32)
        loss = step(scores, 0, 3, sign, np.float32(1))
        expected = 3 * np.logaddexp(0, -float(sign) * float(score))
        assert loss == pytest.approx(expected, rel=1e-4, abs=2e-6)


@pytest.mark.parametrize("score", [-1e30, -40.0, 40.0, 1e30])
def test_extreme_scores_give_full_or_no_steps_and_a_finite_loss(score: float) -> None:
    scores = np.full(16, score, dtype=np.float32)
    loss = step(scores, 0, 1, PAIR, np.float32(1))
    assert scores[0] == pytest.approx(1.0 if score < 0 else 0.0, abs=3e-7)
    assert loss == pytest.approx(max(0.0, -score), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 40])
def test_only_the_counted_scores_change_and_lose(count: int) -> None:
    scores = np.ones(64, dtype=np.float32)
    loss = step(scores, 5, count, PAIR, np.float32(1))
    assert loss == pytest.approx(count * np.log1p(np.exp(-1)), rel=1e-5)
    assert (scores[5 : 5 + count] != 1).all()
    assert (scores[:5] == 1).all()
    assert (scores[5 + count :] == 1).all()


def test_mixed_scores_step_and_lose_by_the_sign_and_the_size_of_their_weights() -> None:
    rng = np.random.default_rng(3)
    start = rng.normal(0, 4, 48).astype(np.float32)
    weights = rng.choice([-2.5, -0.7, 0.0, 1.0, 3.0], 48).astype(np.float32)
    scores, sign, size = start.copy(), np.sign(weights).astype(float), np.abs(weights).astype(float)
    loss = steps(scores, weights, 40, np.float32(0.5))
    expected = 0.5 * weights / (1 + np.exp(sign * start))
    np.testing.assert_allclose(scores[:40], expected[:40], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(scores[40:], start[40:])
    assert loss == pytest.approx((size * np.logaddexp(0, -sign * start))[:40].sum(), rel=1e-5)
