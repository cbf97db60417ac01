from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.training import CheckConvergence


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
    with pytest.raises(InputError, match="patience must be at least 1, found 0"):
        CheckConvergence(patience=0)
