"""Whole documents without labels as an auxiliary task: the same prediction without some of the words.

Where words are dropped at random, the prediction should stay what it is (consistency training, Xie et al. 2020,
arXiv 1904.12848). The target is the prediction from all words, sharpened, and no gradient flows through it.

Run it by ``python examples/documents_as_task.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mt2st import Callback, Encoder, Optimisation, Text, TextClassifier
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks.batch import Texts, shuffled

LABELLED = ["a warm and witty film", "a rare and moving film", "a dull and noisy film", "a flat and pale film"] * 4
LABELS = ["good", "good", "bad", "bad"] * 4
UNLABELLED = [
    f"{first} {second} {third}"
    for words in (["warm", "witty", "rare", "moving"], ["dull", "noisy", "flat", "pale"])
    for first in words
    for second in words
    for third in words
]


class Consistency(Callback):
    """A `mt2st.training.Task` on the texts that have no label.

    Args:
        batch_size: texts of a batch.
        max_length: words of a text that are read.
        dropped: share of the words that are dropped, in (0, 1).
    """

    name = "consistency"

    def __init__(self, *, batch_size: int = 32, max_length: int = 256, dropped: float = 0.3) -> None:
        self.batch_size, self.max_length, self.dropped = batch_size, max_length, dropped

    def on_corpus(self, corpus: Any, *, n_labelled: int) -> None:
        """Keep the texts behind the labelled ones that have a word."""
        texts = Texts.of(corpus)
        rows = np.arange(n_labelled, len(texts))
        self.texts = texts.select(rows[texts.lengths[rows] > 0])

    @property
    def n_batches(self) -> int:
        """Number of batches in an epoch."""
        return -(-len(self.texts) // self.batch_size)

    def batches(self, *, epoch: int, seed: int) -> Iterator[Tensor]:
        """Yield ``[batch, length]`` ids of all texts, in an order that depends on epoch and seed alone."""
        lengths = np.minimum(self.texts.lengths, self.max_length)
        for rows in shuffled(lengths, self.batch_size, np.random.default_rng([seed, epoch])):
            yield self.texts.padded(rows, self.max_length)

    def loss(self, module: Any, batch: Tensor) -> Tensor:
        """Return the divergence of the prediction without some words from the sharpened one of all words."""
        module.eval()  # no dropout in the target, and statistics that the batch does not move
        with torch.no_grad():
            target = (2 * module.logits(PRIMARY_TASK, batch)).softmax(dim=1)
        module.train()
        usual, module.word_dropout = module.word_dropout, self.dropped
        scores = module.logits(PRIMARY_TASK, batch)
        module.word_dropout = usual
        return functional.kl_div(scores.log_softmax(dim=1), target, reduction="batchmean")

    def evaluate(self, module: Any) -> dict[str, float]:
        """Return nothing: there is no validation data."""
        return {}


def train() -> TextClassifier:
    """Train on the labelled texts, the context of words and the consistency of predictions."""
    classifier = TextClassifier(
        encoder=Encoder("mean"),
        text=Text(min_count=1),
        optimisation=Optimisation(epochs=10, batch_size=4),
    )
    return classifier.fit(LABELLED, LABELS, unlabelled=UNLABELLED, auxiliary_tasks=[Consistency()])


if __name__ == "__main__":
    print(train().predict(["a witty film", "a noisy film"]))
