from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.strategy import PretrainFinetune, Switch


@given(at=st.integers(1, 1000), t=st.integers(1, 2000), weight=st.floats(0, 5))
def test_weight_is_full_before_the_switch_and_exactly_zero_from_it_on(at: int, t: int, weight: float) -> None:
    found = Switch(at=at, weight=weight, auxiliaries=["a", "b"]).weights(t)
    assert found == ({"a": weight, "b": weight} if t < at else {"a": 0.0, "b": 0.0})


def test_switch_at_the_first_epoch_never_runs_an_auxiliary_task() -> None:
    assert Switch(at=1, auxiliaries=["a"]).weights(1) == {"a": 0.0}


def test_each_task_may_have_its_own_switch_and_the_last_one_is_the_transition() -> None:
    strategy = Switch(at={"analogy": 2, "context": 4}, auxiliaries=["analogy", "context"])
    assert [list(strategy.weights(t).values()) for t in (1, 2, 3, 4)] == [[1, 1], [0, 1], [0, 1], [0, 0]]
    assert strategy.transition_time(last=8) == 4
    assert strategy.transition_time(last=3) is None


def test_what_a_constructor_refuses_names_the_strategy_once() -> None:
    with pytest.raises(InputError, match="^Switch: at must be"):
        Switch(at=0)
    with pytest.raises(InputError, match="^PretrainFinetune: weight must be"):  # refused by Switch, which it calls
        PretrainFinetune(weight=-1)
    with pytest.raises(InputError, match=r"^Switch: at\['context'\] must be"):
        Switch(at={"context": 0})


def test_a_switch_of_an_unknown_task_or_none_for_a_known_one_is_refused() -> None:
    with pytest.raises(InputError, match="at names the unknown task 'anlogy'. Did you mean 'analogy'?"):
        Switch(at={"anlogy": 2}).bind(["analogy"])
    with pytest.raises(InputError, match="at has no value for the auxiliary task 'context'"):
        Switch(at={"analogy": 2}).bind(["analogy", "context"])
    with pytest.raises(InputError, match=r"at\['analogy'\] must be a whole number of at least 1, found 0"):
        Switch(at={"analogy": 0})


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
