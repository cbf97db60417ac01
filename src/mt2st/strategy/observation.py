"""What the training tells a strategy (`Observation`) and what a strategy decides (`Decision`), section III-B6."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Signal = Literal["cosine", "gain"]
"""The feedback loop's measures of how an auxiliary task affects the primary one."""


@dataclass(frozen=True)
class Observation:
    """What the training loop reports to a strategy after an evaluation.

    Attributes:
        epoch: epochs finished, from 1.
        step: optimizer steps done, from 1.
        metrics: the primary task's validation metrics, for example ``{"accuracy": 0.81, "loss": 0.44}``.
        gradient_cosines: for each auxiliary task that was on, the mean cosine in [-1, 1] of its gradient and the
            primary's on the shared embedding since the last evaluation. Empty if not measured.
        gains: for each auxiliary task that was on, the mean share by which a step on it alone lowered the primary's
            validation loss since the last evaluation. Empty if not measured.
        losses: the mean training loss of each auxiliary task that was on, since the last evaluation.
        primary_loss: the same of the primary task. NaN if it was off or is not reported.
    """

    epoch: int
    step: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    gradient_cosines: Mapping[str, float] = field(default_factory=dict)
    gains: Mapping[str, float] = field(default_factory=dict)
    losses: Mapping[str, float] = field(default_factory=dict)
    primary_loss: float = math.nan

    def signal(self, name: str, task: str) -> float:
        """Return a task's ``"cosine"`` or ``"gain"``. NaN if it was not measured."""
        return (self.gradient_cosines if name == "cosine" else self.gains).get(task, math.nan)


@dataclass(frozen=True)
class Decision:
    """One decision of an adaptive strategy about one auxiliary task.

    Attributes:
        task: the auxiliary task.
        action: ``"off"`` or ``"decay"`` (its decay rate was changed).
        cause: the reason in words.
        numbers: the figures behind the decision.
        epoch: epochs finished at that time.
        step: optimizer steps done at that time.
    """

    task: str
    action: str
    cause: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    epoch: int = 0
    step: int = 0
