"""GloVe's co-occurrences as an auxiliary task: compiled AdaGrad steps in the shared embedding's own memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mt2st.errors import InputError
from mt2st.training.task import EpochSlice

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import Cooccurrences
    from mt2st.embedding.glove.tables import GloveTables
    from mt2st.embedding.glove.targets import TargetSlice

MOST_LAPS = 1 << 12
"""Passes an epoch may have: each needs an order of its own."""

OPERATIONS = 6
"""Floating-point operations of a co-occurrence in each dimension: a product, and a step of each of the two vectors."""


class GloveTask:
    """Fit word vectors to the logarithms of co-occurrence counts (GloVe), to shape the shared embedding.

    As `mt2st.tasks.ContextTask`, it makes steps of its own straight in the embedding's memory, scaled by the strategy's
    weight: the embedding is W of `mt2st.embedding.glove.tables.update`, which states loss and step. Context vectors,
    biases and AdaGrad's sums of squares are the task's own. The sums of squares know its own steps alone, not those
    that torch makes on the same table.

    Args:
        cooccurrences: at least one (`mt2st.embedding.glove.counting.count_cooccurrences`, or `Cooccurrences.loaded`).
        vector_size: columns of the embedding.
        name: name of the task.
        learning_rate: of AdaGrad, above 0.
        x_max: the count from which on a pair has its full weight, above 0.
        alpha: exponent of the weight below, at least 0.
        passes: passes over the co-occurrences in one epoch of the primary task, above 0, at most 4096; may be a
            fraction, then each epoch has another part of them.
        memory: bytes for the co-occurrences held at a time.
        seed: of the first context vectors; any integer.
        seconds_before: what counting the co-occurrences took.

    Attributes:
        operations: floating-point operations so far: for each co-occurrence a product of two vectors and a step of
            both, 6 a dimension. (AdaGrad's sums of squares are not counted.)
        seconds_before: what counting the co-occurrences took; the trainer counts it as training, for single-task
            training does without.

    Raises:
        InputError: when there are no co-occurrences, or a number is out of its range.
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
        from mt2st.embedding.glove.tables import GloveTables  # numba loads only when something is trained
        from mt2st.embedding.glove.targets import TargetSource

        if not (np.isfinite(learning_rate) and learning_rate > 0):
            raise InputError(f"learning_rate must be a finite number above 0, found {learning_rate!r}")
        if not 0 < passes <= MOST_LAPS:
            raise InputError(f"passes must be a number above 0 and at most {MOST_LAPS}, found {passes!r}")
        self.name = name
        self.learning_rate, self.passes = learning_rate, passes
        self._source = TargetSource(cooccurrences, x_max=x_max, alpha=alpha, memory=memory, seed=seed)
        start = GloveTables.fresh(cooccurrences.vocabulary_size, vector_size, seed).arrays()
        del start["words"]  # the shared embedding takes their place
        self.learned = start
        self.operations, self.seconds_before = 0.0, seconds_before

    def compile(self) -> None:
        """Compile the kernel, or load it from the compiler's cache, so that the first step is not charged with it."""
        from mt2st.embedding.glove.counting import ENTRY, Cooccurrences
        from mt2st.embedding.glove.tables import GloveTables, update
        from mt2st.embedding.glove.targets import TargetSource

        source = TargetSource(Cooccurrences(np.array([(0, 0, 1.0)], dtype=ENTRY), 1, 1))
        for chosen in source.slices(0, 0, source.size):
            update(GloveTables.fresh(1, self.learned["contexts"].shape[1], seed=1), chosen, rate=0.0)

    def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
        """Train on the slice's co-occurrences in place, as `KernelTask.update` describes.

        Raises:
            InputError: when the table is not float32 on the CPU, or of another shape; or the training has diverged.
        """
        from mt2st.embedding.glove.tables import GloveReport, update

        tables, report = self.tables(table), GloveReport()
        for chosen in self.slices(epoch_slice):
            report += update(tables, chosen, rate=self.learning_rate, weight=weight)
        self.operations += OPERATIONS * report.entries * table.shape[1]
        return report.mean_loss

    def tables(self, table: Tensor) -> GloveTables:
        """Return the task's tables around the embedding, whose memory they share.

        Raises:
            InputError: when the table is not float32 on the CPU, or of another shape.
        """
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
        """Yield the stretches of random orders that belong to an epoch slice; an epoch's passes each have an order."""
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
