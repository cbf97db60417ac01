"""Checks of numbers, one for all tasks or ``{task: number}``.

Each returns what it is given, as float or int. It raises an `InputError` that names the parameter, the rule and the
value found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, TypeVar, cast, get_args

from mt2st.errors import InputError, listed
from mt2st.strategy.base import PerTask
from mt2st.strategy.observation import Signal

NumberT = TypeVar("NumberT", float, PerTask)
WholeT = TypeVar("WholeT", int, int | Mapping[str, int])


def finite(parameter: str, value: NumberT) -> NumberT:
    """Return finite numbers."""
    return _checked(parameter, value, "a finite number", lambda _: True)


def non_negative(parameter: str, value: NumberT) -> NumberT:
    """Return finite numbers of at least 0."""
    return _checked(parameter, value, "a finite number of at least 0", lambda number: number >= 0)


def positive(parameter: str, value: NumberT) -> NumberT:
    """Return finite numbers above 0."""
    return _checked(parameter, value, "a finite number above 0", lambda number: number > 0)


def within(parameter: str, value: NumberT, least: float, most: float) -> NumberT:
    """Return numbers in [least, most]."""
    return _checked(parameter, value, f"from {least:g} to {most:g}", lambda number: least <= number <= most)


def fraction(parameter: str, value: NumberT) -> NumberT:
    """Return numbers in (0, 1]."""
    return _checked(parameter, value, "above 0 and at most 1", lambda number: 0 < number <= 1)


def memory_share(parameter: str, value: NumberT) -> NumberT:
    """Return numbers in [0, 1)."""
    return _checked(parameter, value, "at least 0 and below 1", lambda number: 0 <= number < 1)


def whole(parameter: str, value: WholeT, *, least: int = 1) -> WholeT:
    """Return whole numbers of at least ``least``."""
    rule = f"a whole number of at least {least}"
    return _checked(parameter, value, rule, lambda number: number >= least, kind=Integral)


def signal_name(value: Signal) -> Signal:
    """Return the name of a signal of the feedback loop."""
    if value not in get_args(Signal):
        raise InputError(f"signal must be one of {listed(get_args(Signal))}, found {value!r}")
    return value


def of_task(value: PerTask, task: str) -> float:
    """Return the number that holds for ``task``."""
    return value[task] if isinstance(value, Mapping) else value


ValueT = TypeVar("ValueT")


def _checked(
    parameter: str, value: ValueT, rule: str, holds: Callable[[Any], bool], *, kind: type[Real | Integral] = Real
) -> ValueT:
    if isinstance(value, Mapping):
        checked = {
            task: _checked(f"{parameter}[{task!r}]", each, rule, holds, kind=kind) for task, each in value.items()
        }
        return cast(ValueT, checked)
    if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value) or not holds(value):
        raise InputError(f"{parameter} must be {rule}, found {value!r}")
    number: Any = value
    return cast(ValueT, int(number) if kind is Integral else float(number))
