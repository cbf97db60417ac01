"""The strategy on the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from mt2st.cli.per_task import OptionalPerTask, PerTask, of_tasks
from mt2st.errors import InputError, listed, suggestion
from mt2st.strategy import AdaptiveDiminish, AdaptiveSwitch, Diminish, MultiTask, SingleTask, Strategy, Switch
from mt2st.strategy.diminish import NEGLIGIBLE

DECAY = 0.5
STRATEGIES = ("single-task", "multi-task", "diminish", "switch")
"""The paper's four, which a comparison runs."""
ADAPTIVE = ("adaptive-diminish", "adaptive-switch")
"""Those that the feedback loop steers."""
ALL_STRATEGIES = (*STRATEGIES, *ADAPTIVE)


@dataclass(frozen=True)
class StrategyOptions:
    """What the strategies can be told; numbers for all auxiliary tasks, or by task: --decay 0.5 analogy=0.3."""

    decay: PerTask = DECAY
    """Diminish, AdaptiveDiminish (at no affinity): decay rate eta, at least 0."""
    factor: OptionalPerTask = None
    """Diminish by eq 11, in place of the decay rate: factor per epoch (or step), above 0 and at most 1."""
    initial: PerTask = 1.0
    """Diminish, AdaptiveDiminish: initial weight of the auxiliary tasks, at least 0."""
    curvature: PerTask = 1.0
    """Diminish: curvature nu, at least 0."""
    negligible: float = NEGLIGIBLE
    """Diminish, AdaptiveDiminish: below this weight a task is off."""
    switch_at: int = 4
    """Switch: the first epoch (or step) of single-task training."""
    auxiliary_weight: PerTask = 1.0
    """Weight of the auxiliary tasks in multi-task training, and before the switch."""
    switch_patience: int = 1
    """AdaptiveSwitch: evaluations without a better validation loss that end multi-task training."""
    switch_earliest: int = 2
    """AdaptiveSwitch: the first epoch (or step) that may be single-task."""
    switch_latest: int | None = None
    """AdaptiveSwitch: the first epoch (or step) that is single-task in any case."""
    signal: Literal["cosine", "gain"] = "cosine"
    """Adaptive strategies: what tells a task's affinity, the gradients' cosine or the gain of a step on it."""
    sensitivity: float = 20.0
    """AdaptiveDiminish: how strongly the affinity acts on the decay rate."""
    unit: Literal["epoch", "step"] = "epoch"
    """What the schedules count."""

    def build(self, name: str, auxiliaries: Sequence[str]) -> Strategy:
        """Return the strategy of a name, for a run with these auxiliary tasks.

        Raises:
            InputError: when the name is unknown, a value is out of its range, or a task is named that is not there.
        """
        if name == "single-task":
            return SingleTask()
        if name == "multi-task":
            return MultiTask(self._of_tasks("auxiliary_weight", auxiliaries))
        if name == "diminish":
            return self._diminish(auxiliaries)
        if name == "switch":
            return Switch(self.switch_at, weight=self._of_tasks("auxiliary_weight", auxiliaries), unit=self.unit)
        if name == "adaptive-switch":
            return AdaptiveSwitch(
                self.switch_patience,
                earliest=self.switch_earliest,
                latest=self.switch_latest,
                signal=self.signal,
                weight=self._of_tasks("auxiliary_weight", auxiliaries),
                unit=self.unit,
            )
        if name == "adaptive-diminish":
            return AdaptiveDiminish(
                self._of_tasks("decay", auxiliaries),
                initial=self._of_tasks("initial", auxiliaries),
                sensitivity=self.sensitivity,
                signal=self.signal,
                negligible=self.negligible,
                unit=self.unit,
            )
        raise InputError(
            f"unknown strategy '{name}'.{suggestion(name, ALL_STRATEGIES)} Known: {listed(ALL_STRATEGIES)}"
        )

    def _diminish(self, auxiliaries: Sequence[str]) -> Strategy:
        initial, curvature = (self._of_tasks(option, auxiliaries) for option in ("initial", "curvature"))
        if self.factor is None:
            decay: float | Mapping[str, float] = self._of_tasks("decay", auxiliaries)
        else:
            if self.decay != StrategyOptions.decay or self.curvature != StrategyOptions.curvature:
                raise InputError("--factor is in place of --decay and --curvature: give one form of Diminish only")
            decay = Diminish.geometric(of_tasks("--factor", self.factor, auxiliaries, math.exp(-DECAY))).decay
        return Diminish(decay, initial=initial, curvature=curvature, negligible=self.negligible, unit=self.unit)

    def _of_tasks(self, option: str, auxiliaries: Sequence[str]) -> float | dict[str, float]:
        value, default = getattr(self, option), getattr(StrategyOptions, option)
        return of_tasks(f"--{option.replace('_', '-')}", value, auxiliaries, default)


StrategyName = Annotated[str, tyro.conf.arg(metavar="{" + ",".join(ALL_STRATEGIES) + "}")]
