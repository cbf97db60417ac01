"""The strategy on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from mt2st.errors import InputError, listed, suggestion
from mt2st.strategy import AdaptiveDiminish, AdaptiveSwitch, Diminish, MultiTask, SingleTask, Strategy, Switch
from mt2st.strategy.diminish import NEGLIGIBLE

STRATEGIES = ("single-task", "multi-task", "diminish", "switch")
"""The paper's four, which a comparison runs."""
ADAPTIVE = ("adaptive-diminish", "adaptive-switch")
"""Those that the feedback loop steers."""
ALL_STRATEGIES = (*STRATEGIES, *ADAPTIVE)


@dataclass(frozen=True)
class StrategyOptions:
    """What the strategies can be told."""

    decay: float = 0.5
    """Diminish, AdaptiveDiminish (at no affinity): decay rate eta, at least 0."""
    initial: float = 1.0
    """Diminish, AdaptiveDiminish: initial weight of the auxiliary tasks, at least 0."""
    curvature: float = 1.0
    """Diminish: curvature nu, at least 0."""
    negligible: float = NEGLIGIBLE
    """Diminish, AdaptiveDiminish: below this weight a task is off."""
    switch_at: int = 4
    """Switch: the first epoch (or step) of single-task training."""
    auxiliary_weight: float = 1.0
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

    def build(self, name: str) -> Strategy:
        """Return the strategy of a name.

        Raises:
            InputError: when the name is unknown or a value is out of its range.
        """
        if name == "single-task":
            return SingleTask()
        if name == "multi-task":
            return MultiTask(self.auxiliary_weight)
        if name == "diminish":
            return Diminish(
                self.decay,
                initial=self.initial,
                curvature=self.curvature,
                negligible=self.negligible,
                unit=self.unit,
            )
        if name == "switch":
            return Switch(self.switch_at, weight=self.auxiliary_weight, unit=self.unit)
        if name == "adaptive-switch":
            return AdaptiveSwitch(
                self.switch_patience,
                earliest=self.switch_earliest,
                latest=self.switch_latest,
                signal=self.signal,
                weight=self.auxiliary_weight,
                unit=self.unit,
            )
        if name == "adaptive-diminish":
            return AdaptiveDiminish(
                self.decay,
                initial=self.initial,
                sensitivity=self.sensitivity,
                signal=self.signal,
                negligible=self.negligible,
                unit=self.unit,
            )
        raise InputError(
            f"unknown strategy '{name}'.{suggestion(name, ALL_STRATEGIES)} Known: {listed(ALL_STRATEGIES)}"
        )


StrategyName = Annotated[str, tyro.conf.arg(metavar="{" + ",".join(ALL_STRATEGIES) + "}")]
