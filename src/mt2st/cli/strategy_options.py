"""The strategy on the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from mt2st.cli.named_values import OptionalPerTask, PerTask, TimePerTask, of_tasks
from mt2st.errors import InputError, listed, suggestion
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
from mt2st.strategy.diminish import NEGLIGIBLE

DECAY = 0.5
SWITCH_AT = 4
STRATEGIES = ("single-task", "multi-task", "diminish", "switch")
"""The paper's four, which a comparison runs."""
ADAPTIVE = ("adaptive-diminish", "adaptive-switch")
"""Those that the feedback loop steers."""
BASELINES = (
    "pretrain-finetune",
    "uncertainty",
    "dwa",
    "pcgrad",
    "mgda",
    "cagrad",
    "gradient-cosine",
    "bloop",
)
"""Other ways to train with auxiliary tasks, to compare with."""
ALL_STRATEGIES = (*STRATEGIES, *ADAPTIVE, *BASELINES)


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
    switch_at: TimePerTask = SWITCH_AT
    """Switch, pretrain-finetune: the first epoch (or step) of single-task training; by task only in switch, where the
    last one counts."""
    auxiliary_weight: PerTask = 1.0
    """Weight of the auxiliary tasks in multi-task training, before the switch, in pretraining and in all baselines
    but dwa; in uncertainty, the first step's."""
    switch_patience: int = 1
    """AdaptiveSwitch: evaluations without a better validation loss that end multi-task training."""
    switch_minimum_gain: float = 0.0
    """AdaptiveSwitch: by how much the validation loss must fall to be better, at least 0."""
    switch_earliest: int = 2
    """AdaptiveSwitch: the first epoch (or step) that may be single-task."""
    switch_latest: int | None = None
    """AdaptiveSwitch: the first epoch (or step) that is single-task in any case."""
    signal: Literal["cosine", "gain"] = "cosine"
    """Adaptive strategies: what tells a task's affinity, the gradients' cosine or the gain of a step on it."""
    off_below: float | None = None
    """AdaptiveSwitch: affinity below which a task is suspected; if not given, -0.03 by the cosine and -0.3 by the gain
    (whose affinity is its mean over its root mean square, from -1 to 1)."""
    clear_above: float = 0.0
    """AdaptiveSwitch: affinity above which a suspected task is cleared, at least --off-below."""
    sensitivity: float | None = None
    """AdaptiveDiminish: how strongly the affinity acts on the decay rate, at least 0; if not given, 20 by the cosine
    and 3 by the gain."""
    uncertainty_rate: float = 0.02
    """Uncertainty: learning rate of the tasks' log-variances."""
    dwa_temperature: float = 2.0
    """DWA: temperature; the larger, the more alike the weights."""
    cagrad_radius: float = 0.5
    """CAGrad: how far from the mean gradient the step may lie, as a share of its length, at least 0 and below 1."""
    cosine_gate: bool = False
    """Gradient-cosine: let a gradient pass whole above cosine 0, in place of weighing it by the cosine."""
    bloop_memory: float = 0.9
    """Bloop: share of the primary's mean gradient that a step leaves, at least 0 and below 1."""
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
            at = of_tasks("--switch-at", self.switch_at, auxiliaries, SWITCH_AT)
            return Switch(at, weight=self._of_tasks("auxiliary_weight", auxiliaries), unit=self.unit)
        if name == "adaptive-switch":
            return AdaptiveSwitch(
                self.switch_patience,
                minimum_gain=self.switch_minimum_gain,
                off_below=self.off_below,
                clear_above=self.clear_above,
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
        if name in BASELINES:
            return self._baseline(name, auxiliaries)
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

    def _baseline(self, name: str, auxiliaries: Sequence[str]) -> Strategy:
        if name == "dwa":
            return DWA(self.dwa_temperature)
        weight = self._of_tasks("auxiliary_weight", auxiliaries)
        if name == "pretrain-finetune":
            if isinstance(self.switch_at, Mapping):
                raise InputError(
                    "--switch-at: pretrain-finetune turns from all auxiliary tasks to the primary one at once: give "
                    "one time, not one by task"
                )
            return PretrainFinetune(self.switch_at, weight=weight, unit=self.unit)
        if name == "uncertainty":
            return UncertaintyWeighting(self.uncertainty_rate, initial=weight)
        if name == "pcgrad":
            return PCGrad(weight)
        if name == "mgda":
            return MGDA(weight)
        if name == "cagrad":
            return CAGrad(weight, radius=self.cagrad_radius)
        if name == "gradient-cosine":
            return GradientCosine(weight, gate=self.cosine_gate)
        return Bloop(weight, memory=self.bloop_memory)

    def _of_tasks(self, option: str, auxiliaries: Sequence[str]) -> float | dict[str, float]:
        value, default = getattr(self, option), getattr(StrategyOptions, option)
        return of_tasks(f"--{option.replace('_', '-')}", value, auxiliaries, default)


StrategyName = Annotated[str, tyro.conf.arg(metavar="{" + ",".join(ALL_STRATEGIES) + "}")]
