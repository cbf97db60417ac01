from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.strategy import Diminish

rates = st.floats(0, 5)
curvatures = st.floats(0, 4)
times = st.integers(1, 10_000)


@given(decay=rates, initial=st.floats(0, 10), curvature=curvatures, t=st.integers(1, 50))
def test_gamma_equals_the_closed_form_of_equation_2(decay: float, initial: float, curvature: float, t: int) -> None:
    strategy = Diminish(decay, initial=initial, curvature=curvature, auxiliaries=["a"])
    assert strategy.gamma("a", t) == pytest.approx(initial * math.exp(-decay * t**curvature), rel=1e-12)


@given(decay=rates, initial=st.floats(0, 10), curvature=curvatures, negligible=st.floats(0, 1), t=times, later=times)
def test_weights_are_never_negative_and_never_increase(
    decay: float, initial: float, curvature: float, negligible: float, t: int, later: int
) -> None:
    strategy = Diminish(decay, initial=initial, curvature=curvature, negligible=negligible, auxiliaries=["a"])
    first, second = strategy.weights(t)["a"], strategy.weights(t + later)["a"]
    assert 0 <= second <= first <= initial


@given(alpha=st.floats(0.01, 1), t=st.integers(1, 100))
def test_geometric_form_is_equation_11_and_equation_2_with_eta_minus_ln_alpha(alpha: float, t: int) -> None:
    geometric = Diminish.geometric(alpha, negligible=0, auxiliaries=["a"])
    assert geometric.weights(t)["a"] == pytest.approx(alpha**t, rel=1e-9)
    assert geometric == Diminish(-math.log(alpha), curvature=1, negligible=0, auxiliaries=["a"])


def test_a_weight_below_the_threshold_is_exactly_zero_and_stays_so() -> None:
    strategy = Diminish(1.0, negligible=0.1, auxiliaries=["a"])
    assert [strategy.weights(t)["a"] > 0 for t in range(1, 6)] == [True, True, False, False, False]
    assert strategy.weights(3)["a"] == 0.0


def test_each_task_has_its_own_schedule() -> None:
    strategy = Diminish({"fast": 2.0, "slow": 0.1}, initial={"fast": 1, "slow": 0.5}, auxiliaries=["fast", "slow"])
    assert strategy.weights(1) == pytest.approx({"fast": math.exp(-2), "slow": 0.5 * math.exp(-0.1)})


def test_huge_times_underflow_to_zero_instead_of_failing() -> None:
    assert Diminish(1.0, curvature=300, auxiliaries=["a"]).weights(10**9) == {"a": 0.0}
    assert Diminish(0.0, curvature=300, auxiliaries=["a"]).weights(10**9) == {"a": 1.0}


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, True, "1"])
@pytest.mark.parametrize("parameter", ["decay", "initial", "curvature", "negligible"])
def test_bad_numbers_are_rejected_with_parameter_rule_and_value(parameter: str, bad: object) -> None:
    with pytest.raises(InputError, match=rf"{parameter} must be a finite number of at least 0, found {bad!r}"):
        Diminish(**{parameter: bad})  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [0, -1, 1.01, math.nan])
def test_geometric_factors_outside_zero_to_one_are_rejected(bad: float) -> None:
    with pytest.raises(InputError, match=rf"alpha must be above 0 and at most 1, found {bad!r}"):
        Diminish.geometric(bad)


def test_a_bad_number_of_one_task_names_the_task() -> None:
    with pytest.raises(InputError, match=r"decay\['analogy'\] must be .*found -1"):
        Diminish({"analogy": -1})
