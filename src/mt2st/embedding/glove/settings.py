"""The settings of GloVe: their defaults, and what is checked before anything is read."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mt2st.embedding.settings import check_at_least_one, check_vector_size
from mt2st.errors import InputError


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

    vector_size: int = 100
    window: int = 10
    x_max: float = 100.0
    alpha: float = 0.75
    learning_rate: float = 0.05
    epochs: int = 25
    memory_mb: float = 1024
    workers: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        from mt2st.embedding.glove.counting import check_window  # with numba, which only who trains waits for
        from mt2st.embedding.glove.targets import check_weighting

        check_vector_size(self.vector_size)
        check_at_least_one(epochs=self.epochs, workers=self.workers)
        check_window(self.window)
        check_weighting(self.x_max, self.alpha)
        for name, number in (("learning_rate", self.learning_rate), ("memory_mb", self.memory_mb)):
            if not (math.isfinite(number) and number > 0):
                raise InputError(f"{name} must be finite and above 0; found {number!r}")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool):
            raise InputError(f"seed must be an integer; found {self.seed!r}")
