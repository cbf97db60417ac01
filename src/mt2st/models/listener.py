"""What a training run tells whoever watches it: a progress bar, a log, a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mt2st.embedding import Progress as VectorProgress
from mt2st.tasks import Coverage
from mt2st.text import Corpus
from mt2st.training import Evaluation, Trainer
from mt2st.training.progress import Progress

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import CountingReport


class Listener:
    """Hears nothing. Subclasses override what they want to hear."""

    def on_corpus(self, corpus: Corpus, *, n_labelled: int) -> None:
        """The text is read and encoded: the first ``n_labelled`` documents have labels."""

    def on_auxiliary(self, coverage: Coverage) -> None:
        """The data of an auxiliary task are split; tells how much of them the vocabulary covers."""

    def on_cooccurrences(self, report: CountingReport) -> None:
        """The co-occurrences of words are being counted for the context task."""

    def on_vectors(self, progress: VectorProgress) -> None:
        """Word vectors for the embedding's start are being trained."""

    def on_start(self, trainer: Trainer) -> None:
        """The training is about to begin, or to go on from a checkpoint."""

    def on_step(self, progress: Progress) -> None:
        """One optimizer step is done."""

    def on_evaluation(self, evaluation: Evaluation) -> None:
        """The validation part was measured."""
