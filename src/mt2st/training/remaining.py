"""How much longer a training will take, from what its steps have taken so far."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

POINTS = 200
"""Steps at which the weights of the tasks to come are looked at."""


class RemainingTime:
    """Foretells the rest of a training. It is made when the training begins.

    A kernel task reads the less text the less it weighs. So the time that steps have spent on kernel tasks is taken to
    grow with the sum of their weights, and the rest, evaluations included, with the number of steps. Tasks with a loss
    belong to the rest: where they go off, the training ends sooner than foretold.
    """

    def __init__(self, trainer: Any) -> None:
        self._trainer, self._start = trainer, time.monotonic()
        self._first, self._waited = trainer.progress.step, trainer.progress.kernel_seconds
        self._evaluations, self._weights = -1, (np.zeros(1), np.zeros(1))

    def elapsed(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self._start

    def seconds(self) -> float:
        """Return the seconds that are left; infinity before the first step is done."""
        trainer, progress = self._trainer, self._trainer.progress
        done, last = progress.step - self._first, trainer.epochs * trainer.primary.n_batches
        if not done:
            return float("inf")
        if self._evaluations != len(trainer.run.evaluations):  # after which an adaptive strategy has other weights
            self._evaluations, self._weights = len(trainer.run.evaluations), self._kernel_weights(last)
        waited = progress.kernel_seconds - self._waited
        first, now, end = np.interp([self._first, progress.step, last], *self._weights)
        kernels = waited * (end - now) / (now - first) if now > first else 0.0
        return float((self.elapsed() - waited) / done * (last - progress.step) + kernels)

    def _kernel_weights(self, last: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return some steps, and the sum of the kernel tasks' weights up to each."""
        trainer, parts = self._trainer, self._trainer.primary.n_batches
        steps = np.unique(np.linspace(0, last, min(last, POINTS) + 1).round())
        sums = [0.0]
        for step, since in zip(steps[1:].astype(int).tolist(), np.diff(steps), strict=True):
            weights = trainer.strategy.weights_at(epoch=1 + (step - 1) // parts, step=step)
            sums.append(sums[-1] + since * sum(weights[task.name] for task in trainer.kernels))
        return steps, np.array(sums)
