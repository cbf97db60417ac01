"""The pairs and noise words of a kernel call, without the training: what a reference needs to make the same update."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.kernels.context import ContextKernel
from mt2st.embedding.kernels.sampling import draw_noise, start_state
from mt2st.embedding.kernels.windows import BEGIN, READY, refill


@dataclass(frozen=True)
class PairBlock:
    """One block of a kernel call: pairs of an input vector and a word to predict, and the noise words they meet.

    The input vector of pair ``p`` is the mean of the input rows ``contexts[context_offsets[p]:context_offsets[p + 1]]``
    (Skip-gram: one row; with subwords, those of a word and its n-grams). With it, `ContextKernel` states the block's
    loss.

    Attributes:
        contexts: rows of the input table, int64 [C].
        context_offsets: bounds of each pair's rows in ``contexts``, int64 [P + 1].
        centres: rows of the output table, the words to predict, int64 [P].
        negatives: rows of the output table, the noise words that each pair meets, int64 [P, N].
        negative_weight: the factor on each noise word's loss, ``negative / N``.
        progress: the part of the slice's words before the block, in [0, 1): the block's learning rate is
            ``alpha[0] + progress * (alpha[1] - alpha[0])``.
    """

    contexts: NDArray[np.int64]
    context_offsets: NDArray[np.int64]
    centres: NDArray[np.int64]
    negatives: NDArray[np.int64]
    negative_weight: float
    progress: float


def sample_pairs(
    kernel: ContextKernel, ids: NDArray[np.int32], offsets: NDArray[np.int64], *, stream: int, rate: float = 0.025
) -> Iterator[PairBlock]:
    """Yield, in order, the blocks that ``kernel.update(..., ids, offsets, stream=stream)`` trains on.

    It walks the slice with the same compiled functions and the same random numbers as the training, and changes
    nothing. Blocks without a pair (words alone in their document) are yielded too, empty.

    Args:
        kernel: the kernel of that update.
        ids: the corpus, int32.
        offsets: bounds of the slice's documents, int64 [m + 1].
        stream: the stream of the update to replay.
        rate: the largest learning rate of that update, its weight included: the size of the blocks depends on it.

    Raises:
        InputError: as `ContextKernel.update`.
    """
    ids, offsets = kernel.checked_slice(ids, offsets)
    keep, accept, alias = kernel.tables
    state, walker = start_state(kernel.seed, stream), kernel.new_walker(offsets)
    words, first, last = (np.empty(kernel.buffer_size, dtype=np.int32) for _ in range(3))
    seen = np.empty(kernel.buffer_size, dtype=np.int64)
    total = max(1, int(offsets[-1] - offsets[0]))
    block = kernel.block_size(rate)
    noise = np.empty(kernel.noise + (block - 1) * kernel.noise_step, dtype=np.int32)
    while refill(ids, offsets, keep, kernel.window, state, walker, words, first, last, seen):
        ready = int(walker[READY])
        for start in range(int(walker[BEGIN]), ready, block):
            draw_noise(state, accept, alias, noise)
            contexts: list[int] = []
            bounds, centres, negatives = [0], [], []
            for i in range(start, min(start + block, ready)):
                first_noise = (i - start) * kernel.noise_step
                around = [int(words[j]) for j in range(first[i], last[i]) if j != i]
                for rows, target in kernel.pairs_of(int(words[i]), around):
                    contexts += rows
                    bounds.append(len(contexts))
                    centres.append(target)
                    negatives.append(noise[first_noise : first_noise + kernel.noise])
            yield PairBlock(
                contexts=np.array(contexts, dtype=np.int64),
                context_offsets=np.array(bounds, dtype=np.int64),
                centres=np.array(centres, dtype=np.int64),
                negatives=np.array(negatives, dtype=np.int64).reshape(-1, kernel.noise),
                negative_weight=kernel.negative / kernel.noise,
                progress=float(seen[start]) / total,
            )
    kernel.check_walk(walker, ids)
