"""What a search tries: the settings that all methods share, and each strategy's own, with their ranges.

To search a further setting, add a `Range` to `COMMON` or to the strategy's line in `OWN`; to search a further strategy,
add a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from mt2st.models import ClassifierSettings
from mt2st.strategy import (
    DWA,
    MGDA,
    AdaptiveDiminish,
    AdaptiveSwitch,
    Bloop,
    CAGrad,
    Diminish,
    GradientCosine,
    MultiTask,
    PCGrad,
    PretrainFinetune,
    SingleTask,
    Strategy,
    Switch,
    UncertaintyWeighting,
)
from mt2st.strategy.serialise import load_strategy


class Scale(Enum):
    """What the searched number is to the setting; all but the first do not depend on how long a trial trains."""

    VALUE = "the setting itself"
    FACTOR = "what the given value is multiplied by"
    SHARE = "share of the training after which something happens: at 0.5 of 8 epochs, from epoch 5 on"
    FALL = "by how many powers of e the weight falls over the training: decay * length ** curvature"
    WHETHER = "0: off, 1: on"


@dataclass(frozen=True)
class Range:
    """A setting and where it is searched.

    Attributes:
        name: of the setting, or of the strategy's parameter.
        low: the least number that is tried.
        high: the largest.
        scale: what the number is to the setting.
        log: whether the logarithm is searched evenly.
        whole: whether only whole numbers are tried.
        by_task: whether each auxiliary task has its own; a parameter that is given by task has in any case.
    """

    name: str
    low: float
    high: float
    scale: Scale = Scale.VALUE
    log: bool = False
    whole: bool = False
    by_task: bool = False


COMMON = (
    Range("learning_rate", 0.3, 3.0, Scale.FACTOR, log=True),
    Range("embedding_learning_rate", 0.3, 3.0, Scale.FACTOR, log=True),
    Range("dropout", 0.0, 0.6),
)
"""What is searched with every strategy. A learning rate of the heads alone stays as it is given."""
WEIGHT = Range("weight", 0.1, 3.0, Scale.FACTOR, log=True, by_task=True)
INITIAL = replace(WEIGHT, name="initial")
AT = Range("at", 0.1, 0.9, Scale.SHARE)
DECAY = Range("decay", 0.5, 8.0, Scale.FALL, log=True)
OWN: Mapping[type[Strategy], tuple[Range, ...]] = {
    SingleTask: (),
    MultiTask: (WEIGHT,),
    Diminish: (INITIAL, Range("curvature", 0.5, 2.0, log=True), DECAY),  # the decay is read by the curvature
    Switch: (WEIGHT, AT),
    AdaptiveDiminish: (INITIAL, DECAY, Range("sensitivity", 0.2, 5.0, Scale.FACTOR, log=True)),
    AdaptiveSwitch: (WEIGHT, Range("patience", 1, 4, whole=True), Range("affinity_patience", 1, 4, whole=True)),
    PretrainFinetune: (WEIGHT, AT),
    UncertaintyWeighting: (INITIAL, Range("rate", 0.2, 5.0, Scale.FACTOR, log=True)),
    DWA: (Range("temperature", 0.5, 8.0, log=True),),
    PCGrad: (WEIGHT,),
    MGDA: (WEIGHT,),
    CAGrad: (WEIGHT, Range("radius", 0.1, 0.9)),
    GradientCosine: (WEIGHT, Range("gate", 0, 1, Scale.WHETHER, whole=True)),
    Bloop: (WEIGHT, Range("memory", 0.5, 0.99)),
}
"""What is searched besides, by the strategy's own class; of others, nothing is."""


@dataclass(frozen=True)
class Axis:
    """One number that is searched for a method.

    Attributes:
        range: of what, and where.
        task: the auxiliary task that it is for; None: all.
    """

    range: Range
    task: str | None = None

    @property
    def name(self) -> str:
        """What records call it: ``weight`` or ``weight of analogy``."""
        return self.range.name if self.task is None else f"{self.range.name} of {self.task}"

    def holds(self, number: float) -> bool:
        """Whether the number is in the range."""
        return self.range.low <= number <= self.range.high


