"""The strategy on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from mt2st.errors import InputError, listed, suggestion
from mt2st.strategy import Diminish, MultiTask, SingleTask, Strategy, Switch
from mt2st.strategy.diminish import NEGLIGIBLE

STRATEGIES = ("single-task", "multi-task", "diminish", "switch")


@dataclass(frozen=True)
class StrategyOptions:
    """What the strategies can be told."""

    decay: float = 0.5
    """Diminish: decay rate eta, at least 0."""
    initial: float = 1.0
    """Diminish: initial weight of the auxiliary tasks, at least 0."""
    curvature: float = 1.0
    """Diminish: curvature nu, at least 0."""
    negligible: float = NEGLIGIBLE
    """Diminish: below this weight a task is off."""
    switch_at: int = 4
    """Switch: the first epoch (or step) of single-task training."""
    auxiliary_weight: float = 1.0
    """Weight of the auxiliary tasks in multi-task training, and before the switch."""
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
        raise InputError(f"unknown strategy '{name}'.{suggestion(name, STRATEGIES)} Known: {listed(STRATEGIES)}")


StrategyName = Annotated[str, tyro.conf.arg(metavar="{" + ",".join(STRATEGIES) + "}")]
