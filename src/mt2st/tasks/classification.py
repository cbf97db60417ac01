"""Text classification with one label per text, or any number, as primary or auxiliary task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from mt2st.evaluation.classification import THRESHOLD, classification_report, multi_label_report
from mt2st.network import Network
from mt2st.tasks.batch import TextBatch, Texts, infer_rows
from mt2st.tasks.labelled import LabelledTask


@dataclass(frozen=True)
class Labelled:
    """Encoded texts and their labels.

    Attributes:
        texts: ``n`` texts.
        targets: ``[n]`` class numbers from 0; or bool ``[n, n_labels]``, true where a text has a label. Data to measure
            on may have further columns, for labels that the task does not know.
        weights: ``[n]`` weights of the texts in the loss, 1 on average; None weighs all alike.
    """

    texts: Texts
    targets: NDArray[Any]
    weights: NDArray[np.float32] | None = None

    def select(self, indices: NDArray[np.int64]) -> Labelled:
        """Return these texts with their labels."""
        weights = None if self.weights is None else self.weights[indices]
        return Labelled(self.texts.select(indices), self.targets[indices], weights)

    def batch(self, indices: NDArray[np.int64], max_length: int, kind: DTypeLike) -> TextBatch:
        """Return the texts of these indices, up to ``max_length`` tokens of each, and their labels as this type."""
        targets = torch.from_numpy(self.targets[indices].astype(kind))
        weights = None if self.weights is None else torch.from_numpy(self.weights[indices])
        return TextBatch(self.texts.padded(indices, max_length), targets, weights)


@dataclass(frozen=True)
class ClassificationTask(LabelledTask[Labelled, TextBatch]):
    """Cross-entropy over the classes of a text, on the pooled vector of the shared encoder.

    Attributes:
        n_classes: number of classes.

    The other attributes are those of `LabelledTask`.
    """

    n_classes: int

    def batch(self, data: Labelled, indices: NDArray[np.int64]) -> TextBatch:
        """Return the texts of these indices and their classes."""
        return data.batch(indices, self.max_length, np.int64)

    def loss(self, network: nn.Module, batch: TextBatch) -> Tensor:
        """Return the (weighted) mean cross-entropy of a batch."""
        assert isinstance(network, Network)
        scores = network.logits(self.name, batch.ids)
        if batch.weights is None:
            return functional.cross_entropy(scores, batch.targets)
        return (functional.cross_entropy(scores, batch.targets, reduction="none") * batch.weights).mean()

    def probabilities(self, network: nn.Module, data: Labelled) -> NDArray[np.float32]:
        """Return those of the classes of each text."""
        return predict_probabilities(
            network, self.name, data.texts, max_length=self.max_length, eval_threads=self.eval_threads
        )

    def metrics(self, probabilities: NDArray[np.float32], data: Labelled) -> dict[str, float]:
        """Return the (weighted) loss, accuracy, and averaged precision, recall and F1."""
        report = classification_report(data.targets, probabilities.argmax(axis=1), self.n_classes)
        return {"loss": cross_entropy(probabilities, data.targets, data.weights), **report}


@dataclass(frozen=True)
class MultiLabelTask(LabelledTask[Labelled, TextBatch]):
    """Binary cross-entropy of each label, on the pooled vector of the shared encoder.

    The head is that of a classification task (`classification_head`); the attributes are
    those of `LabelledTask`.
    """

    def batch(self, data: Labelled, indices: NDArray[np.int64]) -> TextBatch:
        """Return the texts of these indices and their labels, as 0 and 1."""
        return data.batch(indices, self.max_length, np.float32)

    def loss(self, network: nn.Module, batch: TextBatch) -> Tensor:
        """Return the (weighted) binary cross-entropy of a batch: mean over texts and labels."""
        assert isinstance(network, Network)
        weights = None if batch.weights is None else batch.weights.unsqueeze(1)
        scores = network.logits(self.name, batch.ids)
        return functional.binary_cross_entropy_with_logits(scores, batch.targets, weight=weights)

    def probabilities(self, network: nn.Module, data: Labelled) -> NDArray[np.float32]:
        """Return that of each label of each text, by itself."""
        return predict_probabilities(
            network, self.name, data.texts, max_length=self.max_length, independent=True, eval_threads=self.eval_threads
        )

    def metrics(self, probabilities: NDArray[np.float32], data: Labelled) -> dict[str, float]:
        """Return the (weighted) loss and the measures of `multi_label_report`."""
        n_labels = probabilities.shape[1]
        of_truth = np.where(data.targets[:, :n_labels], probabilities, 1 - probabilities)
        loss = mean_log_loss(of_truth, data.weights)
        predictions = np.zeros(data.targets.shape, dtype=np.bool_)
        predictions[:, :n_labels] = probabilities >= THRESHOLD
        return {"loss": loss, **multi_label_report(data.targets, predictions)}


def cross_entropy(
    probabilities: NDArray[np.float32], targets: NDArray[np.int64], weights: NDArray[np.float32] | None = None
) -> float:
    """Return the (weighted) mean cross-entropy of ``[n, n_classes]`` probabilities; finite even if one is 0."""
    return mean_log_loss(probabilities[np.arange(len(targets)), targets], weights)


def mean_log_loss(of_truth: NDArray[np.float32], weights: NDArray[np.float32] | None = None) -> float:
    """Return minus the mean logarithm of what was predicted for the truth; finite even if one is 0.

    Args:
        of_truth: ``[n]`` or ``[n, n_labels]`` probabilities.
        weights: ``[n]`` weights of the texts; None, or all 0, weighs all alike.
    """
    losses = -np.log(np.maximum(of_truth, np.finfo(np.float32).tiny))
    if weights is None or not weights.any():
        return float(losses.mean())
    return float(np.average(losses, axis=0, weights=weights).mean())


def classification_head(pooled_size: int, n_classes: int) -> nn.Linear:
    """Return a new head for a classification task on text vectors of ``pooled_size``."""
    return nn.Linear(pooled_size, n_classes)


def predict_probabilities(
    network: nn.Module,
    task: str,
    texts: Texts,
    *,
    max_length: int,
    independent: bool = False,
    eval_threads: int = 1,
) -> NDArray[np.float32]:
    """Return ``[n_texts, n_classes]`` probabilities of a classification task on texts, at least one.

    With ``independent`` each class has a probability of its own (several labels per text); else they sum to 1. The
    other arguments are those of `infer_rows`.
    """
    assert isinstance(network, Network)

    def of_batch(indices: NDArray[np.int64], device: torch.device) -> tuple[NDArray[np.int64], Tensor]:
        # In half precision (a caller's autocast), probabilities would round to 1 and not sum to 1.
        logits = network.logits(task, texts.padded(indices, max_length).to(device)).float()
        return indices, logits.sigmoid() if independent else logits.softmax(dim=1)

    return infer_rows(network, texts, of_batch, n_rows=len(texts), max_length=max_length, eval_threads=eval_threads)
