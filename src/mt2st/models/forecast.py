"""How long a fit takes: told once a part of its training is done."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from mt2st.training import Callback, Evaluation, Trainer
from mt2st.training.remaining import RemainingTime

REFITTED = 0.6
"""Time of fitting linear classifiers again on all texts, as a share of that of choosing them."""
LATER = 0.85
"""Time of the later steps as a share of what the first ones let expect: 0.76 to 1.0 on bbc, cr, mpqa, reviews and
tweet-emotion. The first ones are slower: compiled code is loaded, memory is new, and the context task has most work."""


class Forecast(Callback):
    """Tells other callbacks after the first evaluation how long the whole fit takes.

    Args:
        told: these callbacks.
        begin: when the fit began, by `time.monotonic`.
        fit_partners: fits the linear classifiers, which takes a time that nobody can foretell.
        again: how many times as much data the final fit has as this training; 0 if there is none.
    """

    def __init__(
        self, told: Sequence[Callback], *, begin: float, fit_partners: Callable[[], object], again: float
    ) -> None:
        self._told, self._begin, self._fit_partners, self._again = told, begin, fit_partners, again
        self._refit = 0.0
        self._remaining: RemainingTime | None = None

    def on_fit_start(self, trainer: Trainer) -> None:
        """Fit the linear classifiers, now that nothing is in the way of the training, and start the clock."""
        start = time.monotonic()
        self._fit_partners()
        self._refit = REFITTED * (time.monotonic() - start)
        self._remaining = RemainingTime(trainer)

    def on_evaluation(self, trainer: Trainer, evaluation: Evaluation) -> None:  # noqa: ARG002  # a callback's arguments
        """Tell it, once there has been a step."""
        if self._remaining is None or math.isinf(left := LATER * self._remaining.seconds()):
            return  # told, or a checkpoint goes on with an evaluation
        so_far = self._remaining.elapsed()
        self._remaining = None
        final = self._again * (so_far + left) + self._refit * (self._again > 0)
        for callback in self._told:
            callback.on_forecast(time.monotonic() - self._begin + left + final)
