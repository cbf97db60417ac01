from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mt2st.strategy import AdaptiveDiminish, AdaptiveSwitch, Observation
from mt2st.strategy.observation import Affinity

gains = st.lists(st.floats(-1, 1).filter(lambda gain: gain == 0 or abs(gain) > 1e-3), min_size=1, max_size=20)
SMALL, LARGE = 1e-6, 1e-2
"""Gains of real trainings lie between these."""


@given(gains, st.floats(0, 0.95), st.floats(1e-6, 1e6))
def test_the_affinity_by_gain_has_no_scale(values: list[float], memory: float, scale: float) -> None:
    plain, scaled = Affinity("gain", memory), Affinity("gain", memory)
    for value in values:
        one, other = plain.update("a", value), scaled.update("a", scale * value)
        assert one is not None
        assert -1 <= one <= 1
        assert other == pytest.approx(one, abs=1e-9)


@given(st.floats(-1, 1).filter(bool), st.floats(0, 0.95), st.integers(1, 20))
def test_equal_gains_say_more_the_more_there_are(gain: float, memory: float, count: int) -> None:
    assume(gain * gain > 1e-300)
    affinity = Affinity("gain", memory)
    for _ in range(count):
        affinity.update("a", gain)
    assert affinity.of("a") == pytest.approx(math.copysign(1 - memory**count, gain))


def test_what_was_not_measured_changes_nothing_and_what_was_stays() -> None:
    affinity = Affinity("gain", 0.8)
    assert affinity.update("a", math.nan) is None
    first = affinity.update("a", -1e-5)
    assert affinity.update("a", math.nan) == first == pytest.approx(-0.2)
    again = Affinity("gain", 0.8)
    again.load_state_dict(affinity.state_dict())
    assert again.update("a", 2e-5) == affinity.update("a", 2e-5)


def test_gains_of_zero_are_no_affinity() -> None:
    assert Affinity("gain", 0.5).update("a", 0.0) == 0.0


def observe_gains(strategy: AdaptiveSwitch | AdaptiveDiminish, scale: float) -> None:
    for epoch in range(1, 7):
        strategy.after_evaluation(Observation(epoch, epoch, {}, gains={"with": scale, "against": -scale}))


@pytest.mark.parametrize("scale", [SMALL, LARGE])
def test_by_default_the_switch_puts_off_a_task_that_gains_are_against_at_any_scale(scale: float) -> None:
    strategy = AdaptiveSwitch(signal="gain", auxiliaries=["with", "against"])
    observe_gains(strategy, scale)
    assert [(each.task, each.action, each.epoch) for each in strategy.decisions] == [("against", "off", 3)]
    numbers = strategy.decisions[0].numbers
    assert numbers["gain"] == -scale
    assert numbers["affinity by gain"] == pytest.approx(-(1 - 0.8**3))
    assert numbers["off_below"] == -0.3


@pytest.mark.parametrize("scale", [SMALL, LARGE])
def test_by_default_diminish_parts_tasks_by_their_gains_at_any_scale(scale: float) -> None:
    strategy = AdaptiveDiminish(signal="gain", auxiliaries=["with", "against"])
    observe_gains(strategy, scale)
    weights = strategy.weights(7)
    assert weights["against"] == 0
    assert weights["with"] > 0.3


def test_the_defaults_follow_the_signal() -> None:
    assert (AdaptiveSwitch().bound, AdaptiveSwitch(signal="gain").bound) == (-0.03, -0.3)
    assert AdaptiveSwitch(signal="gain", off_below=-0.5).bound == -0.5
    assert (AdaptiveDiminish().strength, AdaptiveDiminish(signal="gain").strength) == (20, 3)


@pytest.mark.parametrize("kind", [AdaptiveSwitch, AdaptiveDiminish])
def test_defaults_of_the_signal_are_not_given_settings(kind: type[AdaptiveSwitch | AdaptiveDiminish]) -> None:
    assert repr(kind()) == f"{kind.__name__}()"
    again = kind(**{**kind().settings(), "signal": "gain"})
    assert again == kind(signal="gain")
    assert kind.from_state_dict(again.state_dict()) == again
