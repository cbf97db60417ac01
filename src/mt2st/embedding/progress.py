"""How a training of word vectors goes: its progress, its interruption, and its divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from mt2st.embedding.word_vectors import WordVectors
from mt2st.errors import InputError


@dataclass(frozen=True)
class VectorProgress:
    """Progress of a training of word vectors.

    Attributes:
        stage: ``"counting"`` of co-occurrences (GloVe only), then ``"training"``.
        unit: what is counted: ``"words"`` (before subsampling) or ``"co-occurrences"``, over all epochs.
        done: words or co-occurrences done.
        total: words or co-occurrences in all.
        seconds: time since the stage began; kernels were compiled before.
        loss: mean loss per pair in the last part; NaN if there is none.
        mean_loss: mean loss per pair since the start, in GloVe since the start of the epoch; NaN if there is none.
        kept: words left by subsampling: gensim's "effective words".
    """

    stage: Literal["counting", "training"]
    unit: Literal["words", "co-occurrences"]
    done: int
    total: int
    seconds: float
    loss: float = math.nan
    mean_loss: float = math.nan
    kept: int = 0

    @property
    def per_second(self) -> float:
        """Words or co-occurrences per second since the stage began."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def kept_per_second(self) -> float:
        """Words left by subsampling, per second since the stage began."""
        return self.kept / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float:
        """Expected time to the end of the stage at that speed; infinite before the first part."""
        return (self.total - self.done) / self.per_second if self.per_second else math.inf


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during training: carries the vectors trained so far, which are usable.

    Attributes:
        vectors: the word vectors after ``done`` of ``total`` words or co-occurrences.
    """

    def __init__(self, vectors: WordVectors, done: int, total: int, unit: str) -> None:
        super().__init__(f"interrupted after {done:,} of {total:,} {unit} ({done / max(1, total):.0%})")
        self.vectors, self.done, self.total = vectors, done, total


def check_converging(loss: float, *, start: float, factor: float, rate: float) -> None:
    """Raise if the loss says that the vectors are worse than before the training.

    Steps that are too large do not make the loss infinite, because the kernels bound them: they leave it above the
    start.

    Args:
        loss: mean loss over a good part of the training.
        start: mean loss before the training.
        factor: how many times that is beyond chance.
        rate: the learning rate at the start.

    Raises:
        InputError: the training has diverged.

    Example:
        >>> check_converging(2.9, start=4.16, factor=1.25, rate=0.025)
        >>> check_converging(14.5, start=4.16, factor=1.25, rate=9.0)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        mt2st.errors.InputError: the training has diverged: its mean loss is 14.5, and untrained vectors had 4.16: ...
    """
    if not math.isfinite(loss) or loss > factor * start:
        raise InputError(
            f"the training has diverged: its mean loss is {loss:.4g}, and untrained vectors had {start:.4g}: "
            f"lower the learning rate, found {rate!r}"
        )
