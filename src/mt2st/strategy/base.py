"""What every strategy is: weights of the auxiliary tasks as a function of time."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

from mt2st.errors import InputError, listed, suggestion
from mt2st.strategy.decision import Decision

Unit = Literal["epoch", "step"]
PerTask = float | Mapping[str, float]
"""One number for all auxiliary tasks, or one for each by its name."""
SIGNALS = ("cosine", "gain")
"""What the feedback loop can tell about a task's affinity to the primary one."""


@dataclass(frozen=True)
class Observation:
    """What the training loop tells a strategy after an evaluation; strategies that adapt read it.

    Attributes:
        epoch: epochs finished, from 1.
        step: optimizer steps done, from 1.
        metrics: the primary task's validation metrics, for example ``{"accuracy": 0.81, "loss": 0.44}``.
        affinities: for each auxiliary task that was on, the mean cosine in [-1, 1] of its gradient and the primary's on
            the shared embedding since the evaluation before; empty where nobody measures it.
        gains: for each auxiliary task that was on, by which share a step on it alone lowered the primary's validation
            loss, mean since the evaluation before; empty where nobody measures it.
        losses: the mean training loss since the evaluation before of each auxiliary task that was on; empty where
            nobody tells it.
        primary_loss: the same of the primary task; NaN where it was off, or nobody tells it.
    """

    epoch: int
    step: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    affinities: Mapping[str, float] = field(default_factory=dict)
    gains: Mapping[str, float] = field(default_factory=dict)
    losses: Mapping[str, float] = field(default_factory=dict)
    primary_loss: float = math.nan

    def signal(self, name: str, task: str) -> float:
        """Return a task's ``"cosine"`` or ``"gain"``; NaN where it was not measured."""
        return (self.affinities if name == "cosine" else self.gains).get(task, math.nan)


