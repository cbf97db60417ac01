"""The progress bar of ``verbose=True``, in a terminal and in a notebook."""

from __future__ import annotations

from typing import Any

from tqdm.auto import tqdm

from mt2st.training import Callback, Evaluation

SHOWN = ("accuracy", "micro_f1", "entity_f1", "loss")
"""Validation metrics beside the bar."""


class ProgressBar(Callback):
    """Shows the steps of a training, the last losses and the last validation metrics."""

    def __init__(self) -> None:
        self._bar: Any = None

    def on_vectors(self, progress: Any) -> None:
        """Show how far the training of the first word vectors is."""
        self._show("word vectors", progress.words, progress.total_words)

    def on_fit_start(self, trainer: Any) -> None:
        """Show an empty bar, or one with the steps before a checkpoint."""
        self._close()
        total = trainer.epochs * trainer.primary.n_batches
        self._bar = tqdm(total=total, initial=trainer.progress.step, desc="fit", unit="step")

    def on_step_end(self, trainer: Any) -> None:  # noqa: ARG002  # a callback's arguments
        """Count the step."""
        self._bar.update()

    def on_evaluation(self, trainer: Any, evaluation: Evaluation) -> None:  # noqa: ARG002
        """Show the epoch and its metrics."""
        found = {name: f"{evaluation.validation[name]:.3f}" for name in SHOWN if name in evaluation.validation}
        self._bar.set_postfix({"epoch": evaluation.epoch, **found})

    def on_fit_end(self, trainer: Any) -> None:  # noqa: ARG002
        """Leave the bar as it is."""
        self._close()

    def _show(self, what: str, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = tqdm(total=total, desc=what, unit="word", unit_scale=True)
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
