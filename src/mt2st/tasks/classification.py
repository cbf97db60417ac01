"""Text classification with one label per text, as primary or auxiliary task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mt2st.evaluation import classification_report
from mt2st.network import Network
from mt2st.tasks.batch import TextBatch, Texts
from mt2st.tasks.inference import infer_rows
from mt2st.tasks.labelled import LabelledTask


@dataclass(frozen=True)
class Labelled:
    """Encoded texts and the class number of each.

    Attributes:
        texts: ``n`` texts.
        targets: ``[n]`` class numbers from 0.
        weights: ``[n]`` weights of the texts in the loss, 1 on average; None weighs all alike.
    """

    texts: Texts
    targets: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None

    def select(self, indices: NDArray[np.int64]) -> Labelled:
        """Return these texts with their labels."""
        weights = None if self.weights is None else self.weights[indices]
        return Labelled(self.texts.select(indices), self.targets[indices], weights)


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
        weights = None if data.weights is None else torch.from_numpy(data.weights[indices])
        return TextBatch(data.texts.padded(indices, self.max_length), torch.from_numpy(data.targets[indices]), weights)

    def loss(self, network: nn.Module, batch: TextBatch) -> Tensor:
        """Return the (weighted) mean cross-entropy of a batch, summed over the parts of the classifier."""
        assert isinstance(network, Network)
        scores = network.scores(self.name, batch.ids)
        if batch.weights is None:
            return torch.stack([functional.cross_entropy(each, batch.targets) for each in scores]).sum()
        each_text = [functional.cross_entropy(each, batch.targets, reduction="none") for each in scores]
        return (torch.stack(each_text).sum(dim=0) * batch.weights).mean()

    def probabilities(self, network: nn.Module, data: Labelled) -> NDArray[np.float32]:
        """Return those of the classes of each text."""
        return predict_probabilities(
            network, self.name, data.texts, max_length=self.max_length, eval_threads=self.eval_threads
        )

    def metrics(self, probabilities: NDArray[np.float32], data: Labelled) -> dict[str, float]:
        """Return loss, accuracy, and averaged precision, recall and F1."""
        report = classification_report(data.targets, probabilities.argmax(axis=1), self.n_classes)
        return {"loss": cross_entropy(probabilities, data.targets), **report.as_dict()}


def cross_entropy(probabilities: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """Return the mean cross-entropy of ``[n, n_classes]`` probabilities; finite even if one is 0."""
    of_truth = probabilities[np.arange(len(targets)), targets]
    return -float(np.mean(np.log(np.maximum(of_truth, np.finfo(np.float32).tiny))))


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
    """Return ``[n_texts, n_classes]`` probabilities of a classification task.

    Args:
        network: the network; put in evaluation mode for the call and back after it.
        task: name of the task's head.
        texts: at least one text.
        max_length: tokens per text that are read.
        independent: give each class a probability of its own (several labels per text); else they sum to 1.
        eval_threads: as for `infer_rows`.
    """
    assert isinstance(network, Network)

    def of_batch(indices: NDArray[np.int64], device: torch.device) -> tuple[NDArray[np.int64], Tensor]:
        # In half precision (a caller's autocast), probabilities would round to 1 and not sum to 1.
        logits = network.logits(task, texts.padded(indices, max_length).to(device)).float()
        return indices, logits.sigmoid() if independent else logits.softmax(dim=1)

    return infer_rows(network, texts, of_batch, n_rows=len(texts), max_length=max_length, eval_threads=eval_threads)
