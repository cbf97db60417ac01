"""An own auxiliary task in `TextClassifier`: which list a word is from, read off its vector.

The task has a head, which the classifier trains with it, and is a `Callback`, which gets the corpus and its vocabulary.

Run it by ``python examples/own_task_in_classifier.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mt2st import Callback, Embedding, Encoder, Optimisation, Text, TextClassifier

LISTS = (["fine", "warm", "witty", "moving", "rare"], ["dull", "long", "flat", "noisy", "pale"])
TEXTS = [f"a {words[i]} and {words[i + 1]} film" for words in LISTS for i in range(3)] * 5
LABELS = ["good"] * 3 + ["bad"] * 3
LABELS *= 5
SIZE = 16


class WordLists(Callback):
    """Classify words by the list that they are in; a `mt2st.training.Task`."""

    name = "word-lists"
    n_batches = 1

    def __init__(self) -> None:
        self.head = nn.Linear(SIZE, len(LISTS))
        self.ids = torch.empty(0, dtype=torch.long)
        self.lists = torch.empty(0, dtype=torch.long)

    def on_corpus(self, corpus: Any, *, n_labelled: int) -> None:
        """Look the words up in the vocabulary."""
        known = [(corpus.vocabulary.id_of(word), n) for n, words in enumerate(LISTS) for word in words]
        self.ids, self.lists = torch.tensor(known).unbind(dim=1)

    def batches(self, *, epoch: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all words in an order that depends on epoch and seed alone."""
        order = torch.from_numpy(np.random.default_rng((seed, epoch)).permutation(len(self.ids)))
        yield self.ids[order], self.lists[order]

    def loss(self, module: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the cross-entropy of the lists, by the shared embedding's rows."""
        ids, lists = batch
        return nn.functional.cross_entropy(self.head(module.embedding.weight[ids]), lists)

    def evaluate(self, module: Any) -> dict[str, float]:
        """Return nothing: there is no validation data."""
        return {}


def train() -> TextClassifier:
    """Train on texts of three words of each list; the other two come from the word lists alone."""
    classifier = TextClassifier(
        encoder=Encoder("mean"),
        text=Text(min_count=1),
        embedding=Embedding(vector_size=SIZE),
        optimisation=Optimisation(epochs=20, embedding_learning_rate=0.05),
    )
    unlabelled = [" ".join(words) for words in LISTS]
    return classifier.fit(TEXTS, LABELS, unlabelled=unlabelled, auxiliary_tasks=[WordLists()])


if __name__ == "__main__":
    print(train().predict(["a rare film", "a pale film"]))
