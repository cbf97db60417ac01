"""What a strategy declares about itself for the command line, the search and the figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any


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
