from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, rankdata, spearmanr

from mt2st.tasks.spearman import correlation, hard_ranks, soft_ranks, soft_spearman, standardised

HARD = 1e-9
WITH_TIES = st.lists(st.integers(-5, 5).map(float), min_size=3, max_size=20)
SOFTNESS = st.sampled_from([1e-3, 0.1, 1.0, 10.0])


def tensor(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@given(WITH_TIES)
def test_ranks_are_scipys_average_ranks_as_the_softness_goes_to_zero(values: list[float]) -> None:
    expected = rankdata(values)
    np.testing.assert_allclose(soft_ranks(tensor(values), HARD).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(hard_ranks(tensor(values)).numpy(), expected, atol=1e-12)


@given(WITH_TIES, SOFTNESS)
def test_ranks_add_up_and_stay_between_one_and_n(values: list[float], softness: float) -> None:
    ranks, n = soft_ranks(tensor(values), softness), len(values)
    assert ranks.sum().item() == pytest.approx(n * (n + 1) / 2)
    assert ranks.min().item() >= 1 - 1e-12
    assert ranks.max().item() <= n + 1e-12


@given(WITH_TIES, SOFTNESS, st.randoms(use_true_random=False))
def test_ranks_go_with_their_values_in_any_order_and_keep_theirs(values: list[float], softness: float, random) -> None:  # noqa: ANN001
    order = list(range(len(values)))
    random.shuffle(order)
    ranks = soft_ranks(tensor(values), softness)
    torch.testing.assert_close(soft_ranks(tensor(values)[order], softness), ranks[order])
    by_value = ranks[np.argsort(values, kind="stable")]
    assert (by_value.diff() >= -1e-12).all(), "a greater value never has a lower rank"


@given(WITH_TIES, SOFTNESS, st.floats(-100, 100))
def test_a_constant_added_changes_no_rank(values: list[float], softness: float, constant: float) -> None:
    ranks, moved = soft_ranks(tensor(values), softness), soft_ranks(tensor(values) + constant, softness)
    torch.testing.assert_close(moved, ranks, atol=1e-8, rtol=0)


@given(WITH_TIES, WITH_TIES)
def test_spearman_is_scipys_as_the_softness_goes_to_zero(x: list[float], y: list[float]) -> None:
    n = min(len(x), len(y))
    x, y = x[:n], y[:n]
    found = soft_spearman(tensor(x), hard_ranks(tensor(y)), HARD).item()
    expected = spearmanr(x, y).statistic if len(set(x)) > 1 and len(set(y)) > 1 else 0.0
    assert found == pytest.approx(expected, abs=1e-9)


def test_spearman_nears_scipys_as_the_softness_falls() -> None:
    x, y = torch.randn(2, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = spearmanr(x.numpy(), y.numpy()).statistic
    errors = [abs(soft_spearman(x, hard_ranks(y), softness).item() - exact) for softness in (0.1, 0.01, 1e-5)]
    assert errors[0] < 0.02
    assert errors[1] < 0.002
    assert errors[2] < 1e-9


def test_great_softness_makes_it_pearsons_correlation_with_the_ranks() -> None:
    x, y = torch.randn(2, 30, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ranks = hard_ranks(y)
    assert soft_spearman(x, ranks, 1e4).item() == pytest.approx(pearsonr(x, ranks).statistic, abs=1e-6)


@given(WITH_TIES, WITH_TIES, SOFTNESS, st.floats(0.01, 100))
def test_spearman_lies_within_one_and_knows_no_scale(
    x: list[float], y: list[float], softness: float, scale: float
) -> None:
    n = min(len(x), len(y))
    ranks = hard_ranks(tensor(y[:n]))
    found = soft_spearman(tensor(x[:n]), ranks, softness).item()
    assert abs(found) <= 1 + 1e-12
    assert soft_spearman(scale * tensor(x[:n]), ranks, softness).item() == pytest.approx(found, abs=1e-9)


def test_equal_values_give_no_correlation_and_a_finite_gradient() -> None:
    x = torch.full((5,), 0.3, requires_grad=True)
    found = soft_spearman(x, torch.arange(1.0, 6.0), 0.1)
    found.backward()
    assert found.item() == pytest.approx(0, abs=1e-6)
    assert x.grad is not None
    assert all(map(math.isfinite, x.grad.tolist()))


@pytest.mark.parametrize("softness", [0.1, 1.0])
def test_gradients_are_those_of_finite_differences(softness: float) -> None:
    x, y = torch.randn(2, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda values: soft_ranks(values, softness), x)
    assert torch.autograd.gradcheck(lambda values: soft_spearman(values, hard_ranks(y), softness), x)


def test_several_series_at_once() -> None:
    x, y = torch.randn(2, 4, 7, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    together = correlation(soft_ranks(standardised(x), 0.2), hard_ranks(y))
    for row in range(4):
        torch.testing.assert_close(together[row], soft_spearman(x[row], hard_ranks(y[row]), 0.2))
