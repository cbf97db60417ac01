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
        return tuple(axis for axis, _ in self._values())

    @property
    def given(self) -> dict[str, float]:
        """The numbers, by the axes' names, that stand for the course as it is; they may be out of range."""
        state, epochs = self.strategy.searched_settings(), self.settings.optimisation.epochs
        return {axis.name: _number(axis.range, old, self._time(axis, state, epochs)) for axis, old in self._values()}

    def at(self, numbers: Mapping[str, float], *, epochs: int | None = None) -> Course:
        """Return the course that numbers, one an axis by its name, stand for; of other epochs, if there are any."""
        epochs = epochs or self.settings.optimisation.epochs
        settings: dict[str, Any] = {"optimisation__epochs": epochs}
        state = self.strategy.searched_settings()
        for axis, old in self._values():
            name = axis.range.name
            new = _value(axis.range, numbers[axis.name], old, self._time(axis, state, epochs))
            if axis.range in COMMON:
                settings[name] = new
            elif axis.task is None:
                state[name] = new
            else:
                state[name] = {**(state[name] if isinstance(state[name], Mapping) else {}), axis.task: new}
        strategy = self.strategy
        if strategy.search:
            strategy = strategy.from_state_dict(strategy.state_dict() | {"settings": state})
        return replace(self, strategy=strategy, settings=self.settings.updated(**settings))

    def told(self) -> dict[str, Any]:
        """Return the values of what is searched, as plain JSON values."""
        state = self.strategy.searched_settings()
        return {axis.range.name: state.get(axis.range.name, value) for axis, value in self._values()}

    def _values(self) -> Iterator[tuple[Axis, Any]]:
        """Yield what is searched with its value now; learning rates that are not given are the encoder's."""
        settings = self.settings.with_defaults(of_words=self.of_words)
        rates = settings.learning_rates
        yield from zip(map(Axis, COMMON), (rates["encoder"], rates["embedding"], settings.encoder.dropout), strict=True)
        state = self.strategy.searched_settings()
        tasks: Sequence[str] = self.strategy.state_dict()["auxiliaries"] or self.settings.auxiliaries
        for each in self.strategy.search:
            read = (each.name, "curvature") if each.scale is Scale.FALL else (each.name,)
            given_by_task = [state[name] for name in read if isinstance(state.get(name), Mapping)]
            by_task = list(given_by_task[0]) if given_by_task else tasks if each.by_task and len(tasks) > 1 else [None]
            yield from ((Axis(each, task), _of(state[each.name], task)) for task in by_task)

    def _time(self, axis: Axis, state: Mapping[str, Any], epochs: int) -> float:
        """Return how long a training is in what the strategy counts, to the power with which the weight falls."""
        length = epochs if self.strategy.unit == "epoch" else epochs * self.steps_per_epoch
        falls = axis.range.scale is Scale.FALL
        return length ** float(_of(state.get("curvature", 1.0), axis.task)) if falls else length


def _value(of: Range, number: float, given: float, time: float) -> float | int | bool:
    """Return the setting that a number stands for."""
    if of.scale is Scale.FACTOR:
        return given * number
    if of.scale is Scale.SHARE:
        return max(2, min(int(time), 1 + round(number * time)))
    if of.scale is Scale.FALL:
        return number / time
    if of.scale is Scale.WHETHER:
        return bool(number)
    return round(number) if of.whole else number


def _number(of: Range, given: float, time: float) -> float:
    """Return the number that stands for the given setting."""
    if of.scale is Scale.FACTOR:
        return 1.0
    if of.scale is Scale.SHARE:
        return (given - 1) / time
    if of.scale is Scale.FALL:
        return given * time
    return given if of.scale is Scale.VALUE else int(given)


def _of(value: Any, task: str | None) -> Any:
    return value[task] if isinstance(value, Mapping) else value
