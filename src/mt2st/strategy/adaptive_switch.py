"""AdaptiveSwitch: the feedback loop finds the time of the switch (section III-B6, III-E)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from mt2st.errors import InputError
from mt2st.strategy.base import PerTask, Strategy, Unit
from mt2st.strategy.observation import Affinity, Observation, Plateau, Signal, evaluations
from mt2st.strategy.parameters import (
    SIGNAL,
    UNIT,
    WEIGHT,
    WEIGHT_RANGE,
    LineStyle,
    Option,
    Range,
    by_task,
    finite,
    memory_share,
    non_negative,
    of_task,
    signal_name,
    whole,
)

OFF_BELOW = {"cosine": -0.03, "gain": -0.3}
"""Default of ``off_below`` by signal. Gradients in many dimensions are nearly at right angles, so small cosines tell
much. A gain's affinity that is pure noise has a standard deviation of 1/3 at a memory of 0.8; two evaluations that are
both against the task come to -0.36."""


class AdaptiveSwitch(Strategy):
    """All tasks at first; then the primary alone, once more multi-task training no longer pays.

    Two rules decide, after each evaluation:

    - **Plateau**: all auxiliary tasks go off once the primary's validation metric has not improved by more than
      ``minimum_gain`` for ``patience`` evaluations in a row; not before ``earliest``, and in any case at ``latest``.
    - **Disagreement**: one task goes off once it has been against the primary for ``affinity_patience`` evaluations
      in a row that measured it. A task is suspected when its `Affinity`, in [-1, 1], is below ``off_below``, and is
      cleared only above ``clear_above`` (hysteresis), so noise around one bound decides nothing.

    A task that is off stays off. Each decision is kept in `decisions` with its cause, its numbers and their bounds;
    that of ``latest`` by the first evaluation after which nothing but the primary runs.

    Args:
        patience: evaluations without an improvement that make a plateau, at least 1.
        minimum_gain: an improvement of the metric is more than this, at least 0.
        earliest: the first epoch (or step) that may be single-task, at least 1.
        latest: the first epoch (or step) that is single-task in any case; None for no bound.
        metric: the validation metric of the plateau; less of ``"loss"`` is better, more of every other one.
        signal: what tells a task's affinity to the primary: ``"cosine"`` of their gradients on the embedding, or the
            ``"gain"`` of the primary's validation loss by a step on the task alone. The rule needs a
            `mt2st.training.Feedback` that measures it.
        off_below: affinity below which a task is suspected; None is -0.03 with cosines and -0.3 with gains, whose
            affinity is their mean as a share of their root mean square.
        clear_above: affinity above which it is cleared again, at least ``off_below``.
        affinity_patience: evaluations under suspicion in a row that end a task, at least 1.
        memory: weight of the old value in the smoothed signal, in [0, 1).
        weight: weight of the auxiliary tasks while they are on; one number or ``{task: weight}``.
        unit: whether times count epochs or optimizer steps.
        auxiliaries: names of the auxiliary tasks.

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
    per_task = ("weight",)
    options = (
        WEIGHT,
        Option("patience", "--switch-patience", "Evaluations without a better validation loss until the switch."),
        Option("minimum_gain", "--switch-minimum-gain", "Fall of the validation loss that counts, at least 0."),
        Option("earliest", "--switch-earliest", "First epoch (or step) that may be single-task."),
        Option("latest", "--switch-latest", "First epoch (or step) that is single-task in any case."),
        SIGNAL,
        Option("off_below", "--off-below", "Affinity of a suspected task; by default -0.03 (cosines), -0.3 (gains)."),
        Option("clear_above", "--clear-above", "Affinity that clears a suspected task, at least --off-below."),
        UNIT,
    )
    search = (WEIGHT_RANGE, Range("patience", 1, 4, whole=True), Range("affinity_patience", 1, 4, whole=True))
    style = LineStyle("#9c6500", "#e8b23a", (2.0, 2.0), "<")  # ochre
    learned = ("_off_at", "_suspected", "_plateau", "_affinity")

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
        self.minimum_gain = non_negative("minimum_gain", minimum_gain)
        self.earliest = whole("earliest", earliest)
        self.latest = None if latest is None else whole("latest", latest)
        if self.latest is not None and self.latest < self.earliest:
            raise InputError(f"latest must be at least earliest ({self.earliest}), found {self.latest}")
        self.metric = metric
        self.signal = signal_name(signal)
        self.off_below = None if off_below is None else finite("off_below", off_below)
        self.clear_above = finite("clear_above", clear_above)
        if self.clear_above < self.bound:
            raise InputError(f"clear_above must be at least off_below ({self.bound}), found {self.clear_above}")
        self.affinity_patience = whole("affinity_patience", affinity_patience)
        self.memory = memory_share("memory", memory)
        self.weight = by_task(non_negative, "weight", weight)
        self._plateau = Plateau(metric, self.minimum_gain)
        self._affinity = Affinity(self.signal, self.memory)
        self._off_at: dict[str, int] = {}
        self._suspected: dict[str, int] = {}
        super().__init__(auxiliaries, unit=unit)

    @property
    def bound(self) -> float:
        """``off_below``, or the signal's default."""
        return OFF_BELOW[self.signal] if self.off_below is None else self.off_below

    def weight_of(self, task: str, t: int) -> float:
        """Return the task's weight while it is on, exactly 0 from when it went off."""
        if t >= self._off_at.get(task, t + 1) or (self.latest is not None and t >= self.latest):
            return 0.0
        return of_task(self.weight, task)

    def after_evaluation(self, observation: Observation) -> None:
        """Use an evaluation and decide."""
        after = 1 + (observation.epoch if self.unit == "epoch" else observation.step)
        on = [task for task in self.auxiliaries if task not in self._off_at and of_task(self.weight, task) > 0]
        if self.latest is not None and after >= self.latest:
            cause = f"{self.unit} {self.latest} is the first that is single-task in any case"
            self._put_off(on, self.latest, cause, {"latest": self.latest}, observation)
        elif on:
            self._check_affinities(observation, on, after)
            self._check_plateau(observation, [task for task in on if task not in self._off_at], after)

    def _check_plateau(self, observation: Observation, on: Iterable[str], after: int) -> None:
        plateau, metric = self._plateau, self.metric
        if plateau.update(observation.metrics) and plateau.waited >= self.patience and after >= self.earliest:
            numbers = {metric: observation.metrics[metric], f"best {metric}": plateau.best}
            numbers |= {"minimum_gain": self.minimum_gain, "patience": self.patience, "waited": plateau.waited}
            cause = f"the validation {metric} has not improved for {evaluations(plateau.waited)}"
            self._put_off(on, after, cause, numbers, observation)

    def _check_affinities(self, observation: Observation, on: Iterable[str], after: int) -> None:
        for task in on:
            value = observation.signal(self.signal, task)
            affinity = self._affinity.update(task, value)
            if affinity is None or math.isnan(value):
                continue
            if affinity > self.clear_above:
                self._suspected.pop(task, None)
            elif affinity < self.bound or task in self._suspected:
                self._suspected[task] = self._suspected.get(task, 0) + 1
            count = self._suspected.get(task, 0)
            if count >= self.affinity_patience and after >= self.earliest:
                cause = f"its {self.signal} with the primary task was too low for {evaluations(count)}"
                numbers = self._affinity.numbers(task, value)
                numbers |= {"off_below": self.bound, "clear_above": self.clear_above}
                numbers |= {"affinity_patience": self.affinity_patience, "suspected": count}
                self._put_off([task], after, cause, numbers, observation)

    def _put_off(
        self, tasks: Iterable[str], after: int, cause: str, numbers: Mapping[str, float], observation: Observation
    ) -> None:
        for task in tasks:
            self._off_at[task] = after
            self._decide(task, "off", cause, numbers, observation)
