"""The base class of tasks on labelled texts: classification, multi-label classification and tagging."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, Self, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from mt2st.tasks.batch import Texts, shuffled


class LabelledData(Protocol):
    """Encoded texts and their targets."""

    @property
    def texts(self) -> Texts:
        """The texts."""

    @property
    def targets(self) -> NDArray[np.generic]:
        """The targets."""

    def select(self, indices: NDArray[np.int64]) -> Self:
        """Return these texts and their targets."""


MOST_LOSS = 100.0
"""Mean cross-entropy in training that no guessing explains: the training has diverged."""

DataT = TypeVar("DataT", bound=LabelledData)
BatchT = TypeVar("BatchT")


@dataclass(frozen=True)
class LabelledTask(ABC, Generic[DataT, BatchT]):
    """A task on labelled texts, primary or auxiliary, with a head of its own on the shared encoder.

    Attributes:
        name: the task's name, and that of its head in the network.
        train: the labelled texts to learn from.
        validation: labelled texts that `evaluate` measures on, if any.
        batch_size: texts in a training batch.
        max_length: tokens per text that are read.
        eval_threads: batches evaluated at the same time, each on a thread (`mt2st.tasks.batch.infer_rows`).
        most_loss: mean loss above which the training has diverged.
    """

    most_loss: ClassVar[float] = MOST_LOSS
    name: str
    train: DataT
    validation: DataT | None = field(default=None, kw_only=True)
    batch_size: int = field(default=32, kw_only=True)
    max_length: int = field(default=256, kw_only=True)
    eval_threads: int = field(default=1, kw_only=True)

    @property
    def n_batches(self) -> int:
        """Number of batches in an epoch; the last one may be smaller."""
        return -(-len(self.train.texts) // self.batch_size)

    def batches(self, *, epoch: int, seed: int) -> Iterator[BatchT]:
        """Yield all training texts once, in an order that depends on name, epoch and seed alone."""
        return (self.batch(self.train, indices) for indices in self._batches_of_indices(epoch, seed))

    def shares(self, *, epoch: int, seed: int, numbers: range, of: int) -> Iterator[list[tuple[BatchT, float]]]:
        """Yield parts of the batches, as `mt2st.training.DividedTask` describes."""
        for indices in self._batches_of_indices(epoch, seed):
            parts, whole = [indices[number::of] for number in numbers], self.size(indices)
            yield [
                (self.batch(self.train, part if len(part) else indices[:1]), self.size(part) / whole) for part in parts
            ]

    def _batches_of_indices(self, epoch: int, seed: int) -> Iterator[NDArray[np.int64]]:
        rng = np.random.default_rng([seed, epoch, crc32(self.name.encode())])
        return shuffled(np.minimum(self.train.texts.lengths, self.max_length), self.batch_size, rng)

    def size(self, indices: NDArray[np.int64]) -> int:
        """Return how many terms the loss of these training texts is the mean of."""
        return len(indices)

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Return `measure` on the validation texts; an empty dictionary without any."""
        return {} if self.validation is None else self.measure(network, self.validation)

    @abstractmethod
    def batch(self, data: DataT, indices: NDArray[np.int64]) -> BatchT:
        """Return the texts of these indices as a batch."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: BatchT) -> Tensor:
        """Return the mean loss of a batch."""

    def measure(self, network: nn.Module, data: DataT) -> dict[str, float]:
        """Return loss and metrics on any labelled texts, at least one."""
        return self.metrics(self.probabilities(network, data), data)

    @abstractmethod
    def probabilities(self, network: nn.Module, data: DataT) -> NDArray[np.float32]:
        """Return ``[n, n_classes]``: what the network predicts of each text, or of each word."""

    @abstractmethod
    def metrics(self, probabilities: NDArray[np.float32], data: DataT) -> dict[str, float]:
        """Return loss and metrics of the predictions of labelled texts."""


def part_of(data: DataT, number: int, size: int) -> DataT:
    """Return the ``number``-th part of the texts, about ``size`` of them, evenly spread.

    The parts together are all texts; after the last one comes the first again.
    """
    n_texts = len(data.texts)
    parts = max(1, round(n_texts / size))
    return data.select(np.arange(number % parts, n_texts, parts, dtype=np.int64))
