"""Progress of a training on stderr: one line with a bar in a terminal, a line for each evaluation elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mt2st.cli.terminal import Bar, duration, say
from mt2st.embedding import Footprint, VectorProgress
from mt2st.evaluation.tables import METRICS
from mt2st.tasks import Coverage
from mt2st.text import Corpus
from mt2st.training import Callback, Evaluation, Trainer
from mt2st.training.remaining import RemainingTime

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import CountingReport


class TrainingProgress(Callback):
    """Shows how a training goes."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._bar = Bar()
        self._metric: list[str] = []
        self._details: list[str] = []
        self._remaining: RemainingTime | None = None

    def on_choice(self, reason: str) -> None:
        """Say what was chosen by the data."""
        if reason:
            say(f"{self.title}: {reason}")

    def on_corpus(self, corpus: Corpus, *, n_labelled: int) -> None:
        """Say how much text there is."""
        say(
            f"{self.title}: {n_labelled:,} labelled and {len(corpus) - n_labelled:,} other texts, "
            f"{corpus.n_tokens:,} tokens, vocabulary {len(corpus.vocabulary):,}"
        )

    def on_memory(self, footprint: Footprint) -> None:
        """Say what memory the training takes."""
        say(f"{self.title}: memory: at most {footprint}, the program and the labelled texts")

    def on_auxiliary(self, coverage: Coverage) -> None:
        """Say how much of a task's data can be used."""
        say(f"{self.title}: {coverage}")

    def on_cooccurrences(self, report: CountingReport) -> None:
        """Show the counting."""
        done = report.words / max(1, report.total_words)
        self._bar.show(done, f"{self.title}: counting co-occurrences")
        if done >= 1:
            self._bar.end(f"{self.title}: co-occurrences of {report.words:,} words counted")

    def on_vectors(self, progress: VectorProgress) -> None:
        """Show the training of the first word vectors."""
        done = progress.done / max(1, progress.total)
        self._bar.show(done, f"{self.title}: first word vectors")
        if done >= 1:
            self._bar.end(f"{self.title}: first word vectors, {progress.per_second:,.0f} {progress.unit}/s")

    def on_fit_start(self, trainer: Trainer) -> None:
        """Start the clock."""
        self._remaining = RemainingTime(trainer)

    def on_step_end(self, trainer: Trainer) -> None:
        """Move the bar, where there is one."""
        if not sys.stderr.isatty():
            return
        step, last = trainer.progress.step, trainer.epochs * trainer.primary.n_batches
        epoch = min(trainer.epochs, 1 + (step - 1) // trainer.primary.n_batches)
        left = duration(self._remaining.seconds()) if self._remaining is not None else "?"
        state = [f"epoch {epoch}/{trainer.epochs}", *self._metric, f"{left} left", *self._details]
        self._bar.show(step / last, f"{self.title}: {', '.join(state)}")

    def on_evaluation(self, trainer: Trainer, evaluation: Evaluation) -> None:
        """Show the metric, the losses and the weights: in the bar, or on a line where there is none."""
        name = trainer.monitor
        value = evaluation.validation.get(name) if name else None
        self._metric = [] if name is None or value is None else [_metric(name, value)]
        parts = [f"losses {', '.join(f'{task} {loss:.3f}' for task, loss in evaluation.losses.items())}"]
        weights = ", ".join(f"{task} {weight:.2f}" for task, weight in evaluation.weights.items() if weight > 0)
        parts += [f"weights {weights}"] * bool(weights)
        self._details = parts
        if not sys.stderr.isatty():
            parts = [
                f"epoch {evaluation.epoch}",
                *(f"validation {each}" for each in self._metric),
                *parts,
                f"{evaluation.train_seconds:.1f} s",
            ]
            say(f"{self.title}: {', '.join(parts)}")

    def on_forecast(self, seconds: float) -> None:
        """Say how long all will take."""
        say(f"{self.title}: about {duration(seconds)} in all")

    def on_event(self, trainer: Trainer, kind: str, values: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Say what the strategy decided."""
        if kind == "decision":
            numbers = ", ".join(f"{name} {value:.3g}" for name, value in values["numbers"].items())
            say(f"{self.title}: {values['task']} {values['action']}, because {values['cause']} ({numbers})")

    def on_fit_end(self, trainer: Trainer) -> None:  # noqa: ARG002
        """Remove the bar."""
        self._bar.close()

    def close(self) -> None:
        """Remove the bar of a training that did not come to its end."""
        self._bar.close()


def _metric(name: str, value: float) -> str:
    """Return a metric's name and value, in percent if it is a share of 1.

    Example:
        >>> _metric("accuracy", 0.7512), _metric("loss", 0.7512)
        ('accuracy 75.1 %', 'loss 0.751')
    """
    return f"{METRICS[name]} {100 * value:.1f} %" if name in METRICS else f"{name} {value:.3f}"
