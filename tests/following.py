"""Callbacks made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mt2st.training import Callback, Evaluation, Progress, Trainer


class Following(Callback):
    """Calls functions at the end of each step and after each evaluation."""

    def __init__(
        self,
        on_step: Callable[[Progress], Any] | None = None,
        on_evaluation: Callable[[Evaluation], Any] | None = None,
    ) -> None:
        self._on_step, self._on_evaluation = on_step, on_evaluation

    def on_step_end(self, trainer: Trainer) -> None:
        if self._on_step is not None:
            self._on_step(trainer.progress)

    def on_evaluation(self, trainer: Trainer, evaluation: Evaluation) -> None:
        if self._on_evaluation is not None:
            self._on_evaluation(evaluation)


class StopAfter(Callback):
    """Stops a training after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, trainer: Trainer) -> None:
        if trainer.progress.step == self.step:
            trainer.stop()
