"""The primary's head fitted anew at the transition, where the vectors it reads have changed under it.

When multi-task training ends, the embedding stands: what is left is to learn the task on it. A linear head on a fixed
encoder is a convex problem of a few thousand numbers, for which gradient descent through the encoder takes tens of
steps, each as dear as reading a batch forwards and backwards. So the training texts, or a part of them, are encoded
once, without a gradient, and logistic regression finds the head; single-task training goes on from there. (Linear
probing, then fine-tuning: Kumar et al. 2022, arXiv 2202.10054, who show that fine-tuning then also distorts less of
what the encoder knows.)
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mt2st.errors import InputError
from mt2st.network import Network
from mt2st.network.standardise import SMALLEST_VARIANCE, Standardise
from mt2st.tasks import ClassificationTask, MultiLabelTask, Texts
from mt2st.tasks.reading import read_rows
from mt2st.training.flops import counted_forward

MOST_ITERATIONS = 1000


@dataclass(frozen=True)
class FittedHead:
    """A head that was fitted anew.

    Attributes:
        parameters: those that were set.
        texts, iterations, converged, operations: as for `mt2st.training.Refit`.
    """

    parameters: Sequence[Tensor]
    texts: int
    iterations: int
    converged: bool
    operations: float


class Solution(NamedTuple):
    """A logistic regression: ``[rows, size]`` weights and ``[rows]`` biases, a row a class, or one for two classes."""

    weights: NDArray[np.float64]
    biases: NDArray[np.float64]
    iterations: int = 0
    converged: bool = True


@dataclass(frozen=True)
class HeadRefit:
    """Fits the head of a task on whole texts by logistic regression on the vectors that the encoder makes of them now.

    It takes about as long as to measure on the texts it reads, and ``n_texts * pooled_size`` numbers of memory in
    double precision. The regression reads features of mean 0 and variance 1 over these texts. Where the network
    standardises them itself, its running mean and variance become theirs, exactly, and go on from there with the
    batches (which have dropout in them); else the head takes the scaling in.

    Args:
        task: the task, whose training texts are fitted.
        inverse_strength: of the L2 regularisation, above 0: scikit-learn's ``C``, ``1 / (2 C) |w|^2`` beside the sum of
            the texts' losses. The smaller, the less a head follows the texts it has seen.
        most_texts: that are read, at least one for each class; None for all. They are drawn so that each class has
            its share; of texts with several labels so that each label that occurs has one, as far as they go. The
            strength goes with their number: half the texts say as much with twice the strength.
        seed: of the draw.

    Raises:
        InputError: a number out of its range, or a class without a text.
    """

    task: ClassificationTask | MultiLabelTask
    inverse_strength: float
    most_texts: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.inverse_strength) and self.inverse_strength > 0):
            raise InputError(f"inverse_strength must be a finite number above 0, found {self.inverse_strength!r}")
        least = self.task.n_classes if isinstance(self.task, ClassificationTask) else 1
        if self.most_texts is not None and self.most_texts < least:
            needed = f"one of each of its {least} classes" if least > 1 else "one at least"
            raise InputError(
                f"{self.most_texts} texts are too few to fit the head of '{self.task.name}' anew: it needs {needed}"
            )
        if isinstance(self.task, ClassificationTask):
            found = len(np.unique(self.task.train.targets))
            if found < self.task.n_classes:
                raise InputError(
                    f"the head of '{self.task.name}' cannot be fitted anew: of its {self.task.n_classes} classes only "
                    f"{found} have a text to learn from"
                )
        import sklearn.linear_model  # noqa: F401  # now, so that the training's clock is not charged with it

    def __call__(self, network: nn.Module) -> FittedHead:
        """Set the head of the network, and what standardises its features; tell what it took.

        Raises:
            InputError: when the encoder's vectors are no finite numbers any more.
        """
        assert isinstance(network, Network)
        data = self.task.train.select(self._drawn()) if self.most_texts is not None else self.task.train
        texts, targets = data.texts, data.targets
        with counted_forward(network) as counter:
            vectors = pooled_vectors(network, texts, max_length=self.task.max_length, readers=self.task.readers)
        features = vectors.astype(np.float64)
        mean, variance = features.mean(axis=0), features.var(axis=0)
        if not np.isfinite(variance).all():
            raise InputError(
                f"the training has diverged: when the head of '{self.task.name}' was to be fitted anew, the encoder's "
                "vectors of the texts were no finite numbers any more; choose smaller learning rates, or a clip_norm"
            )
        scale = 1 / np.sqrt(variance + SMALLEST_VARIANCE)
        features -= mean
        features *= scale
        columns = targets.T if isinstance(self.task, MultiLabelTask) else [targets]
        solutions = [self._solved(features, column) for column in columns]
        weights = np.concatenate([each.weights for each in solutions])
        biases = np.concatenate([each.biases for each in solutions])
        # A score and its gradient are a product each in every iteration.
        solving = sum(4 * features.size * len(each.biases) * each.iterations for each in solutions)
        if isinstance(self.task, ClassificationTask) and len(biases) == 1:
            # Of two classes scikit-learn has one's scores, and a head both's.
            weights, biases = np.concatenate([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
        if isinstance(network.standardise, Standardise):
            network.standardise.settle(torch.from_numpy(mean), torch.from_numpy(variance))
        else:
            weights = weights * scale
            biases = biases - weights @ mean
        head = _last_layer(network.heads[self.task.name])
        _assign(head.weight, weights)
        _assign(head.bias, biases)
        return FittedHead(
            (head.weight, head.bias),
            len(texts),
            max(each.iterations for each in solutions),
            all(each.converged for each in solutions),
            counter.operations + solving,
        )

    def _drawn(self) -> NDArray[np.int64]:
        """Return the texts to read, in their order."""
        targets = self.task.train.targets
        order = np.random.default_rng(self.seed).permutation(len(targets))
        if isinstance(self.task, ClassificationTask):
            # By which part of its class has come when a text does: so the classes take turns, each at its own pace.
            before = np.empty(len(order))
            for label in np.unique(targets):
                of_class = np.flatnonzero(targets[order] == label)
                before[of_class] = np.arange(len(of_class)) / len(of_class)
            order = order[np.argsort(before, kind="stable")]
        else:
            having = targets[order]
            firsts = np.unique(having.argmax(axis=0)[having.any(axis=0)])
            order = np.concatenate([order[firsts], np.delete(order, firsts)])
        return np.sort(order[: self.most_texts])

    def _solved(self, features: NDArray[np.float64], targets: NDArray[Any]) -> Solution:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        if len(np.unique(targets)) == 1:  # a label that every text has, or none: nothing to tell apart, only how sure
            sure = np.log(2 * len(targets) + 1)
            return Solution(np.zeros((1, features.shape[1])), np.array([sure if targets[0] else -sure]))
        solver = LogisticRegression(C=self.inverse_strength, max_iter=MOST_ITERATIONS)
        with warnings.catch_warnings(record=True) as caught:  # training goes on from here in any case
            warnings.simplefilter("always", ConvergenceWarning)
            solver.fit(features, targets)
        converged = not any(issubclass(each.category, ConvergenceWarning) for each in caught)
        return Solution(solver.coef_, solver.intercept_, int(solver.n_iter_.max()), converged)


def pooled_vectors(network: Network, texts: Texts, *, max_length: int, readers: int = 1) -> NDArray[np.float32]:
    """Return ``[n_texts, pooled_size]`` vectors of texts as the encoder makes them, without dropout."""

    def of_batch(indices: NDArray[np.int64], device: torch.device) -> tuple[NDArray[np.int64], Tensor]:
        return indices, network.encode(texts.padded(indices, max_length).to(device)).pooled

    return read_rows(network, texts, of_batch, n_rows=len(texts), max_length=max_length, readers=readers)


def _last_layer(head: nn.Module) -> nn.Linear:
    """Return the linear layer of a head, which a task layer may stand before (it changes nothing at the transition)."""
    return cast("nn.Linear", head[-1] if isinstance(head, nn.Sequential) else head)


@torch.no_grad()
def _assign(parameter: Tensor, values: NDArray[np.float64]) -> None:
    parameter.copy_(torch.from_numpy(values))
