from __future__ import annotations

import json
import math

import pytest

from mt2st.errors import InputError
from mt2st.strategy import (
    DWA,
    PRIMARY_TASK,
    Bloop,
    CAGrad,
    GradientCosine,
    Observation,
    PretrainFinetune,
    UncertaintyWeighting,
    load_strategy,
)


def test_pretraining_is_without_the_primary_and_fine_tuning_without_the_auxiliaries() -> None:
    strategy = PretrainFinetune(at=3, weight=0.5, auxiliaries=["a"])
    assert [strategy.primary_weight(t) for t in range(1, 5)] == [0, 0, 1, 1]
    assert [strategy.weights(t)["a"] for t in range(1, 5)] == [0.5, 0.5, 0, 0]
    by_step = PretrainFinetune(at=3, unit="step", auxiliaries=["a"])
    assert [by_step.primary_weight_at(epoch=1, step=step) for step in range(1, 5)] == [0, 0, 1, 1]


# DWA


def observed(*losses: tuple[float, float], temperature: float = 2.0) -> DWA:
    """A DWA of one auxiliary task, after epochs with these mean losses of the primary and of it."""
    strategy = DWA(temperature, auxiliaries=["a"])
    for epoch, (primary, auxiliary) in enumerate(losses, start=1):
        strategy.after_evaluation(Observation(epoch, 10 * epoch, losses={"a": auxiliary}, primary_loss=primary))
    return strategy


@pytest.mark.parametrize("temperature", [0.5, 2.0, 50.0])
def test_dwa_is_equation_7_by_hand(temperature: float) -> None:
    strategy = observed((0.9, 5.0), (0.6, 4.5), (0.5, 4.4), temperature=temperature)
    for t, primary, auxiliary in ((1, 1, 1), (2, 1, 1), (3, 0.6 / 0.9, 4.5 / 5.0), (4, 0.5 / 0.6, 4.4 / 4.5)):
        shares = [math.exp(each / temperature) for each in (primary, auxiliary)]
        assert strategy.primary_weight(t) == pytest.approx(2 * shares[0] / sum(shares))
        assert strategy.weights(t)["a"] == pytest.approx(2 * shares[1] / sum(shares))


def test_dwa_takes_the_mean_of_an_epoch_over_its_steps() -> None:
    strategy = observed((0.9, 5.0))
    for step, loss in ((12, 4.8), (20, 3.8)):  # 2 steps and 8
        strategy.after_evaluation(Observation(2, step, losses={"a": loss}, primary_loss=0.9))
    assert strategy.weights(3) == pytest.approx(observed((0.9, 5.0), (0.9, 4.0)).weights(3))


@pytest.mark.parametrize("bad", [-0.3, 0.0, math.nan, math.inf])
def test_in_dwa_a_loss_that_has_no_ratio_counts_as_constant(bad: float) -> None:
    for losses in (((0.9, 5.0), (0.6, bad)), ((0.9, bad), (0.6, 5.0))):
        assert observed(*losses).weights(3) == pytest.approx(observed((0.9, 5.0), (0.6, 5.0)).weights(3))


def test_in_dwa_a_loss_that_explodes_does_not_overflow() -> None:
    assert observed((1.0, 1e-300), (1.0, 1e300)).weights(3)["a"] == pytest.approx(2.0)


# Uncertainty weighting


def objective(log_variances: dict[str, float], losses: dict[str, float]) -> float:
    return sum(math.exp(-log_variances[task]) * losses[task] + log_variances[task] / 2 for task in losses)


def test_a_step_on_the_log_variances_is_the_gradient_by_finite_differences() -> None:
    strategy = UncertaintyWeighting(0.01, initial={"a": 0.4, "b": 3.0}, auxiliaries=["a", "b"])
    losses = {PRIMARY_TASK: 0.7, "a": 2.5, "b": -0.2}
    before = {PRIMARY_TASK: 0.0, "a": -math.log(0.4), "b": -math.log(3.0)}
    strategy.after_step({"a": 2.5, "b": -0.2}, 0.7)
    weights = {PRIMARY_TASK: strategy.primary_weight(1), **strategy.weights(1)}
    for task, s in before.items():
        around = [objective({**before, task: s + h}, losses) for h in (-1e-5, 1e-5)]
        slope = (around[1] - around[0]) / 2e-5
        assert -math.log(weights[task]) == pytest.approx(s - 0.01 * slope, abs=1e-9)


def test_uncertainty_weighting_comes_to_rest_at_the_inverse_of_twice_the_loss() -> None:
    strategy = UncertaintyWeighting(0.1, auxiliaries=["a"])
    for _ in range(2000):
        strategy.after_step({"a": 4.0}, 0.25)
    assert strategy.weights(1)["a"] == pytest.approx(1 / 8)
    assert strategy.primary_weight(1) == pytest.approx(2.0)


@pytest.mark.parametrize(("loss", "weight"), [(-5.0, 100.0), (0.0, 100.0), (1e12, 0.01)])
def test_learned_weights_stay_within_a_factor_of_100(loss: float, weight: float) -> None:
    strategy = UncertaintyWeighting(0.5, auxiliaries=["a"])
    for _ in range(50):
        strategy.after_step({"a": loss}, 1.0)
    assert strategy.weights(1)["a"] == pytest.approx(weight, rel=0.01)


def test_a_task_whose_loss_is_not_known_keeps_its_weight() -> None:
    strategy = UncertaintyWeighting(0.5, initial=0.3, auxiliaries=["a", "b"])
    strategy.after_step({"a": math.nan}, math.nan)
    assert strategy.primary_weight(1) == 1.0
    assert strategy.weights(1) == pytest.approx({"a": 0.3, "b": 0.3})


def test_what_was_learned_survives_json_to_the_bit() -> None:
    learned = UncertaintyWeighting(0.1, auxiliaries=["a"])
    averaged = observed((0.9, 5.0), (0.6, 4.5))
    learned.after_step({"a": 1 / 3}, 0.7)
    for strategy in (learned, averaged):
        again = load_strategy(json.loads(json.dumps(strategy.state_dict())))
        assert again.state_dict() == strategy.state_dict()
        assert again.weights(3) == strategy.weights(3)
        assert again.primary_weight(3) == strategy.primary_weight(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DWA(0.0), "temperature must be a finite number above 0, found 0.0"),
        (lambda: UncertaintyWeighting(-1), "rate must be a finite number above 0, found -1"),
        (lambda: UncertaintyWeighting(initial=0.0), "initial must be from 0.01 to 100, found 0.0"),
        (lambda: CAGrad(radius=1.0), "radius must be at least 0 and below 1, found 1.0"),
        (lambda: Bloop(memory=1.0), "memory must be at least 0 and below 1, found 1.0"),
        (lambda: GradientCosine(gate=1), "gate must be true or false, found 1"),  # type: ignore[arg-type]
        (lambda: PretrainFinetune(at=0), "at must be a whole number of at least 1, found 0"),
        (lambda: PretrainFinetune(at={"a": 2}), "at must be a whole number of at least 1, found {'a': 2}"),  # type: ignore[arg-type]
        (lambda: DWA(temperature={"a": 2.0}), "temperature must be a finite number above 0, found {'a'"),  # type: ignore[arg-type]
    ],
)
def test_settings_out_of_range_are_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(InputError, match=message):
        make()
