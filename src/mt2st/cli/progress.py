"""Progress on stderr: a bar in a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from tqdm import tqdm

from mt2st.cli.options import say
from mt2st.embedding import Progress as VectorProgress
from mt2st.evaluation.tables import METRICS
from mt2st.tasks import Coverage
from mt2st.text import Corpus
from mt2st.training import Callback, Evaluation, Trainer

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import CountingReport


class ProgressListener(Callback):
    """Shows how a training goes.

    Args:
        title: what is being trained.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._bar: tqdm[NoReturn] | None = None

    def on_corpus(self, corpus: Corpus, *, n_labelled: int) -> None:
        """Say how much text there is."""
        say(
            f"{self.title}: {n_labelled:,} labelled and {len(corpus) - n_labelled:,} other texts, "
            f"{corpus.n_tokens:,} tokens, vocabulary {len(corpus.vocabulary):,}"
        )

    def on_auxiliary(self, coverage: Coverage) -> None:
        """Say how much of a task's data can be used."""
        say(f"{self.title}: {coverage}")

    def on_cooccurrences(self, report: CountingReport) -> None:
        """Say when all are counted."""
        if report.words >= report.total_words:
            say(f"{self.title}: co-occurrences of {report.words:,} words counted")

    def on_vectors(self, progress: VectorProgress) -> None:
        """Show the training of the first word vectors."""
        if progress.words >= progress.total_words:
            say(f"{self.title}: first word vectors, {progress.words_per_second:,.0f} words/s")

    def on_fit_start(self, trainer: Trainer) -> None:
        """Open the bar."""
        self._bar = tqdm(
            total=trainer.epochs * trainer.primary.n_batches,
            desc=self.title,
            unit="step",
            disable=not sys.stderr.isatty(),
            leave=False,
        )

    def on_step_end(self, trainer: Trainer) -> None:
        """Move the bar."""
        assert self._bar is not None
        self._bar.update(trainer.progress.step - self._bar.n)

    def on_evaluation(self, trainer: Trainer, evaluation: Evaluation) -> None:
        """Say what the epoch brought."""
        assert self._bar is not None
        losses = ", ".join(f"{task} {loss:.3f}" for task, loss in evaluation.losses.items())
        weights = ", ".join(f"{task} {weight:.2f}" for task, weight in evaluation.weights.items() if weight > 0)
        name = trainer.monitor
        value = evaluation.validation.get(name) if name else None
        measured = "" if name is None or value is None else f"validation {_measure(name, value)}, "
        with tqdm.external_write_mode(sys.stderr):
            say(
                f"{self.title}: epoch {evaluation.epoch}, {measured}losses {losses}"
                f"{f', weights {weights}' if weights else ''}, {evaluation.train_seconds:.1f} s"
            )

    def on_event(self, trainer: Trainer, kind: str, values: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Say what the strategy decided."""
        if kind != "decision":
            return
        numbers = ", ".join(f"{name} {value:.3g}" for name, value in values["numbers"].items())
        with tqdm.external_write_mode(sys.stderr):
            say(f"{self.title}: {values['task']} {values['action']}, because {values['cause']} ({numbers})")

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()


def _measure(name: str, value: float) -> str:
    """Return a measure's name and value; only those that are shares of 1 are told in percent.

    Example:
        >>> _measure("accuracy", 0.7512), _measure("loss", 0.7512)
        ('accuracy 75.1 %', 'loss 0.751')
    """
    return f"{METRICS[name]} {100 * value:.1f} %" if name in METRICS else f"{name} {value:.3f}"
