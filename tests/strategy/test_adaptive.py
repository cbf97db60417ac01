from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.strategy import AdaptiveDiminish, AdaptiveSwitch, Diminish, Observation, Strategy, load_strategy

values = st.floats(-1, 1) | st.just(math.nan)


def told(strategy: Strategy, *, losses: list[float] = [], cosines: dict[str, list[float]] = {}) -> Strategy:  # noqa: B006
    """Tell a strategy one epoch after another."""
    for at in range(max([len(losses), *map(len, cosines.values())])):
        metrics = {"loss": losses[at]} if losses else {}
        strategy.after_evaluation(
            Observation(at + 1, 10 * (at + 1), metrics, {task: each[at] for task, each in cosines.items()})
        )
    return strategy


def course(strategy: Strategy, task: str, until: int) -> list[float]:
    return [strategy.weights(t)[task] for t in range(1, until + 1)]


def test_the_switch_comes_when_the_loss_stops_falling() -> None:
    strategy = told(AdaptiveSwitch(2, auxiliaries=["a", "b"]), losses=[0.7, 0.6, 0.5, 0.55, 0.52, 0.4])
    for task in ("a", "b"):
        assert course(strategy, task, 8) == [1, 1, 1, 1, 1, 0, 0, 0]
    assert [(each.task, each.action, each.epoch, each.step) for each in strategy.decisions] == [
        ("a", "off", 5, 50), ("b", "off", 5, 50),
    ]  # fmt: skip
    assert strategy.decisions[0].numbers == {
        "loss": 0.52, "best loss": 0.5, "minimum_gain": 0.0, "patience": 2, "waited": 2,
    }  # fmt: skip
    assert "has not improved for 2 evaluations" in strategy.decisions[0].cause


def test_a_small_gain_is_none() -> None:
    losses = [0.70, 0.69, 0.68, 0.67]
    assert course(told(AdaptiveSwitch(1, auxiliaries=["a"]), losses=losses), "a", 5) == [1] * 5
    strategy = told(AdaptiveSwitch(1, minimum_gain=0.05, auxiliaries=["a"]), losses=losses)
    assert course(strategy, "a", 5) == [1, 1, 0, 0, 0]


def test_other_measures_are_better_when_larger() -> None:
    strategy = AdaptiveSwitch(1, metric="accuracy", auxiliaries=["a"])
    for epoch, accuracy in enumerate([0.5, 0.6, 0.6], start=1):
        strategy.after_evaluation(Observation(epoch, epoch, {"accuracy": accuracy}))
    assert course(strategy, "a", 4) == [1, 1, 1, 0]


def test_earliest_and_latest_bound_the_switch() -> None:
    rising, falling = [0.5, 0.6, 0.7, 0.8], [0.8, 0.7, 0.6, 0.5]
    assert course(told(AdaptiveSwitch(1, earliest=5, auxiliaries=["a"]), losses=rising), "a", 6) == [1, 1, 1, 1, 0, 0]
    assert course(told(AdaptiveSwitch(1, latest=3, auxiliaries=["a"]), losses=falling), "a", 4) == [1, 1, 0, 0]


def test_the_latest_switch_is_a_decision_too() -> None:
    strategy = AdaptiveSwitch(1, latest=3, weight={"a": 1.0, "never": 0.0}, auxiliaries=["a", "never"])
    told(strategy, losses=[0.8, 0.7, 0.6, 0.5])
    assert [(each.task, each.action, each.epoch, each.numbers) for each in strategy.decisions] == [
        ("a", "off", 2, {"latest": 3})
    ]
    assert strategy.decisions[0].cause == "epoch 3 is the first that is single-task in any case"


def test_a_latest_switch_between_evaluations_is_told_by_the_next_and_was_when_it_was() -> None:
    strategy = told(AdaptiveSwitch(1, latest=15, unit="step", auxiliaries=["a"]), losses=[0.8, 0.7])
    assert [(each.task, each.step) for each in strategy.decisions] == [("a", 20)]
    assert [strategy.weights(step)["a"] for step in (14, 15)] == [1, 0]


def test_a_weight_that_falls_below_what_is_negligible_is_a_decision() -> None:
    strategy = AdaptiveDiminish(1.0, negligible=0.1, initial={"a": 1.0, "never": 0.05}, auxiliaries=["a", "never"])
    told(strategy, losses=[0.5] * 4)
    assert [(each.task, each.action, each.epoch) for each in strategy.decisions] == [("a", "off", 2)]
    assert strategy.decisions[0].numbers == pytest.approx({"weight": math.exp(-3), "negligible": 0.1, "rate": 1.0})
    again = load_strategy(json.loads(json.dumps(strategy.state_dict())))
    assert told(again, losses=[0.5] * 6).decisions == []


