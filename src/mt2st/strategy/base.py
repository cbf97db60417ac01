"""The base class of all strategies: weights of the auxiliary tasks as a function of time."""

from __future__ import annotations

import copy
import inspect
import math
import re
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

from mt2st.errors import InputError, listed, suggestion
from mt2st.strategy.observation import Decision, Observation
from mt2st.strategy.parameters import LineStyle, Option, Range, plain

Unit = Literal["epoch", "step"]
PerTask = float | Mapping[str, float]
"""One number for all auxiliary tasks, or one for each by its name."""
PRIMARY_TASK = "primary"
"""Name of the primary task among losses, gradients and heads. No auxiliary task may have it."""
_FAR = 10**6
"""A transition later than this counts as one that never comes."""


class Strategy(ABC):
    """Weights of the auxiliary tasks over time.

    To write your own, subclass this and define `weight_of`. Store each constructor argument under its own name:
    `settings`, ``repr``, ``==``, saving and loading all follow from the signature. The subclass is registered under its
    `name` when it is defined, so `load_strategy` finds it, unless its class name begins with an underscore.

    Args:
        auxiliaries: names of the auxiliary tasks. `bind` can give them later, as the trainer does.
        unit: whether ``t`` counts epochs (as in the paper's algorithms) or optimizer steps. Both count from 1.

    Attributes:
        decisions: the decisions of an adaptive strategy so far in this process, in order.

    Raises:
        InputError: a parameter of any of our strategies is out of its range, or names an unknown task.

    Example:
        >>> class Linear(Strategy):
        ...     '''The weight falls linearly to 0.'''
        ...
        ...     def __init__(self, length=4, *, auxiliaries=None):
        ...         self.length = length
        ...         super().__init__(auxiliaries)
        ...
        ...     def weight_of(self, task, t):
        ...         return max(0.0, 1 - t / self.length)
        >>> strategy = Linear(length=5, auxiliaries=["context"])
        >>> [round(strategy.weights(t)["context"], 1) for t in (1, 2, 5)]
        [0.8, 0.6, 0.0]
        >>> strategy, Linear.name
        (Linear(length=5), 'linear')
    """

    name: ClassVar[str] = "strategy"
    """The name in files and on the command line: the class's name in kebab-case unless the class gives its own."""
    is_fixed: ClassVar[bool] = False
    """Whether time alone decides the weights, so that the schedule is known before the training."""
    off_is_final: ClassVar[bool] = True
    """Whether a task that is off stays off. If not, the actions at the transition wait for the last time that all tasks
    go off. Only a strategy that `is_fixed` knows it in advance; with any other they never happen."""
    reaches_single_task: ClassVar[bool] = False
    """Whether the schedule is meant to end in single-task training."""
    needs_losses: ClassVar[bool] = False
    """Whether `after_step` needs the losses of every step."""
    needs_feedback: ClassVar[bool] = False
    """Whether `after_evaluation` uses the feedback loop's signals (gradient cosines or gains)."""
    per_task: ClassVar[tuple[str, ...]] = ()
    """The settings that may be ``{task: value}``. `bind` checks that each of them has a value for every task."""
    learned: ClassVar[tuple[str, ...]] = ()
    """The attributes that the training changes, saved with the strategy: plain values with text as keys, or objects
    with ``state_dict`` and ``load_state_dict``. An array comes back from a checkpoint as a tensor of torch."""
    options: ClassVar[tuple[Option, ...] | None] = None
    """The command line's options. None gives each setting an option of its own, ``--NAME-SETTING``."""
    search: ClassVar[tuple[Range, ...]] = ()
    """The settings that a search tries, with their ranges."""
    style: ClassVar[LineStyle | None] = None
    """How figures draw the strategy. None takes the next free style."""

    _registered: ClassVar[dict[str, type[Strategy]]] = {}

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "__init__" in cls.__dict__:
            cls.__init__ = _named_in_errors(cls.__init__)  # type: ignore[method-assign]
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__).lower()
        if "style" not in cls.__dict__:
            cls.style = None
        if cls.__name__.startswith("_"):
            return
        other = Strategy._registered.get(cls.name)
        # A class that is defined again, as in a notebook's cell or by another call of a function, replaces the earlier.
        if other is not None and _place(other) != _place(cls):
            raise InputError(
                f"the strategy {cls.__module__}.{cls.__qualname__} has the name '{cls.name}' of "
                f"{other.__module__}.{other.__qualname__}: give it another class attribute `name`"
            )
        Strategy._registered[cls.name] = cls

    def __init__(self, auxiliaries: Iterable[str] | None = None, *, unit: Unit = "epoch") -> None:
        if unit not in ("epoch", "step"):
            raise InputError(f"unit must be 'epoch' or 'step', found {unit!r}")
        self.unit: Unit = unit
        self.decisions: list[Decision] = []
        self._auxiliaries: tuple[str, ...] | None = None
        if auxiliaries is not None:
            self._set_auxiliaries(auxiliaries)

    # The weights

    @abstractmethod
    def weight_of(self, task: str, t: int) -> float:
        """Return the weight of one auxiliary task at time ``t`` (at least 1). 0 means that the task is off."""

    def primary_weight(self, t: int) -> float:  # noqa: ARG002  # most strategies keep it
        """Return the weight of the primary task at time ``t``: 1 unless a baseline weighs it too. 0 means off."""
        return 1.0

    def weights(self, t: int) -> dict[str, float]:
        """Return ``{auxiliary task: weight}`` at time ``t``, counted from 1 in `unit`.

        Raises:
            InputError: if ``t`` is below 1, the auxiliary tasks are not known yet, or a weight is out of range.
        """
        if isinstance(t, bool) or not isinstance(t, Integral) or t < 1:
            raise InputError(f"t counts {self.unit}s from 1 in whole numbers, found {t!r}")
        return {task: self._weight_of(task, t) for task in self.auxiliaries}

    def _weight_of(self, task: str, t: int) -> float:
        return self._checked(self.weight_of(task, t), f"weight_of({task!r}, {t})")

    def _checked(self, weight: Any, call: str) -> float:
        """Return a weight as a Python number. A negative one, or NaN, would quietly turn the task off."""
        number = plain(weight)
        if isinstance(number, int | float) and math.isfinite(number) and number >= 0:
            return float(number)
        raise InputError(
            f"{type(self).__name__}.{call} returned {weight!r}: a weight is a finite number of at least 0, and 0 turns "
            "the task off"
        )

    def weights_at(self, *, epoch: int, step: int) -> dict[str, float]:
        """Return the weights in optimizer step ``step`` of the whole run, in epoch ``epoch``. Both count from 1."""
        return self.weights(epoch if self.unit == "epoch" else step)

    def primary_weight_at(self, *, epoch: int, step: int) -> float:
        """Return the primary's weight at the same time as `weights_at`."""
        t = epoch if self.unit == "epoch" else step
        return self._checked(self.primary_weight(t), f"primary_weight({t})")

    # The transition

    def transition_time(self, last: int) -> int | None:
        """Return the first time from which all auxiliary tasks are off, after one had been on.

        Args:
            last: the last epoch (or step, depending on `unit`) of the training, at least 1.

        Returns:
            The time, from 2 to ``last``. None if it does not come by then, or no auxiliary task is ever on.

        Raises:
            InputError: if the strategy is not `is_fixed`, or does not know its auxiliary tasks yet.
        """
        if not self.is_fixed:
            raise InputError(f"{type(self).__name__} decides on its transition during the training")
        times = range(1, last + 1)
        if self.off_is_final:
            if not any(self.weights(1).values()):
                return None
            first = 1 + bisect_left(times, True, key=lambda t: not any(self.weights(t).values()))
        else:
            first = 1 + next((t for t in reversed(times) if any(self.weights(t).values())), last)
        return first if first <= last else None

    def no_transition(self, last: int) -> str | None:
        """Return why the transition does not come by ``last``; None where it comes, or nobody can tell in advance.

        Example:
            >>> class Off(Strategy):
            ...     is_fixed = True
            ...     def weight_of(self, task, t):
            ...         return float(t < 9)
            >>> Off(["context"]).no_transition(last=8)
            'the last auxiliary task goes off at epoch 9, and the training ends with epoch 8: train for longer, or ...'
        """
        if not self.is_fixed or self.transition_time(last) is not None:
            return None
        if not any(self.weights(1).values()):
            return "no auxiliary task is ever on"
        later = self.transition_time(_FAR)
        if later is None:
            return "the auxiliary tasks stay on for ever"
        return (
            f"the last auxiliary task goes off at {self.unit} {later:,}, and the training ends with {self.unit} "
            f"{last:,}: train for longer, or choose a faster schedule"
        )

    def off_from(self, task: str, last: int) -> int:
        """Return the first time from which a task is off, as far as is known now.

        For an adaptive strategy this is a forecast from its present rates and bounds.

        Args:
            task: an auxiliary task.
            last: the last epoch (or step, depending on `unit`) of the training, at least 1.

        Returns:
            The time, from 1 to ``last + 1``. ``last + 1`` if the task is on to the end, or may come back.
        """
        if not self.off_is_final:
            return last + 1
        return 1 + bisect_left(range(1, last + 1), True, key=lambda t: self._weight_of(task, t) == 0)

    # What the training reports

    def after_step(self, losses: Mapping[str, float], primary_loss: float) -> None:  # noqa: B027  # optional
        """Use the training losses of a step, by task. Called after each step if `needs_losses`."""

    def after_evaluation(self, observation: Observation) -> None:  # noqa: B027  # optional
        """Use the result of an evaluation. Fixed schedules ignore it."""

    def _decide(
        self, task: str, action: str, cause: str, numbers: Mapping[str, float], observation: Observation
    ) -> None:
        self.decisions.append(Decision(task, action, cause, numbers, observation.epoch, observation.step))

    # The auxiliary tasks

    @property
    def auxiliaries(self) -> tuple[str, ...]:
        """The names of the auxiliary tasks.

        Raises:
            InputError: if they have not been given yet.
        """
        if self._auxiliaries is None:
            raise InputError(
                f"{type(self).__name__} does not know its auxiliary tasks yet: give auxiliaries=[...] or call bind(...)"
            )
        return self._auxiliaries

    def bind(self, auxiliaries: Iterable[str]) -> Self:
        """Return a copy that knows its auxiliary tasks.

        Raises:
            InputError: if a setting names a task that is not among them, or lacks one that is.
        """
        bound = copy.deepcopy(self)
        bound._set_auxiliaries(auxiliaries)
        return bound

    def _set_auxiliaries(self, auxiliaries: Iterable[str]) -> None:
        if not hasattr(self, "decisions"):
            raise TypeError(f"the constructor of {type(self).__name__} must call super().__init__(auxiliaries)")
        if isinstance(auxiliaries, str):
            raise InputError(f"auxiliaries must be a list of names, found the text {auxiliaries!r}")
        names = tuple(auxiliaries)
        if len(set(names)) != len(names):
            raise InputError(f"auxiliary tasks must have different names, found {listed(names)}")
        if PRIMARY_TASK in names:
            raise InputError(f"no auxiliary task may have the name '{PRIMARY_TASK}', found {listed(names)}")
        for setting, by_task in self.settings().items():
            if setting not in self.per_task or not isinstance(by_task, Mapping):
                continue
            if unknown := [task for task in by_task if task not in names]:
                raise InputError(
                    f"{setting} names the unknown task '{unknown[0]}'.{suggestion(str(unknown[0]), names)} "
                    f"The auxiliary tasks are: {listed(names) or 'none'}"
                )
            if missing := [task for task in names if task not in by_task]:
                found = listed(by_task)
                raise InputError(f"{setting} has no value for the auxiliary task '{missing[0]}', only for {found}")
        self._auxiliaries = names

    # Settings and state

    @classmethod
    def setting_names(cls) -> tuple[str, ...]:
        """Return the names of the constructor's arguments without ``auxiliaries``.

        Raises:
            TypeError: if the constructor takes ``*args`` or ``**kwargs``, whose names are not known.
        """
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        for each in parameters:
            if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
                raise TypeError(f"the constructor of {cls.__name__} must name its settings: found '{each}'")
        return tuple(each.name for each in parameters if each.name != "auxiliaries")

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments, without ``auxiliaries``, by name, as plain values: arrays as lists.

        Raises:
            TypeError: if the constructor does not store an argument under its own name.
        """
        for name in self.setting_names():
            if not hasattr(self, name):
                raise TypeError(
                    f"the constructor of {type(self).__name__} must store each argument under its own name: "
                    f"self.{name} = {name}, before it calls super().__init__"
                )
        return {name: plain(getattr(self, name), arrays=True) for name in self.setting_names()}

    def searched_settings(self) -> dict[str, Any]:
        """Return the settings with numbers in place of None where a search changes them."""
        return self.settings()

    def state_dict(self) -> dict[str, Any]:
        """Return the strategy as plain values: its name, settings, auxiliary tasks and learned state.

        `load_state_dict` and `load_strategy` read it. JSON can write it, except the state of strategies that keep
        gradients (`Bloop`).
        """
        return {
            "strategy": self.name,
            "settings": self.settings(),
            "auxiliaries": None if self._auxiliaries is None else list(self._auxiliaries),
            "state": self.learned_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Become the strategy that a `state_dict` describes.

        Raises:
            InputError: if it describes a strategy of another class, or does not fit this one.
        """
        if state.get("strategy") != self.name:
            raise InputError(
                f"this strategy is '{self.name}', the state is that of {state.get('strategy')!r}: "
                "load_strategy makes a strategy of any state"
            )
        self.__dict__ = self.from_state_dict(state).__dict__

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Return a new strategy of this class as a `state_dict` describes it.

        Raises:
            InputError: if the settings or the state do not fit.
        """
        try:
            strategy = cls(**state.get("settings", {}))
            if state.get("auxiliaries") is not None:
                strategy._set_auxiliaries(state["auxiliaries"])
            if state.get("state"):
                strategy.load_learned_state(state["state"])
        except InputError:
            raise
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise InputError(f"the saved settings do not fit the strategy '{cls.name}': {error}") from error
        return strategy

    def learned_state(self) -> dict[str, Any]:
        """Return the values of the `learned` attributes, or their states. Override it where these are not plain."""
        found = {name.lstrip("_"): getattr(self, name) for name in self.learned}
        return {
            name: value.state_dict() if hasattr(value, "state_dict") else plain(copy.deepcopy(value))
            for name, value in found.items()
        }

    def load_learned_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a `learned_state`. Only called if it is not empty."""
        if not self.learned:
            raise InputError(f"{type(self).__name__} is a fixed schedule and learns nothing, found the state {state!r}")
        for name in self.learned:
            saved = copy.deepcopy(state[name.lstrip("_")])
            if hasattr(getattr(self, name), "load_state_dict"):
                getattr(self, name).load_state_dict(saved)
            else:
                setattr(self, name, saved)

    def __eq__(self, other: object) -> bool:
        """Return whether class, settings and auxiliary tasks are equal. What was learned does not count."""
        return (
            isinstance(other, Strategy)
            and type(self) is type(other)
            and self.settings() == other.settings()
            and self._auxiliaries == other._auxiliaries
        )

    __hash__ = None  # type: ignore[assignment]  # adaptive strategies change

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        changed = (
            f"{name}={value!r}"
            for name, value in self.settings().items()
            if value != plain(defaults[name].default, arrays=True)
        )
        return f"{type(self).__name__}({', '.join(changed)})"


def _named_in_errors(constructor: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor whose errors begin with the strategy's class."""

    @wraps(constructor)
    def named(self: Strategy, *arguments: Any, **settings: Any) -> None:
        try:
            constructor(self, *arguments, **settings)
        except InputError as error:
            if type(self).__init__ is named:  # not where a subclass's constructor calls this one
                error.args = (f"{type(self).__name__}: {error}",)
            raise

    return named


def _place(strategy: type) -> tuple[str, str]:
    """Return the module and the name there of a class; within functions, the name alone."""
    return strategy.__module__, strategy.__qualname__.rpartition("<locals>.")[2]
