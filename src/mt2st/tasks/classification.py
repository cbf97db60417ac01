"""Text classification with one label a text, as the primary task or as an auxiliary one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mt2st.evaluation import classification_report
from mt2st.network import Network
from mt2st.tasks.batch import TextBatch, Texts, by_length, shuffled

EVALUATION_BATCH = 128
"""Texts in a batch where no gradient is kept."""


@dataclass(frozen=True)
class Labelled:
    """Encoded texts and the class number of each.

    Attributes:
        texts: ``n`` texts.
        targets: ``[n]`` class numbers from 0.
    """

    texts: Texts
    targets: NDArray[np.int64]

    def sample(self, size: int) -> Labelled:
        """Return at most ``size`` of the texts, evenly spread, so that sorted classes all have their share."""
        indices = np.unique(np.linspace(0, len(self.targets) - 1, num=min(size, len(self.targets)), dtype=np.int64))
        return Labelled(self.texts.select(indices), self.targets[indices])


@dataclass(frozen=True)
class ClassificationTask:
    """Cross-entropy over the classes of a text, on the pooled vector of the shared encoder.

    Attributes:
        name: the task's name, and that of its head in the network.
        train: the labelled texts to learn from.
        n_classes: number of classes.
        validation: labelled texts that `evaluate` measures on, if any.
        batch_size: texts in a training batch.
        max_length: tokens of a text that are read; the rest is cut.
    """

    name: str
    train: Labelled
    n_classes: int
    validation: Labelled | None = None
    batch_size: int = 32
    max_length: int = 256

    @property
    def n_batches(self) -> int:
        """How many batches an epoch has; the last one may be smaller."""
        return -(-len(self.train.texts) // self.batch_size)

    def batches(self, *, epoch: int, seed: int) -> Iterator[TextBatch]:
        """Yield all training texts once, in an order that depends on the name, epoch and seed alone."""
        rng = np.random.default_rng([seed, epoch, crc32(self.name.encode())])
        lengths = np.minimum(self.train.texts.lengths, self.max_length)
        for indices in shuffled(lengths, self.batch_size, rng):
            yield TextBatch(
                self.train.texts.padded(indices, self.max_length), torch.from_numpy(self.train.targets[indices])
            )

    def loss(self, network: nn.Module, batch: TextBatch) -> Tensor:
        """Return the mean cross-entropy of a batch."""
        assert isinstance(network, Network)
        return functional.cross_entropy(network.logits(self.name, batch.ids), batch.targets)

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Return loss, accuracy and averaged precision, recall and F1 on the validation part."""
        if self.validation is None:
            return {}
        return self.measure(network, self.validation)

    def measure(self, network: nn.Module, labelled: Labelled) -> dict[str, float]:
        """Return loss, accuracy and averaged precision, recall and F1 on any labelled texts."""
        probabilities = predict_probabilities(network, self.name, labelled.texts, max_length=self.max_length)
        report = classification_report(labelled.targets, probabilities.argmax(axis=1), self.n_classes)
        of_truth = probabilities[np.arange(len(labelled.targets)), labelled.targets]
        loss = -float(np.mean(np.log(np.maximum(of_truth, np.finfo(np.float32).tiny))))
        return {"loss": loss, **report.as_dict()}


def classification_head(pooled_size: int, n_classes: int) -> nn.Module:
    """Return a new head for a classification task on text vectors of ``pooled_size``."""
    return nn.Linear(pooled_size, n_classes)


def predict_probabilities(
    network: nn.Module, task: str, texts: Texts, *, max_length: int, batch_size: int = EVALUATION_BATCH
) -> NDArray[np.float32]:
    """Return ``[n_texts, n_classes]`` probabilities of a classification task.

    Args:
        network: the network; put in evaluation mode for the call and back after it.
        task: name of the task's head.
        texts: at least one text.
        max_length: tokens of a text that are read.
        batch_size: texts encoded together.
    """
    assert isinstance(network, Network)
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    rows: NDArray[np.float32] | None = None
    try:
        with torch.inference_mode():
            for indices in by_length(np.minimum(texts.lengths, max_length), batch_size):
                logits = network.logits(task, texts.padded(indices, max_length).to(device))
                if rows is None:
                    rows = np.empty((len(texts), logits.shape[1]), dtype=np.float32)
                rows[indices] = logits.softmax(dim=1).cpu().numpy()
    finally:
        network.train(was_training)
    assert rows is not None, "no text to predict"
    return rows