@dataclass(frozen=True)
class Course:
    """A strategy and the settings of the model that it trains: what a search changes.

    Attributes:
        strategy: the strategy.
        settings: the model's.
        steps_per_epoch: of the primary task, for strategies that count steps.
    """

    strategy: Strategy
    settings: ClassifierSettings
    steps_per_epoch: int = 1

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What is searched: first what all methods share, then the strategy's own."""
        return (*(Axis(each) for each in COMMON), *self._own_axes)

    @property
    def given(self) -> dict[str, float]:
        """The numbers, by the axes' names, that stand for the course as it is; they may be out of range."""
        numbers = {axis.name: _number(axis.range, value, 1, 1.0) for axis, value in self._common_values()}
        state = self.strategy.state_dict()
        for axis in self._own_axes:
            value = _of(state[axis.range.name], axis.task)
            numbers[axis.name] = _number(axis.range, value, self._length(self.settings.epochs), _curvature(state, axis))
        return numbers

    def at(self, numbers: Mapping[str, float], *, epochs: int | None = None) -> Course:
        """Return the course that numbers, by the axes' names, stand for.

        Args:
            numbers: one an axis.
            epochs: of the training, if others than the settings have.

        Raises:
            InputError: when the settings or the strategy cannot have a value.
        """
        length = self._length(epochs or self.settings.epochs)
        settings: dict[str, Any] = {"epochs": epochs or self.settings.epochs}
        for axis, value in self._common_values():
            settings[axis.range.name] = _value(axis.range, numbers[axis.name], value, length, 1.0)
        state = self.strategy.state_dict()
        given = dict(state)
        for axis in self._own_axes:
            name, old = axis.range.name, _of(given[axis.range.name], axis.task)
            new = _value(axis.range, numbers[axis.name], old, length, _curvature(state, axis))
            by_task = state[name] if isinstance(state[name], Mapping) else {}
            state[name] = new if axis.task is None else {**by_task, axis.task: new}
        strategy = load_strategy(state) if self._own_axes else self.strategy
        return replace(self, strategy=strategy, settings=replace(self.settings, **settings))

    def told(self) -> dict[str, Any]:
        """Return the values of what is searched, as plain JSON values."""
        state, rates = self.strategy.state_dict(), self.settings.learning_rates
        common = {"learning_rate": rates["encoder"], "embedding_learning_rate": rates["embedding"]}
        values = {each.name: common.get(each.name, getattr(self.settings, each.name)) for each in COMMON}
        return values | {axis.range.name: state[axis.range.name] for axis in self._own_axes}

    @property
    def _own_axes(self) -> tuple[Axis, ...]:
        return tuple(self._axes_of_strategy())

    def _axes_of_strategy(self) -> Iterator[Axis]:
        state = self.strategy.state_dict()
        tasks: Sequence[str] = state.get("auxiliaries", self.settings.auxiliary)
        for each in OWN.get(type(self.strategy), ()):
            read = (each.name, "curvature") if each.scale is Scale.FALL else (each.name,)
            given_by_task = [state[name] for name in read if isinstance(state.get(name), Mapping)]
            if given_by_task:
                yield from (Axis(each, task) for task in given_by_task[0])
            elif each.by_task and len(tasks) > 1:
                yield from (Axis(each, task) for task in tasks)
            else:
                yield Axis(each)

    def _common_values(self) -> Iterator[tuple[Axis, float]]:
        """Yield what all methods share with the given values; learning rates that are not given are the encoder's."""
        rates = self.settings.learning_rates
        given = {"learning_rate": rates["encoder"], "embedding_learning_rate": rates["embedding"]}
        for each in COMMON:
            yield Axis(each), given[each.name] if each.name in given else getattr(self.settings, each.name)

    def _length(self, epochs: int) -> int:
        """Return how long a training is in what the strategy counts."""
        return epochs if self.strategy.unit == "epoch" else epochs * self.steps_per_epoch


def _value(of: Range, number: float, given: float, length: int, curvature: float) -> float | int | bool:
    """Return the setting that a number stands for."""
    if of.scale is Scale.FACTOR:
        return given * number
    if of.scale is Scale.SHARE:
        return max(2, min(length, 1 + round(number * length)))
    if of.scale is Scale.FALL:
        return float(number / length**curvature)
    if of.scale is Scale.WHETHER:
        return bool(number)
    return round(number) if of.whole else number


def _number(of: Range, given: float, length: int, curvature: float) -> float:
    """Return the number that stands for the given setting."""
    if of.scale is Scale.FACTOR:
        return 1.0
    if of.scale is Scale.SHARE:
        return (given - 1) / length
    if of.scale is Scale.FALL:
        return float(given * length**curvature)
    return given if of.scale is Scale.VALUE else int(given)


def _of(value: Any, task: str | None) -> Any:
    return value[task] if isinstance(value, Mapping) else value


def _curvature(state: Mapping[str, Any], axis: Axis) -> float:
    """Return the exponent of time by which an axis is read: 1 where it does not matter."""
    return float(_of(state.get("curvature", 1.0), axis.task)) if axis.range.scale is Scale.FALL else 1.0
