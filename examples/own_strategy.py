"""A strategy of one's own: auxiliary tasks every other epoch, and none from `at` on.

Run it by ``python examples/own_strategy.py``.

The class registers when it is defined. A saved model that was trained with it loads wherever the class is defined
first, or is handed over: ``TextClassifier.load(folder, strategies=[Alternate])``. On the command line:
``mt2st train ... --strategy own_strategy:Alternate``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from mt2st import Encoder, Optimisation, Strategy, Text, TextClassifier


class Alternate(Strategy):
    """Weight 1 in odd epochs before ``at``, else 0."""

    is_fixed = True  # time alone decides
    off_is_final = False  # the tasks come back in the next odd epoch

    def __init__(self, at: int = 6, *, auxiliaries: Iterable[str] | None = None) -> None:
        self.at = at
        super().__init__(auxiliaries)

    def weight_of(self, task: str, t: int) -> float:
        """Return the weight of a task in epoch ``t``."""
        return 1.0 if t % 2 and t < self.at else 0.0


TEXTS = ["a warm and witty film", "dull, far too long", "a fine cast", "a waste of time"] * 20
LABELS = ["good", "bad", "good", "bad"] * 20


def train() -> TextClassifier:
    """Train a small classifier with the strategy."""
    classifier = TextClassifier(
        strategy=Alternate(at=4),
        encoder=Encoder("mean"),
        text=Text(min_count=1),
        optimisation=Optimisation(epochs=5),
    )
    return classifier.fit(TEXTS, LABELS, unlabelled=["a witty, fine film with a warm cast"] * 50)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        train().save(Path(folder) / "model")
        loaded = TextClassifier.load(Path(folder) / "model", strategies=[Alternate])
        print(loaded.strategy, loaded.predict(["a fine and witty film"]))
