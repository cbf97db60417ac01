from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.training import CheckConvergence, EarlyStopping, Evaluation


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 1), st.integers(1, 4))
def test_it_has_converged_exactly_when_the_last_norms_were_all_below(
    norms: list[float], tolerance: float, patience: int
) -> None:
    check = CheckConvergence(tolerance, patience)
    for number, norm in enumerate(norms, 1):
        last = norms[max(0, number - patience) : number]
        assert check.converged(norm) == (len(last) == patience and all(each < tolerance for each in last))


def test_a_norm_that_is_no_number_never_counts() -> None:
    check = CheckConvergence(1.0, 2)
    assert [check.converged(norm) for norm in (0.1, float("nan"), 0.1, 0.1)] == [False, False, False, True]


def test_its_state_goes_on_where_it_was() -> None:
    first, second = CheckConvergence(1.0, 2), CheckConvergence(1.0, 2)
    first.converged(0.5)
    second.load_state_dict(first.state_dict())
    assert second.converged(0.5)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_tolerance_out_of_range_is_named(tolerance: float) -> None:
    with pytest.raises(InputError, match="tolerance must be a finite number above 0, found"):
        CheckConvergence(tolerance)


def test_a_patience_below_one_is_named() -> None:
    with pytest.raises(InputError, match="patience must be a whole number of at least 1, found 0"):
        CheckConvergence(patience=0)


def evaluation(epoch: int, **validation: float) -> Evaluation:
    return Evaluation(epoch, epoch, 0.0, {}, {}, {}, math.nan, validation)


def causes(check: EarlyStopping, losses: Sequence[float], metric: str = "loss") -> list[str | None]:
    return [check.cause(evaluation(epoch, **{metric: loss})) for epoch, loss in enumerate(losses, start=1)]


def test_validation_has_converged_when_it_does_not_improve_any_more() -> None:
    assert causes(EarlyStopping(patience=2), [0.6, 0.5, 0.55, 0.49, 0.5, 0.5]) == [
        None, None, None, None, None, "the validation loss has not come past 0.49 for 2 evaluations",
    ]  # fmt: skip
    found = causes(EarlyStopping(patience=1, monitor="accuracy"), [0.5, 0.6, 0.6], "accuracy")
    assert found == [None, None, "the validation accuracy has not come past 0.6 for 1 evaluation"]


def test_it_does_not_end_a_run_before_its_earliest_epoch() -> None:
    assert [bool(each) for each in causes(EarlyStopping(patience=1, earliest=4), [0.5, 0.6, 0.6, 0.6])] == [
        False, False, False, True,
    ]  # fmt: skip


def test_small_gains_and_missing_measures() -> None:
    assert causes(EarlyStopping(patience=1, minimum_gain=0.1), [0.5, 0.45])[1]
    assert causes(EarlyStopping(patience=1), [math.nan, math.nan]) == [None, None]


def test_validation_goes_on_from_its_state() -> None:
    first, second = EarlyStopping(patience=2), EarlyStopping(patience=2)
    causes(first, [0.5, 0.6])
    second.load_state_dict(first.state_dict())
    assert second.cause(evaluation(3, loss=0.7))


@pytest.mark.parametrize("arguments", [{"patience": 0}, {"earliest": 0}, {"minimum_gain": -1.0}])
def test_wrong_settings_of_the_validation_form_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(arguments))} must be"):
        EarlyStopping(**arguments)
