"""Text classification with any number of labels per text, as primary or auxiliary task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mt2st.evaluation.classification import multi_label_report
from mt2st.network import Network
from mt2st.tasks.batch import TextBatch, Texts
from mt2st.tasks.classification import predict_probabilities
from mt2st.tasks.labelled import LabelledTask

THRESHOLD = 0.5
"""A label is predicted from this probability on: more likely than not."""


@dataclass(frozen=True)
class MultiLabelled:
    """Encoded texts and the labels of each.

    Attributes:
        texts: ``n`` texts.
        targets: ``[n, n_labels]``, true where a text has a label. Data to measure on may have further columns, for
            labels that the task does not know.
        weights: ``[n]`` weights of the texts in the loss, 1 on average; None weighs all alike.
    """

    texts: Texts
    targets: NDArray[np.bool_]
    weights: NDArray[np.float32] | None = None

    def select(self, indices: NDArray[np.int64]) -> MultiLabelled:
        """Return these texts with their labels."""
        weights = None if self.weights is None else self.weights[indices]
        return MultiLabelled(self.texts.select(indices), self.targets[indices], weights)


@dataclass(frozen=True)
class MultiLabelTask(LabelledTask[MultiLabelled, TextBatch]):
    """Binary cross-entropy of each label, on the pooled vector of the shared encoder.

    The head is that of a classification task (`mt2st.tasks.classification.classification_head`); the attributes are
    those of `LabelledTask`.
    """

    def batch(self, data: MultiLabelled, indices: NDArray[np.int64]) -> TextBatch:
        """Return the texts of these indices and their labels, as 0 and 1."""
        targets = torch.from_numpy(data.targets[indices].astype(np.float32))
        weights = None if data.weights is None else torch.from_numpy(data.weights[indices])
        return TextBatch(data.texts.padded(indices, self.max_length), targets, weights)

    def loss(self, network: nn.Module, batch: TextBatch) -> Tensor:
        """Return the (weighted) binary cross-entropy of a batch: mean over texts and labels, summed over parts."""
        assert isinstance(network, Network)
        scores = network.scores(self.name, batch.ids)
        weights = None if batch.weights is None else batch.weights.unsqueeze(1)
        losses = [functional.binary_cross_entropy_with_logits(each, batch.targets, weight=weights) for each in scores]
        return torch.stack(losses).sum()

    def probabilities(self, network: nn.Module, data: MultiLabelled) -> NDArray[np.float32]:
        """Return that of each label of each text, by itself."""
        return predict_probabilities(
            network, self.name, data.texts, max_length=self.max_length, independent=True, eval_threads=self.eval_threads
        )

    def metrics(self, probabilities: NDArray[np.float32], data: MultiLabelled) -> dict[str, float]:
        """Return the loss and the measures of `MultiLabelReport`."""
        n_labels = probabilities.shape[1]
        of_truth = np.where(data.targets[:, :n_labels], probabilities, 1 - probabilities)
        loss = -float(np.mean(np.log(np.maximum(of_truth, np.finfo(np.float32).tiny))))
        predictions = np.zeros(data.targets.shape, dtype=np.bool_)
        predictions[:, :n_labels] = probabilities >= THRESHOLD
        return {"loss": loss, **multi_label_report(data.targets, predictions).as_dict()}
