"""The primary's head fitted anew at the transition, where the vectors it reads have changed under it.

When multi-task training ends, the embedding stands: what is left is to learn the task on it. A linear head on a fixed
encoder is a convex problem of a few thousand numbers, solved in hundredths of a second, for which gradient descent
through the encoder takes tens of steps, each as dear as reading a batch forwards and backwards. So all training texts
are encoded once, without a gradient, and logistic regression finds the head; single-task training goes on from there.
(Linear probing, then fine-tuning: Kumar et al. 2022, arXiv 2202.10054, who show that it also distorts what the encoder
knows less.)
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mt2st.errors import InputError
from mt2st.network import Network
from mt2st.network.standardise import Standardise
from mt2st.tasks import ClassificationTask, MultiLabelTask, Texts
from mt2st.tasks.batch import by_length
from mt2st.tasks.labelled import EVALUATION_BATCH, evaluating
from mt2st.training.flops import counted_forward

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_ITERATIONS = 1000
SMALLEST_VARIANCE = 1e-8


@dataclass(frozen=True)
class Refit:
    """A head that was fitted anew.

    Attributes:
        parameters: those that were set.
        operations: floating-point operations that it took, the encoder's and the solver's.
        iterations: of the solver, the most of any class.
        texts: how many it was fitted on.
    """

    parameters: Sequence[Tensor]
    operations: float
    iterations: int
    texts: int


@dataclass(frozen=True)
class HeadRefit:
    """Fits the head of a task on whole texts by logistic regression on the vectors that the encoder makes of them now.

    The regression reads features of mean 0 and variance 1 over the training texts. Where the network standardises them
    itself, its running mean and variance become theirs, exactly; else the head takes the scaling in.

    Args:
        task: the task, whose training texts are fitted.
        inverse_strength: of the L2 regularisation, above 0: scikit-learn's ``C``, ``1 / (2 C) |w|^2`` beside the sum of
            the texts' losses. The smaller, the less a head follows the texts it has seen.

    Raises:
        InputError: a strength out of its range.
    """

    task: ClassificationTask | MultiLabelTask
    inverse_strength: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.inverse_strength) and self.inverse_strength > 0):
            raise InputError(f"inverse_strength must be a finite number above 0, found {self.inverse_strength!r}")

    def __call__(self, network: nn.Module) -> Refit:
        """Set the head of the network, and what standardises its features; tell what it took."""
        assert isinstance(network, Network)
        texts, targets = self.task.train.texts, self.task.train.targets
        with counted_forward(network) as counter:
            features = pooled_vectors(network, texts, max_length=self.task.max_length)
        mean, variance = features.mean(axis=0), features.var(axis=0)
        scale = 1 / np.sqrt(variance + SMALLEST_VARIANCE)
        features -= mean
        features *= scale
        if isinstance(self.task, MultiLabelTask):
            fits = [self._fit(features, targets[:, label]) for label in range(targets.shape[1])]
            weights, biases = (np.concatenate([fit[part] for fit in fits]) for part in (0, 1))
            iterations = [fit[2] for fit in fits]
        else:
            weights, biases, each = self._fit(features, targets)
            iterations = [each]
            if len(biases) == 1:  # of two classes scikit-learn has one's scores, and a head both's
                weights, biases = np.concatenate([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
        if isinstance(network.standardise, Standardise):
            network.standardise.settle(torch.from_numpy(mean), torch.from_numpy(variance))
        else:
            weights = weights * scale
            biases = biases - weights @ mean
        head = _last_layer(network.heads[self.task.name])
        _assign(head.weight, weights)
        _assign(head.bias, biases)
        # A score and its gradient are a product each in every iteration.
        solving = 4 * features.size * sum(iterations) * (1 if isinstance(self.task, MultiLabelTask) else len(biases))
        return Refit((head.weight, head.bias), counter.operations + solving, max(iterations), len(texts))

    def _fit(
        self, features: NDArray[np.float32], targets: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
        """Return ``[rows, size]`` weights, ``[rows]`` biases and the iterations; a row a class, one for two classes."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        if len(np.unique(targets)) == 1:  # a label that every text has, or none: nothing to tell apart, only how sure
            sure = np.log(2 * len(targets) + 1)
            return np.zeros((1, features.shape[1])), np.array([sure if targets[0] else -sure]), 0
        solver = LogisticRegression(C=self.inverse_strength, max_iter=MOST_ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # training goes on from here in any case
            solver.fit(features, targets)
        return solver.coef_, solver.intercept_, int(solver.n_iter_.max())


def pooled_vectors(network: Network, texts: Texts, *, max_length: int) -> NDArray[np.float32]:
    """Return ``[n_texts, pooled_size]`` vectors of texts as the encoder makes them, without dropout."""
    vectors: NDArray[np.float32] = np.empty((len(texts), network.encoder.pooled_size), dtype=np.float32)
    with evaluating(network) as device:
        for indices in by_length(np.minimum(texts.lengths, max_length), EVALUATION_BATCH):
            vectors[indices] = network.encode(texts.padded(indices, max_length).to(device)).pooled.cpu().numpy()
    return vectors


def _last_layer(head: nn.Module) -> nn.Linear:
    """Return the linear layer of a head, which a task layer may stand before (it changes nothing at the transition)."""
    return cast("nn.Linear", head[-1] if isinstance(head, nn.Sequential) else head)


@torch.no_grad()
def _assign(parameter: Tensor, values: NDArray[np.floating[Any]]) -> None:
    parameter.copy_(torch.from_numpy(values))
