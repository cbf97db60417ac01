from __future__ import annotations

import logging
import sys

import numpy as np
import pytest
from tests.study.conftest import QUICK

from mt2st import SingleTask
from mt2st.errors import MissingExtraError
from mt2st.strategy import Range
from mt2st.study.search import RANDOM_TRIALS, Axis, Course, Trial, check_search, next_numbers

optuna = pytest.importorskip("optuna", reason="needs the extra 'search'")
AXES = (Axis(Range("dropout", 0.0, 1.0)), Axis(Range("patience", 1, 4, whole=True)))


def searched(trials: int, seed: int = 3) -> list[Trial]:
    """Search the place where the score is largest: dropout 0.8, patience 2."""
    past: list[Trial] = []
    for _ in range(trials):
        numbers = next_numbers(AXES, past, seed=seed)
        score = -abs(numbers["dropout"] - 0.8) - abs(numbers["patience"] - 2)
        past.append(Trial(numbers, score))
    return past


def test_the_next_numbers_depend_on_the_arguments_alone() -> None:
    verbosity = optuna.logging.get_verbosity()
    assert searched(8) == searched(8)
    assert searched(8)[:4] == searched(4)
    assert searched(8, seed=4) != searched(8)
    assert optuna.logging.get_verbosity() == verbosity == logging.INFO


def test_it_comes_near_the_best_place_within_the_ranges() -> None:
    trials = searched(30)
    assert all(axis.holds(trial.numbers[axis.name]) for axis in AXES for trial in trials)
    assert {type(trial.numbers["patience"]) for trial in trials} == {int}
    away = [-trial.score for trial in trials if trial.score is not None]
    assert np.mean(away[-10:]) < 0.5 * np.mean(away[:RANDOM_TRIALS])


def test_nothing_is_learnt_from_what_failed_or_was_given_out_of_range() -> None:
    past = searched(7)
    without = [*past, Trial({"dropout": 0.5, "patience": 2}, None)]
    outside = [*past, Trial({"dropout": 0.5, "patience": 9}, 0.0)]
    assert next_numbers(AXES, without, seed=3) == next_numbers(AXES, outside, seed=3)
    assert next_numbers(AXES, without, seed=3) != next_numbers(AXES, past, seed=3)


def test_methods_draw_the_same_numbers_for_what_they_share() -> None:
    common = Course(SingleTask(), QUICK).axes
    alone = next_numbers(common, [], seed=1)
    assert alone.items() < next_numbers((*common, *AXES[1:]), [], seed=1).items()


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"a search of settings needs the extra 'search': pip install"):
        check_search(1, None, [1])
