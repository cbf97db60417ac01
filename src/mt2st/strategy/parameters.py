"""Checks of the numbers that strategies take, one for all tasks or one per task."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from mt2st.errors import InputError
from mt2st.strategy.base import PerTask


def non_negative(parameter: str, value: PerTask) -> PerTask:
    """Return the value as float(s) after checking that each is finite and at least 0.

    Raises:
        InputError: naming the parameter, the rule and the value found.
    """
    return _checked(parameter, value, "a finite number of at least 0", lambda number: number >= 0)


def non_negative_number(parameter: str, value: float) -> float:
    """Return one number as a float after checking that it is finite and at least 0.

    Raises:
        InputError: naming the parameter, the rule and the value found.
    """
    return _checked_number(parameter, value, "a finite number of at least 0", lambda number: number >= 0)


def fraction(parameter: str, value: PerTask) -> PerTask:
    """Return the value as float(s) after checking that each lies in (0, 1].

    Raises:
        InputError: naming the parameter, the rule and the value found.
    """
    return _checked(parameter, value, "above 0 and at most 1", lambda number: 0 < number <= 1)


def of_task(value: PerTask, task: str) -> float:
    """Return the number that holds for ``task``."""
    return value[task] if isinstance(value, Mapping) else value


def _checked(parameter: str, value: PerTask, rule: str, holds: Callable[[float], bool]) -> PerTask:
    if isinstance(value, Mapping):
        return {task: _checked_number(f"{parameter}[{task!r}]", each, rule, holds) for task, each in value.items()}
    return _checked_number(parameter, value, rule, holds)


def _checked_number(parameter: str, value: float, rule: str, holds: Callable[[float], bool]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not holds(value):
        raise InputError(f"{parameter} must be {rule}, found {value!r}")
    return float(value)
