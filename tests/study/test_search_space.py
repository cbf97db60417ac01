from __future__ import annotations

import math

import pytest
from tests.study.conftest import QUICK

from mt2st import Diminish, MultiTask, SingleTask, Switch
from mt2st.cli.strategy_options import ALL_STRATEGIES, strategy_options
from mt2st.network import encoder_class
from mt2st.strategy import AdaptiveDiminish, Strategy
from mt2st.study.search import COMMON, Axis, Course

SETTINGS = QUICK.updated(optimisation__epochs=8, auxiliaries=("analogy", "context"), encoder__dropout=0.3)
STRATEGIES = {name: strategy_options()().build(name, SETTINGS.auxiliaries) for name in ALL_STRATEGIES}


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_the_given_numbers_stand_for_the_course_as_it_is(strategy: Strategy) -> None:
    course = Course(strategy, SETTINGS)
    same = course.at(course.given)
    assert same.settings.learning_rates == pytest.approx(SETTINGS.learning_rates)
    assert same.settings.encoder.dropout == 0.3
    for task in SETTINGS.auxiliaries:
        before, after = strategy.bind(SETTINGS.auxiliaries), same.strategy.bind(SETTINGS.auxiliaries)
        assert [after.weights(t)[task] for t in range(1, 9)] == pytest.approx(
            [before.weights(t)[task] for t in range(1, 9)]
        )


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_both_ends_of_every_range_can_be_trained_with(strategy: Strategy) -> None:
    course = Course(strategy, SETTINGS)
    assert set(course.given) == {axis.name for axis in course.axes}
    for numbers in ({axis.name: axis.range.low for axis in course.axes}, {a.name: a.range.high for a in course.axes}):
        tried = course.at(numbers)
        tried.settings.checked()
        weights = tried.strategy.bind(SETTINGS.auxiliaries).weights(1)
        assert all(weights.values()) or isinstance(strategy, SingleTask)
    assert all(axis.holds(course.given[axis.name]) for axis in course.axes)


def test_all_strategies_search_what_they_share() -> None:
    for strategy in STRATEGIES.values():
        assert Course(strategy, SETTINGS).axes[: len(COMMON)] == tuple(Axis(each) for each in COMMON)
    assert len(Course(SingleTask(), SETTINGS).axes) == len(COMMON)


def test_weights_are_searched_by_task_and_other_parameters_where_they_are_given_so() -> None:
    names = [axis.name for axis in Course(Switch(3), SETTINGS).axes[3:]]
    assert names == ["weight of analogy", "weight of context", "at"]
    by_task = Course(Switch({"analogy": 2, "context": 5}, weight=0.5), SETTINGS)
    assert [axis.name for axis in by_task.axes[5:]] == ["at of analogy", "at of context"]
    numbers = {**by_task.given, "weight of analogy": 0.2, "at of context": 0.75}
    found = by_task.at(numbers).strategy.settings()
    assert found["weight"] == {"analogy": pytest.approx(0.1), "context": 0.5}
    assert found["at"] == {"analogy": 2, "context": 7}
    one = Course(MultiTask(2.0), SETTINGS.updated(auxiliaries=("context",)))
    assert one.at({**one.given, "weight": 0.25}).strategy == MultiTask(0.5)


def test_factors_multiply_the_learning_rates_of_the_encoder_or_those_that_are_given() -> None:
    network, embedding = encoder_class(SETTINGS.encoder.name).learning_rates
    numbers = {
        "optimisation__learning_rate": 2.0,
        "optimisation__embedding_learning_rate": 0.5,
        "encoder__dropout": 0.1,
    }
    found = Course(SingleTask(), SETTINGS).at(numbers).settings
    assert (
        found.optimisation.learning_rate,
        found.optimisation.embedding_learning_rate,
        found.encoder.dropout,
    ) == pytest.approx((2 * network, embedding / 2, 0.1))
    given = Course(SingleTask(), SETTINGS.updated(optimisation__learning_rate=0.5)).at(numbers)
    assert given.settings.learning_rates["heads"] == 1.0
    assert given.told() == {
        "optimisation__learning_rate": 1.0,
        "optimisation__embedding_learning_rate": embedding / 2,
        "encoder__dropout": 0.1,
    }


def test_times_are_shares_of_the_training() -> None:
    course = Course(Switch(5), SETTINGS)
    assert course.given["at"] == 0.5
    assert course.at(course.given, epochs=4).strategy.settings()["at"] == 3
    assert course.at(course.given, epochs=4).settings.optimisation.epochs == 4
    assert [course.at({**course.given, "at": share}).strategy.settings()["at"] for share in (0.1, 0.9)] == [2, 8]
    steps = Course(Switch(81, unit="step"), SETTINGS, steps_per_epoch=20)
    assert steps.given["at"] == 0.5
    assert steps.at(steps.given, epochs=2).strategy.settings()["at"] == 21


@pytest.mark.parametrize(
    "strategy",
    [
        Diminish(0.4, curvature=1.5),
        Diminish({"analogy": 0.1, "context": 0.3}, curvature=0.8),
        Diminish(0.2, curvature={"analogy": 0.5, "context": 1.2}),
        AdaptiveDiminish(0.3),
    ],
)
def test_weights_fall_as_far_over_a_trial_as_over_the_training(strategy: Strategy) -> None:
    course = Course(strategy, SETTINGS)
    short = course.at(course.given, epochs=4)
    whole, trial = (each.strategy.bind(SETTINGS.auxiliaries) for each in (course, short))
    assert trial.weights(4) == pytest.approx(whole.weights(8))
    falls = {axis.name: 2.0 if axis.range.name == "decay" else course.given[axis.name] for axis in course.axes}
    fallen = course.at(falls).strategy.bind(SETTINGS.auxiliaries).weights(8)
    assert fallen == pytest.approx(dict.fromkeys(SETTINGS.auxiliaries, math.exp(-2.0)))


def test_of_a_strategy_without_ranges_what_all_share_is_searched() -> None:
    class Unsearched(Switch):
        search = ()

    course = Course(Unsearched(3), SETTINGS)
    assert len(course.axes) == len(COMMON)
    assert course.at(course.given).strategy is course.strategy
