"""A linear probe: the primary's head, fitted by logistic regression at the transition.

When multi-task training ends, the embedding is trained; what is left is to learn the task on it. A linear head on a
fixed encoder is a convex problem with a few thousand parameters. Gradient descent through the encoder needs tens of
steps for it, each as expensive as a forward and a backward pass. The probe encodes the training texts (or some of them)
once, without gradients, and fits the head on these vectors; single-task training goes on from there. Linear probing
before fine-tuning also distorts the encoder less (Kumar et al. 2022, arXiv 2202.10054).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mt2st.errors import InputError
from mt2st.network import Network
from mt2st.network.network import SMALLEST_VARIANCE, Standardise
from mt2st.tasks import ClassificationTask, MultiLabelTask, Texts
from mt2st.tasks.batch import infer_rows
from mt2st.training.flops import counted_forward
from mt2st.training.transition import FittedHead

MOST_ITERATIONS = 1000


class Solution(NamedTuple):
    """A logistic regression: ``[rows, size]`` weights and ``[rows]`` biases, a row a class, or one for two classes."""

    weights: NDArray[np.float64]
    biases: NDArray[np.float64]
    iterations: int = 0
    converged: bool = True


@dataclass(frozen=True)
class LinearProbe:
    """Fits the head of a task by logistic regression on the vectors that the encoder makes of whole texts.

    It takes about as long as an evaluation on the texts it reads, and ``n_texts * pooled_size`` float64 of memory. The
    features are standardised to mean 0 and variance 1 over these texts. If the network standardises features itself,
    its running mean and variance are set to these values, and later batches update them; otherwise the scaling becomes
    part of the head.

    Args:
        task: the task; its training texts are used.
        inverse_strength: inverse strength of the L2 regularisation, above 0: scikit-learn's ``C``, which adds
            ``1 / (2 C) |w|^2`` to the sum of the losses. Smaller values fit the training texts less closely.
        most_texts: number of texts to use, at least one for each class; None for all. They are drawn in proportion to
            the classes; with several labels, each label that occurs is included as far as possible. Fewer texts mean
            stronger regularisation.
        seed: seed of the draw.

    Raises:
        InputError: a number is out of its range, or a class has no text.
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
                f"{self.most_texts} texts are too few to fit the head of '{self.task.name}': it needs {needed}"
            )
        if isinstance(self.task, ClassificationTask):
            found = len(np.unique(self.task.train.targets))
            if found < self.task.n_classes:
                raise InputError(
                    f"the head of '{self.task.name}' cannot be fitted: only {found} of its "
                    f"{self.task.n_classes} classes have a text to learn from"
                )
        import sklearn.linear_model  # noqa: F401  # now, so that the training's clock is not charged with it

    def __call__(self, module: nn.Module) -> FittedHead:
        """Set the network's head and the scaling of its features.

        Raises:
            InputError: the encoder's vectors are not finite any more.
        """
        assert isinstance(module, Network)
        network = module
        data = self.task.train.select(self._drawn()) if self.most_texts is not None else self.task.train
        texts, targets = data.texts, data.targets
        with counted_forward(network) as counter:
            vectors = pooled_vectors(
                network, texts, max_length=self.task.max_length, eval_threads=self.task.eval_threads
            )
        features = vectors.astype(np.float64)
        mean, variance = features.mean(axis=0), features.var(axis=0)
        if not np.isfinite(variance).all():
            raise InputError(
                f"the training has diverged: the encoder's vectors are not finite when the head of "
                f"'{self.task.name}' is fitted; choose smaller learning rates, or a clip_norm"
            )
        scale = 1 / np.sqrt(variance + SMALLEST_VARIANCE)
        features -= mean
        features *= scale
        columns = targets.T if isinstance(self.task, MultiLabelTask) else [targets]
        solutions = [self._solved(features, column, data.weights) for column in columns]
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
            # Sorted by the fraction of its class before a text: each batch then holds all classes in proportion.
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

    def _solved(
        self, features: NDArray[np.float64], targets: NDArray[Any], weights: NDArray[np.float32] | None
    ) -> Solution:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        if len(np.unique(targets)) == 1:  # a label that every text has, or none: nothing to tell apart, only how sure
            sure = np.log(2 * len(targets) + 1)
            return Solution(np.zeros((1, features.shape[1])), np.array([sure if targets[0] else -sure]))
        solver = LogisticRegression(C=self.inverse_strength, max_iter=MOST_ITERATIONS)
        with warnings.catch_warnings(record=True) as caught:  # training goes on from here in any case
            warnings.simplefilter("always", ConvergenceWarning)
            solver.fit(features, targets, sample_weight=weights)
        converged = not any(issubclass(each.category, ConvergenceWarning) for each in caught)
        return Solution(solver.coef_, solver.intercept_, int(solver.n_iter_.max()), converged)


def pooled_vectors(network: Network, texts: Texts, *, max_length: int, eval_threads: int = 1) -> NDArray[np.float32]:
    """Return ``[n_texts, pooled_size]`` vectors of texts as the encoder makes them, without dropout."""

    def of_batch(indices: NDArray[np.int64], device: torch.device) -> tuple[NDArray[np.int64], Tensor]:
        return indices, network.encode(texts.padded(indices, max_length).to(device)).pooled

    return infer_rows(network, texts, of_batch, n_rows=len(texts), max_length=max_length, eval_threads=eval_threads)


def _last_layer(head: nn.Module) -> nn.Linear:
    """Return the linear layer of a head, which a task layer may stand before (it changes nothing at the transition)."""
    return cast("nn.Linear", head[-1] if isinstance(head, nn.Sequential) else head)


@torch.no_grad()
def _assign(parameter: Tensor, values: NDArray[np.float64]) -> None:
    parameter.copy_(torch.from_numpy(values))
