"""A strategy's numbers, and how command line, search and charts know them.

Each check returns the number, or raises an `InputError` that names parameter, rule and value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from numbers import Integral, Real
from typing import Any, TypeVar, get_args

from mt2st.errors import MOST, InputError, listed
from mt2st.strategy.observation import Signal

NumberT = TypeVar("NumberT", int, float)


def plain(value: Any, *, arrays: bool = False) -> Any:
    """Return a value with the numbers of NumPy and torch, and with ``arrays`` their arrays too, as Python's own."""
    if isinstance(value, Mapping):
        return {plain(key): plain(each, arrays=arrays) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, arrays=arrays) for each in value]
    return value.tolist() if hasattr(value, "tolist") and (arrays or value.ndim == 0) else value


def finite(parameter: str, value: float) -> float:
    """Return a finite number."""
    return _checked(parameter, value, "a finite number", lambda _: True)


def non_negative(parameter: str, value: float) -> float:
    """Return a finite number of at least 0."""
    return _checked(parameter, value, "a finite number of at least 0", lambda number: number >= 0)


def positive(parameter: str, value: float) -> float:
    """Return a finite number above 0."""
    return _checked(parameter, value, "a finite number above 0", lambda number: number > 0)


def within(least: float, most: float) -> Callable[[str, float], float]:
    """Return a check of numbers in [least, most]."""
    rule = f"from {least:g} to {most:g}"
    return lambda parameter, value: _checked(parameter, value, rule, lambda number: least <= number <= most)


def fraction(parameter: str, value: float) -> float:
    """Return a number in (0, 1]."""
    return _checked(parameter, value, "above 0 and at most 1", lambda number: 0 < number <= 1)


def memory_share(parameter: str, value: float) -> float:
    """Return a number in [0, 1)."""
    return _checked(parameter, value, "at least 0 and below 1", lambda number: 0 <= number < 1)


def whole(parameter: str, value: float, *, least: int = 1) -> int:
    """Return a whole number of at least ``least``."""
    is_whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not is_whole or value < least:
        raise InputError(f"{parameter} must be a whole number of at least {least}, found {value!r}")
    if value > MOST:
        raise InputError(f"{parameter} must be at most {MOST:g}, found {value!r}")
    return int(value)


def by_task(
    check: Callable[[str, NumberT], NumberT], parameter: str, value: NumberT | Mapping[str, NumberT]
) -> NumberT | dict[str, NumberT]:
    """Return one number for all tasks, or ``{task: number}``, after a check of each."""
    if isinstance(value, Mapping):
        return {task: check(f"{parameter}[{task!r}]", each) for task, each in value.items()}
    return check(parameter, value)


def of_task(value: float | Mapping[str, float], task: str) -> float:
    """Return the number that holds for ``task``."""
    return value[task] if isinstance(value, Mapping) else value


def signal_name(value: Signal) -> Signal:
    """Return the name of a signal of the feedback loop."""
    if value not in get_args(Signal):
        raise InputError(f"signal must be one of {listed(get_args(Signal))}, found {value!r}")
    return value


def _checked(parameter: str, value: float, rule: str, holds: Callable[[float], bool]) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or not holds(value):
        raise InputError(f"{parameter} must be {rule}, found {value!r}")
    if abs(value) > MOST:
        raise InputError(f"{parameter} must be at most {MOST:g}{' in size' * (value < 0)}, found {value!r}")
    return float(value)


@dataclass(frozen=True)
class Option:
    """A command-line option that sets one setting of a strategy. Strategies may share an option by its flag.

    Attributes:
        setting: name of the constructor's argument.
        flag: the option, for example ``"--decay"``.
        help: one sentence for ``--help``.
        convert: turns the option's value into the setting's; the option is then an alternative to the setting's own
            one, and is off by default.
    """

    setting: str
    flag: str
    help: str
    convert: Callable[[Any], Any] | None = None


class Scale(Enum):
    """How a searched number gives the setting. All but the first do not depend on the length of a trial."""

    VALUE = "the setting itself"
    FACTOR = "a factor on the given value"
    SHARE = "share of the training after which something happens: at 0.5 of 8 epochs, from epoch 5 on"
    FALL = "powers of e by which the weight falls over the training: decay * length ** curvature"
    WHETHER = "0: off, 1: on"


@dataclass(frozen=True)
class Range:
    """A setting and the range in which a search tries it.

    Attributes:
        name: the setting.
        low, high: the bounds.
        scale: how the number gives the setting.
        log: whether the logarithm is sampled evenly.
        whole: whether only whole numbers are tried.
        by_task: whether each auxiliary task has its own number. A setting that is given by task always has.
    """

    name: str
    low: float
    high: float
    scale: Scale = Scale.VALUE
    log: bool = False
    whole: bool = False
    by_task: bool = False


@dataclass(frozen=True)
class LineStyle:
    """How figures draw a strategy.

    Attributes:
        colour: colour on a light page, as ``"#rrggbb"``.
        dark: colour on a dark page.
        dash: lengths of strokes and gaps in line widths; empty for a solid line.
        marker: matplotlib's letter for the marker at the line's end.
    """

    colour: str
    dark: str
    dash: tuple[float, ...] = ()
    marker: str = "o"


AUXILIARY_WEIGHT = "--auxiliary-weight"
UNIT = Option("unit", "--unit", "What the schedules count.")
SIGNAL = Option("signal", "--signal", "Affinity: cosine of the gradients, or gain of a step on the task.")
WEIGHT = Option("weight", AUXILIARY_WEIGHT, "Weight of the auxiliary tasks while they are on.")
WEIGHT_RANGE = Range("weight", 0.1, 3.0, Scale.FACTOR, log=True, by_task=True)
INITIAL_RANGE = Range("initial", 0.1, 3.0, Scale.FACTOR, log=True, by_task=True)
AT_RANGE = Range("at", 0.1, 0.9, Scale.SHARE)
DECAY_RANGE = Range("decay", 0.5, 8.0, Scale.FALL, log=True)
