from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from mt2st.study.statistics import geometric_interval, holm, paired_difference, t_interval

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=12)
PAIRS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12)


@given(VALUES)
def test_the_t_interval_is_scipys(values: list[float]) -> None:
    assume(np.std(values) > 1e-6)
    found = t_interval(values)
    expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert found.n == len(values)


def test_the_t_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    samples = np.random.default_rng(1).normal(3.0, 2.0, size=(2000, 4))
    held = [(found := t_interval(row.tolist())).low <= 3.0 <= found.high for row in samples]  # type: ignore[operator]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("values", [[0.3], [0.1] * 3, [0.569] * 3, [0.1 + 0.2, 0.3, 0.3]])
def test_one_value_has_no_interval_nor_have_equal_ones(values: list[float]) -> None:
    found = t_interval(values)
    assert found.mean == pytest.approx(values[0])
    assert (found.low, found.high, found.half_width, found.n) == (None, None, None, len(values))


def test_ratios_of_a_method_to_itself_are_exact() -> None:
    found = geometric_interval([1.0, 1.0, 1.0])
    assert (found.mean, found.low, found.high) == (1.0, 1.0, 1.0)


@given(PAIRS)
def test_the_p_value_is_that_of_scipys_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    values, reference = ({seed: pair[side] for seed, pair in enumerate(pairs)} for side in (0, 1))
    differences = [value - other for value, other in pairs]
    assume(len(pairs) > 2)
    assume(np.std(differences) > 1e-6)
    found = paired_difference(values, reference)
    assert found is not None
    assert found.p == pytest.approx(stats.ttest_rel(*zip(*pairs, strict=True)).pvalue, rel=1e-6, abs=1e-12)
    assert found.better == sum(value > other for value, other in pairs)
    opposite = paired_difference(reference, values)
    assert opposite is not None
    assert opposite.interval.mean == pytest.approx(-found.interval.mean)
    assert opposite.p == pytest.approx(found.p)


def test_the_pairing_takes_out_what_a_seed_does_to_all_alike() -> None:
    seeds = {1: 0.5, 2: 0.7, 3: 0.9}
    found = paired_difference({seed: value + 0.01 + 0.001 * seed for seed, value in seeds.items()}, seeds)
    assert found is not None
    assert found.p is not None
    assert found.p < 0.01
    assert stats.ttest_ind(list(seeds.values()), [value + 0.012 for value in seeds.values()]).pvalue > 0.9


def test_only_seeds_in_common_count() -> None:
    found = paired_difference({1: 1.0, 2: 5.0}, {2: 3.0, 3: 9.0})
    assert found is not None
    assert (found.n, found.interval.mean, found.p) == (1, 2.0, None)
    assert paired_difference({1: 1.0}, {2: 1.0}) is None


def test_two_seeds_have_no_interval_and_no_p_value() -> None:
    found = paired_difference({1: 0.81, 2: 0.8200001}, {1: 0.8, 2: 0.81})  # a t test would call it significant
    assert found is not None
    assert found.interval.mean == pytest.approx(0.01, abs=1e-6)
    assert (found.interval.low, found.p) == (None, None)
    assert t_interval([0.7, 0.9]).low is None
    assert geometric_interval([0.5, 0.6]).low is None


@pytest.mark.parametrize("gain", [0.01, 0.0, -0.03])
@pytest.mark.parametrize("seeds", [2, 3, 9])
def test_differences_that_are_the_same_by_chance_tell_no_chance(gain: float, seeds: int) -> None:
    reference = {seed: 0.7 + 0.013 * seed for seed in range(seeds)}
    # Rounding makes these differences differ in their last digits.
    found = paired_difference({seed: value + gain for seed, value in reference.items()}, reference)
    assert found is not None
    assert found.interval.mean == pytest.approx(gain)
    assert (found.p, found.interval.half_width) == (None, None)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=9))
def test_ratios_and_their_inverses_have_inverse_means_and_bounds(ratios: list[float]) -> None:
    one, other = geometric_interval(ratios), geometric_interval([1 / ratio for ratio in ratios])
    assert one.mean * other.mean == pytest.approx(1.0)
    assert one.mean == pytest.approx(stats.gmean(ratios))
    if one.low and other.high and math.isfinite(other.high):
        assert one.low * other.high == pytest.approx(1.0, rel=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_its_definition(p_values: list[float]) -> None:
    ordered = sorted(p_values)
    n = len(ordered)
    expected = [max(min(1.0, (n - j) * ordered[j]) for j in range(i + 1)) for i in range(n)]
    assert sorted(holm(p_values)) == pytest.approx(expected)
    for p, adjusted in zip(p_values, holm(p_values), strict=True):
        assert p <= adjusted <= 1
        assert adjusted == holm(p_values)[p_values.index(p)] or p_values.count(p) > 1
