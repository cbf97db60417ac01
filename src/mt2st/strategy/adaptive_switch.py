"""AdaptiveSwitch: the moment of the switch is found by the feedback loop, not set (section III-B6, III-E)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mt2st.errors import InputError
from mt2st.strategy.affinity import OFF_BELOW, SIGNAL, Affinity
from mt2st.strategy.base import PerTask, Strategy, Unit
from mt2st.strategy.declarations import UNIT, WEIGHT, WEIGHT_RANGE, LineStyle, Option, Range
from mt2st.strategy.observation import Decision, Observation, Signal
from mt2st.strategy.parameters import (
    finite_number,
    memory_share,
    non_negative,
    non_negative_number,
    of_task,
    signal_name,
    whole,
)


class AdaptiveSwitch(Strategy):
    """All tasks at first; then the primary alone, from when more multi-task training does not pay any more.

    Two rules decide, after each evaluation:

    - **Plateau**: all auxiliary tasks go off once the primary's validation measure has not improved by more than
      ``minimum_gain`` for ``patience`` evaluations in a row; not before ``earliest``, and in any case at ``latest``.
    - **Disagreement**: one task goes off once it has been against the primary for ``affinity_patience`` evaluations
      in a row that measured it. The signal is smoothed over evaluations to an `Affinity` in [-1, 1]. A task falls under
      suspicion when its affinity is below ``off_below`` and is cleared only above ``clear_above`` (hysteresis), so
      noise around one bound decides nothing.

    A task that is off stays off. Each decision is kept in `decisions` with its cause, its numbers and the bounds that
    they met; that of ``latest`` by the first evaluation from which on nothing but the primary runs.

    Args:
        patience: evaluations without an improvement that make a plateau, at least 1.
        minimum_gain: what counts as an improvement of the measure, at least 0.
        earliest: the first epoch (or step) that may be single-task, at least 1.
        latest: the first epoch (or step) that is single-task in any case; None for no bound.
        metric: the validation measure of the plateau; less of ``"loss"`` is better, more of every other one.
        signal: what tells a task's affinity to the primary: ``"cosine"`` of their gradients on the embedding, or the
            ``"gain"`` of the primary's validation loss by a step on the task alone. Where the trainer does not measure
            it (it needs a `mt2st.training.Feedback`), the rule is silent.
        off_below: affinity below which a task is suspected; None is -0.03 with cosines and -0.3 with gains, whose
            affinity is their mean as a share of their root mean square.
        clear_above: affinity above which it is cleared again, at least ``off_below``.
        affinity_patience: evaluations under suspicion in a row that end a task, at least 1.
        memory: share of the smoothed signal that a new value leaves, in [0, 1).
        weight: weight of the auxiliary tasks while they are on; one number or ``{task: weight}``.
        unit: whether times count epochs or optimizer steps.
        auxiliaries: names of the auxiliary tasks.

    Raises:
        InputError: when a parameter is out of its range.

    Example:
        >>> strategy = AdaptiveSwitch(patience=1, auxiliaries=["context"])
        >>> for epoch, loss in enumerate([0.6, 0.5, 0.55], start=1):
        ...     strategy.after_evaluation(Observation(epoch, 10 * epoch, {"loss": loss}))
        >>> [strategy.weights(t)["context"] for t in (1, 2, 3, 4)]
        [1.0, 1.0, 1.0, 0.0]
        >>> strategy.decisions[0].cause
        'the validation loss has not improved for 1 evaluation'
    """

    needs_feedback = True
    reaches_single_task = True
    options = (
        WEIGHT,
        Option(
            "patience",
            "--switch-patience",
            "Evaluations without a better validation loss that end multi-task training.",
        ),
        Option(
            "minimum_gain", "--switch-minimum-gain", "Fall of the validation loss that counts as better, at least 0."
        ),
        Option("earliest", "--switch-earliest", "First epoch (or step) that may be single-task."),
        Option("latest", "--switch-latest", "First epoch (or step) that is single-task in any case."),
        SIGNAL,
        Option(
            "off_below",
            "--off-below",
            "Affinity below which a task is suspected; by default -0.03 with cosines, -0.3 with gains.",
        ),
        Option(
            "clear_above", "--clear-above", "Affinity above which a suspected task is cleared, at least --off-below."
        ),
        UNIT,
    )
    search = (WEIGHT_RANGE, Range("patience", 1, 4, whole=True), Range("affinity_patience", 1, 4, whole=True))
    style = LineStyle("#9c6500", "#e8b23a", (2.0, 2.0), "<")  # ochre

    def __init__(
        self,
        patience: int = 1,
        *,
        minimum_gain: float = 0.0,
        earliest: int = 2,
        latest: int | None = None,
        metric: str = "loss",
        signal: Signal = "cosine",
        off_below: float | None = None,
        clear_above: float = 0.0,
        affinity_patience: int = 2,
        memory: float = 0.8,
        weight: PerTask = 1.0,
        unit: Unit = "epoch",
        auxiliaries: Iterable[str] | None = None,
    ) -> None:
        self.patience = whole("patience", patience)
        self.minimum_gain = non_negative_number("minimum_gain", minimum_gain)
        self.earliest = whole("earliest", earliest)
        self.latest = None if latest is None else whole("latest", latest)
        if self.latest is not None and self.latest < self.earliest:
            raise InputError(f"latest must be at least earliest ({self.earliest}), found {self.latest}")
        self.metric = metric
        self.signal = signal_name(signal)
        self.off_below = finite_number("off_below", OFF_BELOW[self.signal] if off_below is None else off_below)
        self.clear_above = finite_number("clear_above", clear_above)
        if self.clear_above < self.off_below:
            raise InputError(f"clear_above must be at least off_below ({self.off_below}), found {self.clear_above}")
        self.affinity_patience = whole("affinity_patience", affinity_patience)
        self.memory = memory_share("memory", memory)
        self.weight = non_negative("weight", weight)
        self._best = math.inf
        self._waited = 0
        self._off_at: dict[str, int] = {}
        self._suspected: dict[str, int] = {}
        self._affinity = Affinity(self.signal, self.memory)
        super().__init__(auxiliaries, unit=unit)

    def weight_of(self, task: str, t: int) -> float:
        """Return the task's weight while it is on, exactly 0 from when it went off."""
        if t >= self._off_at.get(task, t + 1) or (self.latest is not None and t >= self.latest):
            return 0.0
        return of_task(self.weight, task)

    def after_evaluation(self, observation: Observation) -> None:
        """Take in an evaluation and decide."""
        after = 1 + (observation.epoch if self.unit == "epoch" else observation.step)
        on = [task for task in self.auxiliaries if task not in self._off_at and of_task(self.weight, task) > 0]
        if self.latest is not None and after >= self.latest:
            cause = f"{self.unit} {self.latest} is the first that is single-task in any case"
            for task in on:
                self._put_off(task, self.latest, cause, {"latest": self.latest}, observation)
        elif on:
            self._observe_affinities(observation, on, after)
            self._observe_plateau(observation, on, after)

    def _observe_plateau(self, observation: Observation, on: Iterable[str], after: int) -> None:
        value = observation.metrics.get(self.metric, math.nan)
        if math.isnan(value):
            return
        cost = value if self.metric == "loss" else -value
        if cost < self._best - self.minimum_gain:
            self._best, self._waited = cost, 0
            return
        self._waited += 1
        if self._waited >= self.patience and after >= self.earliest:
            best = self._best if self.metric == "loss" else -self._best
            cause = f"the validation {self.metric} has not improved for {_evaluations(self._waited)}"
            numbers = {self.metric: value, f"best {self.metric}": best}
            numbers |= {"minimum_gain": self.minimum_gain, "patience": self.patience, "waited": self._waited}
            for task in on:
                if task not in self._off_at:
                    self._put_off(task, after, cause, numbers, observation)

    def _observe_affinities(self, observation: Observation, on: Iterable[str], after: int) -> None:
        for task in on:
            value = observation.signal(self.signal, task)
            affinity = self._affinity.update(task, value)
            if affinity is None or math.isnan(value):
                continue
            if affinity > self.clear_above:
                self._suspected.pop(task, None)
            elif affinity < self.off_below or task in self._suspected:
                self._suspected[task] = self._suspected.get(task, 0) + 1
            if self._suspected.get(task, 0) >= self.affinity_patience and after >= self.earliest:
                cause = f"its {self.signal} with the primary task was too low for {_evaluations(self._suspected[task])}"
                numbers = self._affinity.numbers(task, value)
                numbers |= {"off_below": self.off_below, "clear_above": self.clear_above}
                numbers |= {"affinity_patience": self.affinity_patience, "suspected": self._suspected[task]}
                self._put_off(task, after, cause, numbers, observation)

    def _put_off(
        self, task: str, after: int, cause: str, numbers: Mapping[str, float], observation: Observation
    ) -> None:
        self._off_at[task] = after
        self.decisions.append(Decision(task, "off", cause, numbers, observation.epoch, observation.step))

    def learned_state(self) -> dict[str, Any]:
        """Return what the evaluations so far have taught, as plain JSON values."""
        return {
            "best": None if math.isinf(self._best) else self._best,
            "waited": self._waited,
            "off_at": dict(self._off_at),
            "suspected": dict(self._suspected),
            **self._affinity.state(),
        }

    def load_learned_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a `learned_state`."""
        self._best = math.inf if state["best"] is None else float(state["best"])
        self._waited = int(state["waited"])
        self._off_at = {task: int(t) for task, t in state["off_at"].items()}
        self._suspected = {task: int(count) for task, count in state["suspected"].items()}
        self._affinity.load_state(state)


def _evaluations(count: int) -> str:
    return f"{count} evaluation" + ("" if count == 1 else "s")
