"""CBOW with subwords: the mean over the rows of all context words and their n-grams predicts the centre."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.cbow import LARGEST_BLOCK, LOSS_OF_0, REACH
from mt2st.embedding.kernels.emit import LANES
from mt2st.embedding.kernels.gather import add_to_rows, prefetch_rows, sum_of_rows
from mt2st.embedding.kernels.sampling import draw_noise
from mt2st.embedding.kernels.sigmoid import NOISE, PAIR, logistic_step
from mt2st.embedding.kernels.subword_context import SubwordContextKernel
from mt2st.embedding.kernels.vector import GROUP, dot_products, prefetch_row, weighted_sum
from mt2st.embedding.kernels.windows import BEGIN, FILLED, READY, refill


class CbowSubwordKernel(SubwordContextKernel):
    """fastText's CBOW: a pair's input vector is the mean over **all rows of all context words**.

    As in fastText and gensim, every row counts alike, so that a long word, which has more n-grams, weighs more. A block
    sums the rows of each word of its span once, and gives each word's step to its rows once.

    See `SubwordContextKernel` for the gradient of a mean, `ContextKernel` for the objective, the blocks and the rest.
    """

    method = "cbow-fasttext"
    noise = 7  # with the centre itself, a whole group of dot products
    noise_step = 1  # a block as varied as its centres are many, at the cost of 7

    def block_size(self, rate: float) -> int:
        """Return how many centres are updated together: as for `CbowKernel`."""
        pull = rate * max(1.0, self.negative / 5)
        return int(np.clip(REACH / max(pull, REACH / LARGEST_BLOCK), 1, LARGEST_BLOCK))

    def pairs_of(self, centre: int, context: Sequence[int]) -> Iterator[tuple[Sequence[int], int]]:
        """Yield the rows of all context words with the centre; a word alone makes no pair."""
        if context:
            yield [row for word in context for row in self.subwords.of_word(word).tolist()], centre

    def _train(
        self,
        inputs: NDArray[np.float32],
        outputs: NDArray[np.float32],
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        alpha: tuple[float, float],
        block: int,
        state: NDArray[np.uint64],
        walker: NDArray[np.int64],
    ) -> tuple[int, int, float]:
        keep, accept, alias = self.tables
        return _train(
            inputs,
            outputs,
            ids,
            offsets,
            self.subwords.rows,
            self.subwords.offsets,
            self.moving.rows,
            self.moving.offsets,
            alpha[0],
            alpha[1],
            self.window,
            self.negative,
            block,
            self.noise,
            keep,
            accept,
            alias,
            self.buffer_size,
            state,
            walker,
        )


@njit(nogil=True, fastmath=True, cache=True)
def _train(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    subword_rows: NDArray[np.int32],
    subword_offsets: NDArray[np.int64],
    moving_rows: NDArray[np.int32],
    moving_offsets: NDArray[np.int64],
    alpha_first: float,
    alpha_last: float,
    window: int,
    negative: int,
    block: int,
    n_noise: int,
    keep: NDArray[np.uint32],
    accept: NDArray[np.uint32],
    alias: NDArray[np.int32],
    buffer_size: int,
    state: NDArray[np.uint64],
    walker: NDArray[np.int64],
) -> tuple[int, int, float]:
    stride = (inputs.shape[1] + LANES - 1) // LANES * LANES
    words = np.empty(buffer_size, np.int32)
    first = np.empty(buffer_size, np.int32)
    last = np.empty(buffer_size, np.int32)
    seen = np.empty(buffer_size, np.int64)
    n_pool = block + n_noise - 1
    noise = np.empty(n_pool, np.int32)
    span = block + 2 * window
    # The block's rows, padded: sums of the context words' input rows, and how many rows; noise words' and centres'
    # output rows; the centres' mean contexts; and the errors of these, which go to the context words' rows.
    U = np.zeros(span * stride, np.float32)
    sizes = np.zeros(span, np.int64)
    V = np.zeros((n_pool + block) * stride, np.float32)
    H = np.zeros(block * stride, np.float32)
    E = np.zeros(block * stride, np.float32)
    step = np.zeros(stride, np.float32)
    row_at = np.arange(max(span, n_pool + block)) * stride
    # Each centre's targets are its noise words, a run of the block's that moves on by one, and last the centre itself.
    width = (n_noise + GROUP) // GROUP * GROUP
    target_at = np.zeros(block * width, np.int64)
    for k in range(block):
        for n in range(n_noise):
            target_at[k * width + n] = row_at[k + n]
        target_at[k * width + n_noise] = row_at[n_pool + k]
    G = np.zeros(block * width + LANES, np.float32)
    centre_G = np.zeros(block + LANES, np.float32)
    near_at = np.empty(max(2 * window, block), np.int64)
    shares = np.empty(max(2 * window, block), np.float32)
    noise_weight = np.float32(negative / n_noise)
    total = max(1, offsets[-1] - offsets[0])
    kept, pairs, loss = 0, 0, np.float64(0)
    while refill(ids, offsets, keep, window, state, walker, words, first, last, seen):
        begin, ready = walker[BEGIN], walker[READY]
        kept += ready - begin
        for start in range(begin, ready, block):
            stop = min(start + block, ready)
            draw_noise(state, accept, alias, noise)
            alpha = np.float32(alpha_first + (alpha_last - alpha_first) * (seen[start] / total))
            low, high = first[start], last[start]
            for i in range(start, stop):
                low, high = min(low, first[i]), max(high, last[i])
            pool = stop - start + n_noise - 1
            for n in range(pool):
                sum_of_rows(V, n * stride, outputs, noise, n, 1, np.float32(1))
            for i in range(start, stop):
                sum_of_rows(V, (n_pool + i - start) * stride, outputs, words, i, 1, np.float32(1))
            for j in range(low, high):
                at = subword_offsets[words[j]]
                sizes[j - low] = subword_offsets[words[j] + 1] - at
                sum_of_rows(U, (j - low) * stride, inputs, subword_rows, at, sizes[j - low], np.float32(1))

            # In passes, so that the processor works on several centres' scores at a time.
            for i in range(start, stop):
                soon = words[min(i + span, walker[FILLED] - 1)]
                prefetch_row(outputs, np.int64(soon))
                prefetch_rows(
                    inputs, subword_rows, subword_offsets[soon], subword_offsets[soon + 1] - subword_offsets[soon]
                )
                near, rows = 0, 0
                for j in range(first[i], last[i]):
                    near_at[near] = row_at[j - low]
                    near += j != i
                    rows += sizes[j - low] * (j != i)
                shares[:near] = np.float32(1) / np.float32(max(rows, 1))
                mean_at = (i - start) * stride
                weighted_sum(H, mean_at, U, near_at, 0, shares, 0, 1, near, stride)
                at = (i - start) * width
                dot_products(G, at, H, mean_at, V, target_at, at, n_noise + 1, stride)
                centre_G[i - start] = G[at + n_noise]
            for i in range(start, stop):
                noise_loss = logistic_step(G, (i - start) * width, n_noise, NOISE, alpha * noise_weight)
                if last[i] - first[i] > 1:
                    pairs += 1
                    loss += noise_weight * noise_loss
                else:  # a word alone in its document has no pair: its mean is 0, and so will be its steps
                    loss -= LOSS_OF_0
            loss += logistic_step(centre_G, 0, stop - start, PAIR, alpha)
            for i in range(start, stop):
                at = (i - start) * width
                G[at + n_noise] = centre_G[i - start]
                weighted_sum(E, (i - start) * stride, V, target_at, at, G, at, 1, n_noise + 1, stride)

            for j in range(low, high):
                near = 0
                for i in range(max(start, j - window), min(stop, j + window + 1)):
                    near_at[near] = row_at[i - start]
                    near += (first[i] <= j) & (j < last[i]) & (i != j)
                shares[:near] = np.float32(1)
                weighted_sum(step, 0, E, near_at, 0, shares, 0, 1, near, stride)
                at = moving_offsets[words[j]]
                add_to_rows(inputs, moving_rows, at, moving_offsets[words[j] + 1] - at, step)
            for n in range(pool):
                near, users = max(0, n - n_noise + 1), min(n + 1, stop - start)
                weighted_sum(step, 0, H, row_at, near, G, near * (width - 1) + n, width - 1, users - near, stride)
                add_to_rows(outputs, noise, n, 1, step)
            for i in range(start, stop):
                weighted_sum(step, 0, H, row_at, i - start, G, (i - start) * width + n_noise, 1, 1, stride)
                add_to_rows(outputs, words, i, 1, step)
    return kept, pairs, float(loss)
