"""Word context as an auxiliary task that writes into the shared embedding's own memory, without autograd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt2st.embedding.training import most_loss
from mt2st.errors import InputError
from mt2st.strategy.parameters import positive
from mt2st.tasks.batch import Texts
from mt2st.tasks.batched_context import BatchedContext
from mt2st.training.task import EpochSlice, RunParallel, in_turn

if TYPE_CHECKING:
    from mt2st.embedding.kernels.context import ContextKernel

PIECE = 65536
"""Tokens per call of the kernel, about, if a step has more than one and a half times as many: some 10 ms of CBOW in
large blocks, or 100 ms of Skip-gram, which two threads can share."""
COMPILED_ON = ("cpu",)
"""Types of devices into whose memory the compiled kernels write; elsewhere torch computes (`BatchedContext`)."""
MIN_ALPHA = 1e-4
"""word2vec's final learning rate."""
OPERATIONS = 6
"""Floating-point operations per pair of words and dimension: a product, and a step of each of the two vectors."""


def least_rate(alpha: float, min_alpha: float | None) -> float:
    """Return the final learning rate: the one given, or word2vec's, but not above the first."""
    return min(MIN_ALPHA, alpha) if min_alpha is None else min_alpha


class ContextTask:
    """Predict words from their neighbours (Skip-gram or CBOW) on unlabelled text, to shape the shared embedding.

    The task needs no autograd. A compiled kernel makes plain gradient steps with a learning rate of its own in the
    embedding's memory, several hundred thousand words per second, scaled by the strategy's weight as in eq. 3:
    ``theta <- theta - alpha(t) * weight(t) * grad L_context``. Where the embedding is not in the CPU's memory,
    `BatchedContext` makes the same steps there.

    Args:
        texts: the unlabelled corpus.
        kernel: the context kernel for the vocabulary's counts; its `input_rows` are the embedding's.
        vector_size: columns of the embedding.
        name: name of the task.
        alpha: first learning rate, above 0.
        passes: passes over the corpus per epoch of the primary task, above 0; may be a fraction.
        min_alpha: final learning rate, from 0 to ``alpha``; None is word2vec's 0.0001. The rate falls linearly over the
            time for which the task is on, so its vectors have settled when it goes off. At ``alpha`` it is constant.

    Attributes:
        rate: the learning rate after the last update, without the strategy's weight.
        most_loss: mean loss above which the training has diverged, by the words that were read so far.
        operations: floating-point operations of the objective so far: for each pair and each of its ``negative`` noise
            words a product of two vectors and a step of both, 6 per dimension. (The kernel shares noise words between
            pairs. Means of contexts and element-wise work are not counted.)

    Raises:
        InputError: the corpus has no text, or a number is out of its range.
    """

    def __init__(
        self,
        texts: Texts,
        kernel: ContextKernel,
        vector_size: int,
        *,
        name: str = "context",
        alpha: float = 0.05,
        passes: float = 1.0,
        min_alpha: float | None = None,
    ) -> None:
        if texts.offsets[-1] == 0:
            raise InputError(f"the auxiliary task '{name}' needs unlabelled text, found none")
        positive("alpha", alpha)
        positive("passes", passes)
        if round(texts.offsets[-1] * passes) < 1:
            raise InputError(
                f"{passes} passes over the {texts.offsets[-1]:,} words of the auxiliary task '{name}' are not a word "
                "in an epoch: choose more"
            )
        min_alpha = least_rate(alpha, min_alpha)
        if not 0 <= min_alpha <= alpha:
            raise InputError(f"min_alpha must be from 0 to alpha ({alpha}), found {min_alpha!r}")
        self.name = name
        self.texts, self.kernel = texts, kernel
        self.alpha, self.passes, self.min_alpha = alpha, passes, min_alpha
        self.operations = 0.0
        self.rate = alpha
        self.most_loss = most_loss(kernel.negative, 0)
        self.outputs = np.zeros((kernel.vocabulary_size, vector_size), dtype=np.float32)
        self._batched: tuple[BatchedContext, Tensor] | None = None
        """What updates an embedding on another device, and the output table there, which then replaces `outputs`."""

    def compile(self) -> None:
        """Compile the kernel or load it from the cache, so that this time is not part of the first step."""
        self.kernel.compile(self.outputs.shape[1])

    def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
        """Train on the slice's documents in place, as `KernelTask.update` describes.

        Raises:
            InputError: as `update_shared`.
        """
        return self.update_shared(table, weight=weight, epoch_slice=epoch_slice, run_parallel=in_turn)

    def update_shared(
        self, table: Tensor, *, weight: float, epoch_slice: EpochSlice, run_parallel: RunParallel
    ) -> float:
        """Train on the slice's documents in place, as `SharedKernelTask.update_shared` describes.

        Raises:
            InputError: when the table is not float32.
        """
        if table.dtype != torch.float32:
            raise InputError(
                f"the context task writes into float32 memory, found {table.dtype} on {table.device}: "
                "train the module there in float32"
            )
        self.rate = self._rate(epoch_slice.elapsed[1])
        done = epoch_slice.epoch - 1 + (epoch_slice.part + 1) / epoch_slice.parts
        self.most_loss = most_loss(self.kernel.negative, done * self.passes * int(self.texts.offsets[-1]))
        slices = list(self.slices(epoch_slice))
        rates = self._rates(epoch_slice, [int(offsets[-1] - offsets[0]) for offsets in slices])
        streams = [stream_of(epoch_slice, number) for number in range(len(slices))]
        if table.device.type in COMPILED_ON:
            update = partial(self.kernel.update, table.detach().numpy(), self.outputs, self.texts.ids)
            reports = run_parallel(
                [
                    partial(update, offsets, alpha=rate, weight=weight, stream=stream)
                    for offsets, rate, stream in zip(slices, rates, streams, strict=True)
                ]
            )
            loss, pairs = sum(each.loss for each in reports), sum(each.pairs for each in reports)
        else:
            batched, outputs = self._on(table.device)
            totals = [
                batched.update(table.detach(), outputs, offsets, alpha=rate, weight=weight, stream=stream)
                for offsets, rate, stream in zip(slices, rates, streams, strict=True)
            ]
            loss, pairs = torch.stack(totals).sum(dim=0).tolist() if totals else (0.0, 0)
        self.operations += OPERATIONS * pairs * (1 + self.kernel.negative) * self.outputs.shape[1]
        return loss / pairs if pairs else float("nan")

    def _on(self, device: torch.device) -> tuple[BatchedContext, Tensor]:
        if self._batched is None or self._batched[1].device != device:
            made = BatchedContext(self.kernel, self.texts.ids, device)
            self._batched = made, torch.from_numpy(self.outputs).to(device)
        return self._batched

    def _rates(self, epoch_slice: EpochSlice, sizes: Sequence[int]) -> list[tuple[float, float]]:
        """Return the learning rates at the beginning and the end of each run of documents, by its number of tokens."""
        first, last = map(self._rate, epoch_slice.elapsed)
        total = max(1, sum(sizes))
        return list(pairwise(first + (last - first) * read / total for read in accumulate(sizes, initial=0)))

    def _rate(self, elapsed: float) -> float:
        return self.alpha - (self.alpha - self.min_alpha) * elapsed

    def slices(self, epoch_slice: EpochSlice) -> Iterator[NDArray[np.int64]]:
        """Yield the runs of documents of an epoch slice: ``[m + 1]`` bounds in the corpus for ``m`` documents."""
        yield from document_runs(self.texts.offsets, epoch_slice, self.passes)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the output table."""
        return {"outputs": torch.from_numpy(self.outputs) if self._batched is None else self._batched[1]}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore the output table."""
        if self._batched is not None:
            self._batched[1].copy_(state["outputs"])
        else:
            self.outputs[:] = state["outputs"].cpu().numpy()


