from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.strategy import Switch


@given(at=st.integers(1, 1000), t=st.integers(1, 2000), weight=st.floats(0, 5))
def test_weight_is_full_before_the_switch_and_exactly_zero_from_it_on(at: int, t: int, weight: float) -> None:
    found = Switch(at=at, weight=weight, auxiliaries=["a", "b"]).weights(t)
    assert found == ({"a": weight, "b": weight} if t < at else {"a": 0.0, "b": 0.0})


def test_switch_at_the_first_epoch_never_runs_an_auxiliary_task() -> None:
    assert Switch(at=1, auxiliaries=["a"]).weights(1) == {"a": 0.0}


def test_step_unit_counts_optimizer_steps() -> None:
    strategy = Switch(at=100, unit="step", auxiliaries=["a"])
    assert strategy.weights_at(epoch=7, step=99) == {"a": 1.0}
    assert strategy.weights_at(epoch=1, step=100) == {"a": 0.0}


def test_epoch_unit_ignores_the_step() -> None:
    assert Switch(at=2, auxiliaries=["a"]).weights_at(epoch=1, step=500) == {"a": 1.0}


@pytest.mark.parametrize("bad", [0, -3, 1.5, True, "3"])
def test_a_switch_that_is_no_positive_whole_number_is_rejected(bad: object) -> None:
    with pytest.raises(InputError, match=rf"at must be a whole number of at least 1, found {bad!r}"):
        Switch(at=bad)  # type: ignore[arg-type]
