"""Checks of the numbers that strategies take, one for all tasks or one per task."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import get_args

from mt2st.errors import InputError, listed
from mt2st.strategy.base import PerTask
from mt2st.strategy.observation import Signal


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


def positive_number(parameter: str, value: float) -> float:
    """Return one number as a float after checking that it is finite and above 0.

    Raises:
        InputError: naming the parameter, the rule and the value found.
    """
    return _checked_number(parameter, value, "a finite number above 0", lambda number: number > 0)


def within(parameter: str, value: PerTask, least: float, most: float) -> PerTask:
    """Return the value as float(s) after checking that each lies in [least, most].

    Raises:
        InputError: naming the parameter, the rule and the value found.
    """
    return _checked(parameter, value, f"from {least:g} to {most:g}", lambda number: least <= number <= most)


def fraction(parameter: str, value: PerTask) -> PerTask:
    """Return the value as float(s) after checking that each lies in (0, 1].

    Raises:
        InputError: naming the parameter, the rule and the value found.
    """
    return _checked(parameter, value, "above 0 and at most 1", lambda number: 0 < number <= 1)


def finite_number(parameter: str, value: float) -> float:
    """Return one number as a float after checking that it is finite.

    Raises:
        InputError: naming the parameter, the rule and the value found.
    """
    return _checked_number(parameter, value, "a finite number", lambda _: True)


def memory_share(parameter: str, value: float) -> float:
    """Return one number as a float after checking that it lies in [0, 1).

    Raises:
        InputError: naming the parameter, the rule and the value found.
    """
    return _checked_number(parameter, value, "at least 0 and below 1", lambda number: 0 <= number < 1)


def whole(parameter: str, value: int) -> int:
    """Return a whole number after checking that it is at least 1.

    Raises:
        InputError: naming the parameter, the rule and the value found.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise InputError(f"{parameter} must be a whole number of at least 1, found {value!r}")
    return int(value)


def whole_per_task(parameter: str, value: int | Mapping[str, int]) -> int | dict[str, int]:
    """Return whole numbers, one for all tasks or ``{task: number}``, after checking that each is at least 1.

    Raises:
        InputError: naming the parameter, the task, the rule and the value found.
    """
    if isinstance(value, Mapping):
        return {task: whole(f"{parameter}[{task!r}]", each) for task, each in value.items()}
    return whole(parameter, value)


def signal_name(value: Signal) -> Signal:
    """Return the name of a signal of the feedback loop after checking it.

    Raises:
        InputError: when there is no such signal.
    """
    if value not in get_args(Signal):
        raise InputError(f"signal must be one of {listed(get_args(Signal))}, found {value!r}")
    return value


def of_task(value: PerTask, task: str) -> float:
    """Return the number that holds for ``task``."""
    return value[task] if isinstance(value, Mapping) else value


def _checked(parameter: str, value: PerTask, rule: str, holds: Callable[[float], bool]) -> PerTask:
    if isinstance(value, Mapping):
        return {task: _checked_number(f"{parameter}[{task!r}]", each, rule, holds) for task, each in value.items()}
    return _checked_number(parameter, value, rule, holds)


def _checked_number(parameter: str, value: float, rule: str, holds: Callable[[float], bool]) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or not holds(value):
        raise InputError(f"{parameter} must be {rule}, found {value!r}")
    return float(value)