def test_steps_are_counted_where_asked() -> None:
    strategy = told(AdaptiveSwitch(1, unit="step", auxiliaries=["a"]), losses=[0.5, 0.6])
    assert [strategy.weights_at(epoch=3, step=step)["a"] for step in (20, 21)] == [1, 0]


def test_a_task_that_disagrees_goes_off_alone() -> None:
    strategy = AdaptiveSwitch(memory=0.0, affinity_patience=2, auxiliaries=["good", "bad"])
    told(strategy, cosines={"good": [0.1, 0.2, 0.1], "bad": [-0.1, -0.2, -0.1]})
    assert course(strategy, "good", 4) == [1, 1, 1, 1]
    assert course(strategy, "bad", 4) == [1, 1, 0, 0]
    assert [each.task for each in strategy.decisions] == ["bad"]
    assert strategy.decisions[0].numbers == {
        "cosine": -0.2, "smoothed cosine": -0.2,
        "off_below": -0.03, "clear_above": 0.0, "affinity_patience": 2, "suspected": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cosines", "off_after"),
    [
        ([-0.1, -0.01, 0.3, 0.3], 2),  # between the bounds a suspect stays one
        ([-0.1, 0.01, -0.1, 0.01], None),  # above the upper bound it is cleared
        ([-0.01, -0.01, -0.01, -0.01], None),  # between the bounds nobody becomes one
    ],
)
def test_hysteresis(cosines: list[float], off_after: int | None) -> None:
    strategy = AdaptiveSwitch(memory=0.0, off_below=-0.02, clear_above=0.0, auxiliaries=["a"])
    told(strategy, cosines={"a": cosines})
    off = [each.epoch for each in strategy.decisions]
    assert off == ([off_after] if off_after else [])


def test_the_smoothed_signal_forgives_one_bad_measurement() -> None:
    cosines = [0.3, -0.2, 0.3, 0.3]
    hasty = AdaptiveSwitch(memory=0.0, affinity_patience=1, auxiliaries=["a"])
    calm = AdaptiveSwitch(memory=0.5, affinity_patience=1, auxiliaries=["a"])
    assert told(hasty, cosines={"a": cosines}).decisions
    assert not told(calm, cosines={"a": cosines}).decisions


@given(st.lists(st.floats(0.1, 2) | st.just(math.nan), min_size=1, max_size=12), st.lists(values, max_size=12))
def test_a_switch_is_never_taken_back(losses: list[float], cosines: list[float]) -> None:
    strategy = AdaptiveSwitch(1, auxiliaries=["a"])
    seen: list[float] = []
    for epoch, loss in enumerate(losses, start=1):
        seen.append(strategy.weights(epoch)["a"])
        cosine = cosines[epoch - 1] if epoch <= len(cosines) else math.nan
        strategy.after_evaluation(Observation(epoch, epoch, {"loss": loss}, {"a": cosine}))
    assert seen == sorted(seen, reverse=True)
    assert seen == course(strategy, "a", len(seen)), "the past does not change"
    assert len(strategy.decisions) <= 1


def test_without_signals_adaptive_diminish_is_diminish() -> None:
    adaptive, fixed = AdaptiveDiminish(0.3, auxiliaries=["a"]), Diminish(0.3, auxiliaries=["a"])
    told(adaptive, losses=[0.5, 0.6, 0.7])
    assert course(adaptive, "a", 20) == pytest.approx(course(fixed, "a", 20))


def test_a_signal_of_zero_leaves_the_rate() -> None:
    adaptive, fixed = AdaptiveDiminish(0.3, auxiliaries=["a"]), Diminish(0.3, auxiliaries=["a"])
    told(adaptive, cosines={"a": [0.0] * 5})
    assert course(adaptive, "a", 12) == pytest.approx(course(fixed, "a", 12))