def stream_of(epoch_slice: EpochSlice, number: int) -> int:
    """Return the random stream of the ``number``-th run of an epoch slice; each run of each slice has its own."""
    return (epoch_slice.epoch << 40) | (epoch_slice.part << 16) | number


def document_runs(offsets: NDArray[np.int64], epoch_slice: EpochSlice, passes: float) -> Iterator[NDArray[np.int64]]:
    """Split an epoch's passes over a corpus into equal parts, and yield the documents of one part.

    The corpus is read in a circle that starts at a different place in each epoch. A document belongs to the part in
    which its first token lies. So the parts of one pass hold each document exactly once, and have about equally many
    tokens.

    Yields:
        ``[m + 1]`` bounds of ``m`` consecutive documents, at least one, with about `PIECE` tokens.
    """
    n_tokens = int(offsets[-1])
    rotation = int(np.random.default_rng([epoch_slice.seed, epoch_slice.epoch]).integers(n_tokens))
    total = round(n_tokens * passes)
    begin = rotation + total * epoch_slice.part // epoch_slice.parts
    end = rotation + total * (epoch_slice.part + 1) // epoch_slice.parts
    while begin < end:
        lap = begin // n_tokens
        stop = min(end, (lap + 1) * n_tokens)
        first, last = np.searchsorted(offsets[:-1], (begin - lap * n_tokens, stop - lap * n_tokens))
        if first < last:
            yield from _pieces(offsets[first : last + 1])
        begin = stop


def _pieces(offsets: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Split consecutive documents, ``[m + 1]`` bounds, into even runs of about `PIECE` tokens."""
    n_tokens = offsets[-1] - offsets[0]
    marks = np.linspace(offsets[0], offsets[-1], max(1, round(n_tokens / PIECE)) + 1)
    places = np.unique(np.searchsorted(offsets, marks))  # from 0 to m: the last document has words
    for first, last in pairwise(places):
        yield offsets[first : last + 1]
