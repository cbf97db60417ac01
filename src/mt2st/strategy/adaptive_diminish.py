"""AdaptiveDiminish: each task's decay follows its affinity to the primary task (section III-B6, III-D)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from mt2st.strategy.base import PerTask, Unit
from mt2st.strategy.diminish import DECAY, INITIAL, NEGLIGIBLE, NEGLIGIBLE_OPTION, Diminish
from mt2st.strategy.observation import Affinity, Observation, Signal
from mt2st.strategy.parameters import (
    DECAY_RANGE,
    INITIAL_RANGE,
    SIGNAL,
    UNIT,
    LineStyle,
    Option,
    Range,
    Scale,
    memory_share,
    non_negative,
    of_task,
    signal_name,
)

SENSITIVITY = {"cosine": 20.0, "gain": 3.0}
"""Default of ``sensitivity`` by signal."""
Segment = list[float]
"""The time after which it holds, the exponent of the weight at that time, and its growth per unit of time."""


class AdaptiveDiminish(Diminish):
    r"""Diminish with decay rates that the feedback loop sets: tasks that agree with the primary last, others go.

    .. math:: \gamma_k(t) = \gamma_{k,0} \, e^{-\int_0^t \eta_k}, \quad \eta_k = \eta_{k,0} \, e^{-s \, a_k}

    with the task's `Affinity` :math:`a_k` by all evaluations so far and the sensitivity :math:`s`. Without
    measurements, or with an affinity of 0, this is `Diminish` with curvature 1. Each new rate, and a task's end, is
    kept in `decisions`.

    Args:
        decay: the decay rate at affinity 0, at least 0; one number or ``{task: rate}``, as is ``initial``.
        initial: the initial weight, at least 0.
        sensitivity: how strongly the affinity acts, at least 0; None is 20 with cosines (one of 0.035 halves the rate,
            one of -0.035 doubles it) and 3 with gains, whose affinity fills [-1, 1] (0.23 halves the rate).
        signal: ``"cosine"`` or ``"gain"``, as in `AdaptiveSwitch`.
        memory: weight of the old value in the smoothed signal, in [0, 1).
        negligible: a weight below this is exactly 0, and stays 0.
        unit: whether ``t`` counts epochs or optimizer steps.
        auxiliaries: names of the auxiliary tasks.

    Example:
        >>> strategy = AdaptiveDiminish(0.5, sensitivity=10, auxiliaries=["analogy", "context"])
        >>> strategy.after_evaluation(Observation(1, 10, gradient_cosines={"analogy": -0.2, "context": 0.2}))
        >>> {task: round(weight, 2) for task, weight in strategy.weights(2).items()}
        {'analogy': 0.0, 'context': 0.57}
    """

    is_fixed = False
    needs_feedback = True
    options = (
        DECAY,
        INITIAL,
        Option("sensitivity", "--sensitivity", "Strength of the affinity; by default 20 (cosines), 3 (gains)."),
        SIGNAL,
        NEGLIGIBLE_OPTION,
        UNIT,
    )
    search = (INITIAL_RANGE, DECAY_RANGE, Range("sensitivity", 0.2, 5.0, Scale.FACTOR, log=True))
    style = LineStyle("#3b8fc4", "#9fd3f5", (2.0, 2.0), "v")  # sky
    learned = ("_course", "_ended", "_affinity")

    def __init__(
        self,
        decay: PerTask = 0.5,
        *,
        initial: PerTask = 1.0,
        sensitivity: float | None = None,
        signal: Signal = "cosine",
        memory: float = 0.7,
        negligible: float = NEGLIGIBLE,
        unit: Unit = "epoch",
        auxiliaries: Iterable[str] | None = None,
    ) -> None:
        self.signal = signal_name(signal)
        self.sensitivity = None if sensitivity is None else non_negative("sensitivity", sensitivity)
        self.memory = memory_share("memory", memory)
        self._affinity = Affinity(self.signal, self.memory)
        self._course: dict[str, list[Segment]] = {}
        self._ended: list[str] = []
        super().__init__(decay, initial=initial, negligible=negligible, unit=unit, auxiliaries=auxiliaries)

    @property
    def strength(self) -> float:
        """``sensitivity``, or the signal's default."""
        return SENSITIVITY[self.signal] if self.sensitivity is None else self.sensitivity

    def searched_settings(self) -> dict[str, Any]:
        """Return the settings, with the sensitivity that holds."""
        return super().searched_settings() | {"sensitivity": self.strength}

    def gamma(self, task: str, t: int) -> float:
        """Return the weight at any time before the threshold; of the past, as it was."""
        start, exponent, rate = next(each for each in reversed(self._segments(task)) if each[0] < t or each[0] == 0)
        return of_task(self.initial, task) * math.exp(-min(exponent + rate * (t - start), 700.0))

    def after_evaluation(self, observation: Observation) -> None:
        """Use an evaluation: the rates from now on follow the affinities."""
        now = observation.epoch if self.unit == "epoch" else observation.step
        for task in self.auxiliaries:
            value = observation.signal(self.signal, task)
            affinity = self._affinity.update(task, value)
            if affinity is not None and not math.isnan(value) and self.weight_of(task, now + 1) > 0:
                self._change_rate(task, now, value, affinity, observation)
            if task not in self._ended and self.weight_of(task, now + 1) == 0 < self.weight_of(task, 1):
                self._ended.append(task)
                numbers = {"weight": self.gamma(task, now + 1), "negligible": self.negligible}
                numbers["rate"] = self._segments(task)[-1][2]
                self._decide(task, "off", "its weight has fallen below what is negligible", numbers, observation)

    def _change_rate(self, task: str, now: int, value: float, affinity: float, observation: Observation) -> None:
        *before, last = self._segments(task)
        start, exponent, rate = last
        new = of_task(self.decay, task) * math.exp(min(-self.strength * affinity, 700.0))
        if now > start:
            before.append(last)
            start, exponent = now, exponent + rate * (now - start)
        self._course[task] = [*before, [start, exponent, new]]
        numbers = self._affinity.numbers(task, value)
        numbers |= {"sensitivity": self.strength, "rate before": rate, "rate": new}
        cause = f"its decay rate follows its {self.signal} with the primary task"
        self._decide(task, "decay", cause, numbers, observation)

    def _segments(self, task: str) -> list[Segment]:
        return self._course.get(task) or [[0, 0.0, of_task(self.decay, task)]]