def test_the_rate_follows_the_affinity_in_closed_form() -> None:
    strategy = AdaptiveDiminish(0.4, sensitivity=5, memory=0.0, negligible=0, auxiliaries=["a"])
    told(strategy, cosines={"a": [0.2, -0.2]})
    rates = [0.4, 0.4 * math.exp(-1), 0.4 * math.exp(1), 0.4 * math.exp(1)]
    expected = [math.exp(-sum(rates[: t + 1])) for t in range(4)]
    assert course(strategy, "a", 4) == pytest.approx(expected)
    assert [each.numbers["rate"] for each in strategy.decisions] == pytest.approx(rates[1:3])


def test_tasks_that_agree_outlast_those_that_do_not() -> None:
    strategy = AdaptiveDiminish(0.3, auxiliaries=["good", "bad"])
    told(strategy, cosines={"good": [0.2] * 6, "bad": [-0.2] * 6})
    assert course(strategy, "bad", 8)[3] == 0
    assert course(strategy, "good", 8)[-1] > Diminish(0.3, auxiliaries=["good"]).weights(8)["good"]


@given(st.lists(values, max_size=15), st.floats(0, 2), st.floats(0, 50), st.floats(0, 0.9))
def test_weights_never_grow_and_the_past_stays(
    cosines: list[float], decay: float, sensitivity: float, memory: float
) -> None:
    strategy = AdaptiveDiminish(decay, sensitivity=sensitivity, memory=memory, auxiliaries=["a"])
    seen = []
    for epoch, cosine in enumerate(cosines, start=1):
        seen.append(strategy.weights(epoch)["a"])
        strategy.after_evaluation(Observation(epoch, epoch, {}, {"a": cosine}))
    assert all(0 <= later <= earlier for earlier, later in pairwise(seen))
    assert course(strategy, "a", len(seen)) == pytest.approx(seen, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("kind", [AdaptiveSwitch, AdaptiveDiminish])
def test_they_go_on_from_their_state(kind: type[AdaptiveSwitch] | type[AdaptiveDiminish]) -> None:
    cosines, losses = [0.1, -0.3, -0.2, -0.1, -0.3], [0.6, 0.5, 0.4, 0.45, 0.3]
    whole, half = kind(auxiliaries=["a"]), kind(auxiliaries=["a"])
    for epoch in range(1, 6):
        observation = Observation(epoch, epoch, {"loss": losses[epoch - 1]}, {"a": cosines[epoch - 1]})
        whole.after_evaluation(observation)
        if epoch == 3:
            half = load_strategy(json.loads(json.dumps(half.state_dict())))  # type: ignore[assignment]
        half.after_evaluation(observation)
    assert whole.state_dict() == half.state_dict()
    assert course(whole, "a", 9) == course(half, "a", 9)
    assert whole.state_dict() != kind(auxiliaries=["a"]).state_dict()


def test_the_gain_is_another_signal() -> None:
    strategy = AdaptiveSwitch(signal="gain", memory=0.0, affinity_patience=1, off_below=0.0, auxiliaries=["a"])
    strategy.after_evaluation(Observation(1, 1, gradient_cosines={"a": -0.9}, gains={"a": 0.1}))
    assert not strategy.decisions
    strategy.after_evaluation(Observation(2, 2, gradient_cosines={"a": 0.9}, gains={"a": -0.1}))
    assert strategy.decisions[0].cause == "its gain with the primary task was too low for 1 evaluation"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AdaptiveSwitch(0), "patience must be a whole number of at least 1, found 0"),
        (lambda: AdaptiveSwitch(earliest=4, latest=3), r"latest must be at least earliest \(4\), found 3"),
        (lambda: AdaptiveSwitch(off_below=0.1), "clear_above must be at least off_below"),
        (lambda: AdaptiveSwitch(signal="sine"), "signal must be one of 'cosine', 'gain', found 'sine'"),  # type: ignore[arg-type]
        (lambda: AdaptiveSwitch(memory=1.0), "memory must be at least 0 and below 1, found 1.0"),
        (lambda: AdaptiveSwitch(minimum_gain=math.nan), "minimum_gain must be a finite number"),
        (lambda: AdaptiveDiminish(-1), "decay must be a finite number of at least 0, found -1"),
        (lambda: AdaptiveDiminish(sensitivity=-1), "sensitivity must be a finite number of at least 0"),
        (lambda: load_strategy(Diminish().state_dict() | {"state": {"best": 1}}), "Diminish is a fixed schedule"),
        (lambda: load_strategy({"strategy": "adaptive-switch", "state": {"best": 1}}), "settings do not fit"),
    ],
)
def test_wrong_parameters_are_refused(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # type: ignore[operator]
