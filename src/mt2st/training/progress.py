"""Where a running training is, as plain values that a checkpoint keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Progress:
    """Where a run is, as plain values.

    Attributes:
        epoch: the running epoch, from 1.
        batch: primary batches done in it.
        step: optimizer steps done in all.
        active: auxiliary tasks that were on in the last step.
        losses: sum and number of each task's losses since the last evaluation.
        norms: sum and number of the primary's gradient norms since the last evaluation.
        flops: floating-point operations so far, if somebody counts them (`mt2st.training.flops.FlopMeter`).
    """

    epoch: int = 1
    batch: int = 0
    step: int = 0
    active: list[str] = field(default_factory=list)
    losses: dict[str, tuple[float, int]] = field(default_factory=dict)
    norms: tuple[float, int] = (0.0, 0)
    flops: float = 0.0

    def record_loss(self, task: str, loss: float) -> None:
        """Take in a task's loss in a step."""
        total, count = self.losses.get(task, (0.0, 0))
        self.losses[task] = (total + loss, count + 1)

    def record_norm(self, norm: float) -> None:
        """Take in the norm of the primary's gradient in a step."""
        total, count = self.norms
        self.norms = (total + norm, count + 1)

    def take_means(self) -> tuple[dict[str, float], float]:
        """Return the mean losses and the mean norm (NaN without one) since the last call, and start anew."""
        losses = {task: total / count for task, (total, count) in self.losses.items()}
        total, count = self.norms
        self.losses, self.norms = {}, (0.0, 0)
        return losses, total / count if count else math.nan