class Strategy(ABC):
    """Weights of the auxiliary tasks over time.

    Args:
        auxiliaries: names of the auxiliary tasks. May be left out and given later by `bind`, which the trainer does.
        unit: whether ``t`` counts epochs (as the paper's algorithms do) or optimizer steps. Both count from 1.

    Attributes:
        decisions: what a strategy that adapts has decided so far in this process, in order, with causes and numbers.
    """

    adapts: ClassVar[bool] = False
    """Whether `observe` learns from the feedback loop's signals, so that measuring them is worth its time."""
    learns: ClassVar[bool] = False
    """Whether `learn` wants the losses of every step."""
    foreseeable: ClassVar[bool] = False
    """Whether time alone decides which tasks are on, and one that is off stays off: then `single_task_from` can tell
    the transition before the training."""

    lasting: ClassVar[bool] = True
    """Whether a task that is off stays off. Then `weight` tells, by what is known now, until when a task is on."""

    def __init__(self, auxiliaries: Iterable[str] | None, unit: Unit) -> None:
        if unit not in ("epoch", "step"):
            raise InputError(f"unit must be 'epoch' or 'step', found {unit!r}")
        self.unit: Unit = unit
        self.decisions: list[Decision] = []
        self._auxiliaries: tuple[str, ...] | None = None
        if auxiliaries is not None:
            self._set_auxiliaries(auxiliaries)

    @abstractmethod
    def weight(self, task: str, t: int) -> float:
        """Return the weight of one auxiliary task at time ``t`` (at least 1); 0 means that the task is off."""

    def primary_weight(self, t: int) -> float:  # noqa: ARG002  # most strategies need no other
        """Return the weight of the primary task at time ``t``: 1, but for some of the baselines; 0 means off."""
        return 1.0

    @property
    def auxiliaries(self) -> tuple[str, ...]:
        """The names of the auxiliary tasks.

        Raises:
            InputError: when they have not been given yet.
        """
        if self._auxiliaries is None:
            raise InputError(
                f"{type(self).__name__} does not know its auxiliary tasks yet: give auxiliaries=[...] or call bind(...)"
            )
        return self._auxiliaries

    def weights(self, t: int) -> dict[str, float]:
        """Return ``{auxiliary task: weight}`` at time ``t``, counted from 1 in `unit`.

        Raises:
            InputError: when ``t`` is below 1 or the auxiliary tasks are not known yet.
        """
        if isinstance(t, bool) or not isinstance(t, Integral) or t < 1:
            raise InputError(f"t counts {self.unit}s from 1 in whole numbers, found {t!r}")
        return {task: self.weight(task, t) for task in self.auxiliaries}

    def weights_at(self, *, epoch: int, step: int) -> dict[str, float]:
        """Return the weights during optimizer step ``step`` of the whole run, in epoch ``epoch``; both from 1."""
        return self.weights(epoch if self.unit == "epoch" else step)

    def primary_weight_at(self, *, epoch: int, step: int) -> float:
        """Return the primary's weight at the time that `weights_at` takes."""
        return self.primary_weight(epoch if self.unit == "epoch" else step)

    def single_task_from(self, last: int) -> int | None:
        """Return the first time from which on every auxiliary task is off, having been on, by a `foreseeable` strategy.

        Args:
            last: the last epoch (or step, as `unit` says) of the training, at least 1.

        Returns:
            The time, from 2 to ``last``; None where it does not come by then, or no auxiliary task is ever on.

        Raises:
            InputError: when the strategy is not foreseeable, or does not know its auxiliary tasks yet.
        """
        if not self.foreseeable:
            raise InputError(f"{type(self).__name__} finds the moment of its transition in the training")
        if not any(self.weights(1).values()):
            return None
        first = 1 + bisect_left(range(1, last + 1), True, key=lambda t: not any(self.weights(t).values()))
        return first if first <= last else None

    def off_from(self, task: str, last: int) -> int:
        """Return the first time from which a task is off, by what is known now.

        Strategies that adapt may decide otherwise later: theirs is a forecast by the rates and bounds that they have.

        Args:
            task: an auxiliary task.
            last: the last epoch (or step, as `unit` says) of the training, at least 1.

        Returns:
            The time, from 1 to ``last + 1``; ``last + 1`` where the task is on to the end, or may come back.
        """
        if not self.lasting:
            return last + 1
        return 1 + bisect_left(range(1, last + 1), True, key=lambda t: self.weight(task, t) == 0)

    def learn(self, losses: Mapping[str, float], primary_loss: float) -> None:  # noqa: B027  # likewise
        """Take in a step's training losses, by task; called after each step if `learns`."""

    def observe(self, observation: Observation) -> None:  # noqa: B027  # ignoring it is right for most strategies
        """Take in an evaluation. Strategies with a fixed course ignore it."""

    def bind(self, auxiliaries: Iterable[str]) -> Self:
        """Return a copy that knows its auxiliary tasks.

        Raises:
            InputError: when a setting was given for a task that is not among them, or is missing for one that is.
        """
        bound = copy.deepcopy(self)
        bound._set_auxiliaries(auxiliaries)
        return bound

    def state_dict(self) -> dict[str, Any]:
        """Return settings and state as plain JSON values; `load_strategy` makes an equal strategy of them."""
        state: dict[str, Any] = {"strategy": type(self).__name__, "unit": self.unit}
        if self._auxiliaries is not None:
            state["auxiliaries"] = list(self._auxiliaries)
        state |= self._settings()
        learnt = self._state()
        return state | {"state": learnt} if learnt else state

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what another strategy of the same settings has learnt: the ``"state"`` of its `state_dict`."""
        self._load_state(state)

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Return the constructor's own arguments as plain JSON values."""

    def _state(self) -> dict[str, Any]:
        """Return what the strategy has learnt from observations as plain JSON values; empty for a fixed course."""
        return {}

    def _load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `_state` returned."""
        if state:
            raise InputError(f"{type(self).__name__} has a fixed course and learns nothing, found the state {state!r}")

    def _per_task(self) -> dict[str, PerTask]:
        """Return the settings that may differ between tasks, by parameter name."""
        return {}

    def _set_auxiliaries(self, auxiliaries: Iterable[str]) -> None:
        if isinstance(auxiliaries, str):
            raise InputError(f"auxiliaries must be a list of names, found the text {auxiliaries!r}")
        names = tuple(auxiliaries)
        if len(set(names)) != len(names):
            raise InputError(f"auxiliary tasks must have different names, found {listed(names)}")
        for parameter, value in self._per_task().items():
            if not isinstance(value, Mapping):
                continue
            for task in value:
                if task not in names:
                    raise InputError(
                        f"{parameter} names the unknown task '{task}'.{suggestion(task, names)} "
                        f"The auxiliary tasks are: {listed(names) or 'none'}"
                    )
            for task in names:
                if task not in value:
                    raise InputError(
                        f"{parameter} has no value for the auxiliary task '{task}', only for {listed(value)}"
                    )
        self._auxiliaries = names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Strategy) and self.state_dict() == other.state_dict()

    __hash__ = None  # type: ignore[assignment]  # strategies that adapt change; none may be a dictionary key

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self._settings().items())
        return f"{type(self).__name__}({arguments})"
