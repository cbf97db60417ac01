"""The settings that a search tries, with their ranges: those that all methods share, and each strategy's own.

`COMMON` has the shared ones, `Strategy.search` those of a strategy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mt2st.models import ModelSettings
from mt2st.strategy import Range, Scale, Strategy

COMMON = (
    Range("optimisation__learning_rate", 0.3, 3.0, Scale.FACTOR, log=True),
    Range("optimisation__embedding_learning_rate", 0.3, 3.0, Scale.FACTOR, log=True),
    Range("encoder__dropout", 0.0, 0.6),
)
"""What is searched with every strategy. A learning rate of the heads alone stays as it is given."""


@dataclass(frozen=True)
class Axis:
    """One number that is searched for a method: of what, where, and for which auxiliary task; None: all."""

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

    ``steps_per_epoch``, of the primary task, are for strategies that count steps; ``of_words`` tells whether the labels
    are of words, for which other defaults hold.
    """

    strategy: Strategy
    settings: ModelSettings
    steps_per_epoch: int = 1
    of_words: bool = False

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What is searched: first what all methods share, then the strategy's own."""
        return (*(Axis(each) for each in COMMON), *self._own_axes)

    @property
    def given(self) -> dict[str, float]:
        """The numbers, by the axes' names, that stand for the course as it is; they may be out of range."""
        numbers = {axis.name: _number(axis.range, value, 1, 1.0) for axis, value in self._common_values()}
        state = self.strategy.searched_settings()
        for axis in self._own_axes:
            value = _of(state[axis.range.name], axis.task)
            length = self._length(self.settings.optimisation.epochs)
            numbers[axis.name] = _number(axis.range, value, length, _curvature(state, axis))
        return numbers

    def at(self, numbers: Mapping[str, float], *, epochs: int | None = None) -> Course:
        """Return the course that numbers, by the axes' names, stand for.

        Args:
            numbers: one an axis.
            epochs: of the training, if others than the settings have.

        Raises:
            InputError: when the settings or the strategy cannot have a value.
        """
        length = self._length(epochs or self.settings.optimisation.epochs)
        settings: dict[str, Any] = {"optimisation__epochs": epochs or self.settings.optimisation.epochs}
        for axis, value in self._common_values():
            settings[axis.range.name] = _value(axis.range, numbers[axis.name], value, length, 1.0)
        state = self.strategy.searched_settings()
        given = dict(state)
        for axis in self._own_axes:
            name, old = axis.range.name, _of(given[axis.range.name], axis.task)
            new = _value(axis.range, numbers[axis.name], old, length, _curvature(state, axis))
            by_task = state[name] if isinstance(state[name], Mapping) else {}
            state[name] = new if axis.task is None else {**by_task, axis.task: new}
        strategy = self.strategy
        if strategy.search:
            strategy = strategy.from_state_dict(strategy.state_dict() | {"settings": state})
        return replace(self, strategy=strategy, settings=self.settings.updated(**settings))

    def told(self) -> dict[str, Any]:
        """Return the values of what is searched, as plain JSON values."""
        state = self.strategy.searched_settings()
        values = {axis.range.name: value for axis, value in self._common_values()}
        return values | {axis.range.name: state[axis.range.name] for axis in self._own_axes}

    @property
    def _own_axes(self) -> Iterator[Axis]:
        state = self.strategy.searched_settings()
        tasks: Sequence[str] = self.strategy.state_dict()["auxiliaries"] or self.settings.auxiliaries
        for each in self.strategy.search:
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
        settings = self.settings.with_defaults(of_words=self.of_words)
        rates = settings.learning_rates
        assert settings.encoder.dropout is not None
        given = {
            "optimisation__learning_rate": rates["encoder"],
            "optimisation__embedding_learning_rate": rates["embedding"],
            "encoder__dropout": settings.encoder.dropout,
        }
        for each in COMMON:
            yield Axis(each), given[each.name]

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
