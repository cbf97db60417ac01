"""The settings of GloVe: their defaults, and what is checked before anything is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mt2st.embedding.memory import MEGABYTE
from mt2st.embedding.settings import VECTOR_SIZE, check_at_least_one, check_sample, check_vector_size, size_like
from mt2st.embedding.word_vectors import WordVectors
from mt2st.errors import InputError

LEAST_MEMORY_MB = 4
"""With less, the counting would write and merge ever shorter runs: with 1 KB, one every few words of the corpus."""


@dataclass(frozen=True)
class GloveSettings:
    """The settings of `mt2st.embedding.train_glove`, which explains them; made, they are in their ranges.

    Raises:
        InputError: a setting out of its range, by name, with the rule and the value found.

    Example:
        >>> GloveSettings(x_max=0)
        Traceback (most recent call last):
        mt2st.errors.InputError: x_max must be finite and above 0; found 0
    """

    vector_size: int | None = None
    window: int = 10
    sample: float = 0.0
    x_max: float = 100.0
    alpha: float = 0.75
    learning_rate: float = 0.05
    epochs: int = 25
    memory_mb: float = 1024
    workers: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        # These come with numba, which only who trains waits for.
        from mt2st.embedding.glove.counting import check_window, least_memory
        from mt2st.embedding.glove.targets import check_weighting

        if self.vector_size is not None:
            check_vector_size(self.vector_size)
        check_at_least_one(epochs=self.epochs, workers=self.workers)
        check_window(self.window)
        check_sample(self.sample)
        check_weighting(self.x_max, self.alpha)
        for name, number in (("learning_rate", self.learning_rate), ("memory_mb", self.memory_mb)):
            if not (math.isfinite(number) and number > 0):
                raise InputError(f"{name} must be finite and above 0; found {number!r}")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool):
            raise InputError(f"seed must be an integer; found {self.seed!r}")
        least = max(LEAST_MEMORY_MB, least_memory(self.window) / MEGABYTE)
        if self.memory_mb < least:
            raise InputError(
                f"memory_mb must be at least {least:.3g} (MB) for a window of {self.window:,}: with less, the counting "
                f"would write and merge short runs without end; found {self.memory_mb!r}"
            )

    @property
    def size(self) -> int:
        """Dimensions."""
        return self.vector_size if self.vector_size is not None else VECTOR_SIZE

    def going_on_from(self, given: WordVectors) -> GloveSettings:
        """Return the settings with the size of given vectors.

        Raises:
            InputError: another size was asked for.
        """
        return replace(self, vector_size=size_like(given, self.vector_size))
