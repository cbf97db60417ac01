"""The pairs and noise words of a kernel call, without the training: what a reference needs to make the same update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.kernels import CbowKernel, ContextKernel
from mt2st.embedding.kernels.sampling import draw_noise
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
    """
    walk = kernel.walk(ids, offsets, stream)
    plan = kernel.plan((rate, rate), walk)
    words, first, last = walk.words, walk.first, walk.last
    noise = np.empty(plan.n_noise + (plan.block - 1) * plan.noise_step, dtype=np.int32)
    while refill(walk):
        ready = int(walk.walker[READY])
        for start in range(int(walk.walker[BEGIN]), ready, plan.block):
            draw_noise(walk.state, plan.accept, plan.alias, noise)
            contexts: list[int] = []
            bounds, centres, negatives = [0], [], []
            for i in range(start, min(start + plan.block, ready)):
                first_noise = (i - start) * plan.noise_step
                around = [int(words[j]) for j in range(first[i], last[i]) if j != i]
                for rows, target in pairs_of(kernel, int(words[i]), around):
                    contexts += rows
                    bounds.append(len(contexts))
                    centres.append(target)
                    negatives.append(noise[first_noise : first_noise + plan.n_noise])
            yield PairBlock(
                contexts=np.array(contexts, dtype=np.int64),
                context_offsets=np.array(bounds, dtype=np.int64),
                centres=np.array(centres, dtype=np.int64),
                negatives=np.array(negatives, dtype=np.int64).reshape(-1, plan.n_noise),
                negative_weight=float(plan.noise_weight),
                progress=float(walk.seen[start]) / plan.n_words,
            )


def pairs_of(kernel: ContextKernel, centre: int, context: Sequence[int]) -> Iterator[tuple[Sequence[int], int]]:
    """Yield the pairs of a centre and its context words: rows of the input vector's mean, and the word to predict."""

    def rows_of(word: int) -> list[int]:
        return [word] if kernel.subwords is None else kernel.subwords.of_word(word).tolist()

    if isinstance(kernel, CbowKernel):
        if context:
            yield [row for word in context for row in rows_of(word)], centre
        return
    for word in context:
        yield (rows_of(centre), word) if kernel.has_subwords else ([word], centre)
