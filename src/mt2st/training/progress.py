"""The position and the means of a running training, as plain values that a checkpoint keeps."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Progress:
    """The position of a training.

    Attributes:
        epoch: the current epoch, from 1.
        batch: primary batches done in it.
        step: optimizer steps in all.
        train_seconds: time of training; evaluation, callbacks and checkpoints are not training.
        active: auxiliary tasks that were on in the last step.
        single_task: whether the transition has happened: all auxiliary tasks have gone off, after one had been on.
        losses: sum and number of each task's losses since the last evaluation.
        norms: sum and number of the primary's gradient norms since the last evaluation.
        flops: floating-point operations so far, if a `mt2st.training.flops.FlopMeter` counts them.
    """

    epoch: int = 1
    batch: int = 0
    step: int = 0
    train_seconds: float = 0.0
    active: list[str] = field(default_factory=list)
    single_task: bool = False
    losses: dict[str, tuple[float, int]] = field(default_factory=dict)
    norms: tuple[float, int] = (0.0, 0)
    flops: float = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time of the block as training."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.train_seconds += time.perf_counter() - start

    def record_loss(self, task: str, loss: float) -> None:
        """Add the loss of a task in a step."""
        total, count = self.losses.get(task, (0.0, 0))
        self.losses[task] = (total + loss, count + 1)

    def record_norm(self, norm: float) -> None:
        """Add the norm of the primary's gradient in a step."""
        total, count = self.norms
        self.norms = (total + norm, count + 1)

    def take_means(self) -> tuple[dict[str, float], float]:
        """Return mean losses and mean norm (NaN without one) since the last call, and reset them."""
        losses = {task: total / count for task, (total, count) in self.losses.items()}
        total, count = self.norms
        self.losses, self.norms = {}, (0.0, 0)
        return losses, total / count if count else math.nan
