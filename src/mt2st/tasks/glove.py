"""GloVe as an auxiliary task: compiled AdaGrad steps in the shared embedding's own memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mt2st.errors import InputError
from mt2st.strategy.parameters import positive
from mt2st.training.task import EpochSlice

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import Cooccurrences
    from mt2st.embedding.glove.tables import GloveTables, TargetSlice

MOST_LAPS = 1 << 12
"""Largest number of passes per epoch: each has an order of its own."""

OPERATIONS = 6
"""Floating-point operations per co-occurrence and dimension: a product, and a step of each of the two vectors."""


class GloveTask:
    """Fit word vectors to the logarithms of co-occurrence counts (GloVe), to shape the shared embedding.

    Like `mt2st.tasks.ContextTask`, it updates the embedding's memory itself, scaled by the strategy's weight. The
    embedding is the table W of `mt2st.embedding.glove`, which states loss and step. Context vectors, biases and
    AdaGrad's sums of squares belong to the task; the sums do not include torch's steps on the same table.

    Args:
        cooccurrences: at least one (`mt2st.embedding.glove.counting.count_cooccurrences`).
        vector_size: columns of the embedding.
        name: name of the task.
        learning_rate: AdaGrad's learning rate, above 0.
        x_max: co-occurrence count at which a pair gets full weight, above 0.
        alpha: exponent of the weight below ``x_max``, at least 0.
        passes: passes over the co-occurrences per epoch of the primary task, above 0 and at most 4096. With a fraction,
            each epoch has a different part of them.
        memory: bytes for the co-occurrences held at a time.
        seed: seed of the first context vectors, any integer.
        seconds_before: seconds that counting the co-occurrences took.

    Attributes:
        operations: floating-point operations so far: for each co-occurrence a product of two vectors and a step of
            both, 6 per dimension. (AdaGrad's sums of squares are not counted.)
        seconds_before: seconds that counting took. The trainer counts them as training time, since single-task training
            does not need them.
        rate: the learning rate, without the strategy's weight.
        most_loss: mean loss above which the training has diverged; known once the task is compiled.

    Raises:
        InputError: there are no co-occurrences, or a number is out of its range.
    """

    def __init__(
        self,
        cooccurrences: Cooccurrences,
        vector_size: int,
        *,
        name: str = "context",
        learning_rate: float = 0.05,
        x_max: float = 100.0,
        alpha: float = 0.75,
        passes: float = 1.0,
        memory: int = 1 << 30,
        seed: int = 1,
        seconds_before: float = 0.0,
    ) -> None:
        from mt2st.embedding.glove.tables import (
            GloveTables,  # numba loads only when something is trained
            TargetSource,
        )

        positive("learning_rate", learning_rate)
        if not 0 < passes <= MOST_LAPS:
            raise InputError(f"passes must be a number above 0 and at most {MOST_LAPS}, found {passes!r}")
        self.name = name
        self.rate, self.passes = learning_rate, passes
        self._source = TargetSource(cooccurrences, x_max=x_max, alpha=alpha, memory=memory, seed=seed)
        start = GloveTables.fresh(cooccurrences.vocabulary_size, vector_size, seed).arrays()
        del start["words"]  # the shared embedding takes their place
        self.learned = start
        self.operations, self.seconds_before, self.most_loss = 0.0, seconds_before, math.inf

    def compile(self) -> None:
        """Compile the kernel or load it from the cache, so that this time is not part of the first step."""
        from mt2st.embedding.glove.counting import ENTRY, Cooccurrences
        from mt2st.embedding.glove.tables import GloveReport, GloveTables, TargetSource, update
        from mt2st.embedding.glove.training import DIVERGED, JOB_ENTRIES, SMALLEST_START

        source = TargetSource(Cooccurrences(np.array([(0, 0, 1.0)], dtype=ENTRY), 1, 1))
        for chosen in source.slices(0, 0, source.size):
            update(GloveTables.fresh(1, self.learned["contexts"].shape[1], seed=1), chosen, rate=0.0)
        vocabulary_size, vector_size = self.learned["contexts"].shape
        untrained = GloveTables.fresh(vocabulary_size, vector_size, seed=1)
        some = self._source.slices(0, 0, min(JOB_ENTRIES, self._source.size))
        start = sum((update(untrained, part, rate=0.0) for part in some), GloveReport()).mean_loss
        self.most_loss = DIVERGED * max(start, SMALLEST_START)

    def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
        """Train on the slice's co-occurrences in place, as `KernelTask.update` describes.

        Raises:
            InputError: when the table is not float32 on the CPU, or of another shape; or the training has diverged.
        """
        from mt2st.embedding.glove.tables import GloveReport, update

        tables, report = self.tables(table), GloveReport()
        for chosen in self.slices(epoch_slice):
            report += update(tables, chosen, rate=self.rate, weight=weight)
        self.operations += OPERATIONS * report.entries * table.shape[1]
        return report.mean_loss

    def tables(self, table: Tensor) -> GloveTables:
        """Return the task's tables around the embedding, whose memory they share."""
        from mt2st.embedding.glove.tables import GloveTables

        if table.device.type != "cpu" or table.dtype != torch.float32:
            raise InputError(
                f"the compiled GloVe task writes into float32 memory of the CPU, found {table.dtype} on {table.device}"
            )
        shape = self.learned["contexts"].shape
        if table.shape != shape:
            raise InputError(f"the task was made for an embedding of shape {list(shape)}, found {list(table.shape)}")
        return GloveTables(words=table.detach().numpy(), **self.learned)

    def slices(self, epoch_slice: EpochSlice) -> Iterator[TargetSlice]:
        """Yield the co-occurrences of an epoch slice; each pass has a random order of its own."""
        size = self._source.size
        total = round(size * self.passes)
        begin, end = (total * part // epoch_slice.parts for part in (epoch_slice.part, epoch_slice.part + 1))
        while begin < end:
            lap = begin // size
            stop = min(end, (lap + 1) * size)
            order = ((epoch_slice.seed % 2**64) << 64) | (epoch_slice.epoch * MOST_LAPS + lap)
            yield from self._source.slices(order, begin - lap * size, stop - lap * size)
            begin = stop

    def state_dict(self) -> dict[str, Tensor]:
        """Return the context vectors, the biases and AdaGrad's sums of squares."""
        return {name: torch.from_numpy(array) for name, array in self.learned.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore them."""
        for name, array in self.learned.items():
            array[:] = state[name].numpy()
