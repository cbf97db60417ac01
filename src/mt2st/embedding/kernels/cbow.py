"""CBOW with negative sampling, on words or on subwords: the mean of a centre's context predicts the centre."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.context import ContextKernel
from mt2st.embedding.kernels.llvm import LANES
from mt2st.embedding.kernels.rows import add_to_rows, copy_rows, padded, prefetch_rows, sum_of_rows
from mt2st.embedding.kernels.sampling import Floats, Ids, Numbers, draw_noise
from mt2st.embedding.kernels.sigmoid import logistic_steps
from mt2st.embedding.kernels.vector import (
    GROUP,
    add_to_window,
    dot_products,
    next_step,
    prefetch_row,
    running_sums,
    weighted_sum,
    window_without,
)
from mt2st.embedding.kernels.windows import BEGIN, FILLED, READY, Plan, Walk, rate_at, refill, span_of
from mt2st.embedding.subwords import SubwordRows

LOSS_OF_0 = np.log(2.0)
"""What a score of 0 loses, pair or noise."""

NO_ROWS = np.empty(0, dtype=np.int32)
NO_OFFSETS = np.empty(0, dtype=np.int64)
"""Words have no list of rows: each has the one of its id."""


@njit(nogil=True, fastmath=True, cache=True)
def train_means(
    inputs: Floats,
    outputs: Floats,
    walk: Walk,
    plan: Plan,
    frozen: NDArray[np.bool_],
    subword_rows: Ids,
    subword_offsets: Numbers,
    moving_rows: Ids,
    moving_offsets: Numbers,
) -> tuple[int, int, float]:
    """Train on a walk; see `CbowKernel` and `CbowSubwordKernel` for the update.

    The sum of a context is that of its window less the centre, by running sums over the block's span. Backwards, the
    errors of the windows reach each word of the span as a running sum too (`vector.running_sums`).

    ``frozen`` names rows of ``inputs`` that do not change (of size 0 for none). With subwords, a word ``w`` has the
    rows ``subword_rows[subword_offsets[w] : subword_offsets[w + 1]]``, and those of ``moving_rows`` change; without,
    all four arrays are empty.
    """
    _, _, _, window, state, walker, words, first, last, seen = walk
    alpha_first, alpha_last, n_words, size, n_noise, _, noise_weight, accept, alias = plan
    some_frozen, with_subwords = frozen.size > 0, subword_offsets.size > 0
    stride, span, n_pool, n_targets = padded(inputs.shape[1]), size + 2 * window, size + n_noise - 1, n_noise + 1
    row_at = np.arange(max(span + 1, n_pool + size)) * stride
    # Running sums, after a row of zeros, of the input vectors of the span's words and of how many rows these have.
    sums = np.zeros((span + 1) * stride, np.float32)
    sizes = np.arange(span + 1)
    # The output rows of the block's noise words and centres. Each centre's targets are its noise words, a run that
    # moves on by one, and then the centre itself; weights (`logistic_steps`), scores and steps have the same order.
    noise = np.empty(n_pool, np.int32)
    targets = np.zeros((n_pool + size) * stride, np.float32)
    width = (n_targets + GROUP - 1) // GROUP * GROUP
    target_at = np.zeros(size * width, np.int64)
    weights = np.zeros(size * width + LANES, np.float32)
    for k in range(size):
        for n in range(n_noise):
            target_at[k * width + n] = row_at[k + n]
            weights[k * width + n] = -noise_weight
        target_at[k * width + n_noise] = row_at[n_pool + k]
        weights[k * width + n_noise] = 1
    steps = np.zeros(size * width + LANES, np.float32)
    # The centres' mean contexts, and their errors: these in the order of the span, as if it reached a whole window
    # before the first centre, with 0 for words that are no centres; and the changes that they make along the span.
    means = np.zeros(size * stride, np.float32)
    errors = np.zeros(span * stride, np.float32)
    changes = np.zeros((span + 1) * stride, np.float32)
    running = np.zeros(stride, np.float32)
    step = np.zeros(stride, np.float32)
    kept, pairs, loss = 0, 0, np.float64(0)
    while refill(walk):
        begin, ready = walker[BEGIN], walker[READY]
        kept += ready - begin
        for start in range(begin, ready, size):
            stop = min(start + size, ready)
            n_centres = stop - start
            draw_noise(state, accept, alias, noise)
            alpha = rate_at(alpha_first, alpha_last, seen[start], n_words)
            low, high = span_of(first, last, start, stop)
            copy_rows(targets, 0, outputs, noise, 0, n_centres + n_noise - 1)
            copy_rows(targets, n_pool * stride, outputs, words, start, n_centres)
            if with_subwords:
                for j in range(low, high):
                    at = subword_offsets[words[j]]
                    n_rows = subword_offsets[words[j] + 1] - at
                    sizes[j + 1 - low] = sizes[j - low] + n_rows
                    sum_of_rows(sums, row_at[j + 1 - low], inputs, subword_rows, at, n_rows, np.float32(1))
            else:
                copy_rows(sums, stride, inputs, words, low, high - low)
            running_sums(sums, stride, high - low, stride)

            # In passes, so that the processor works on several centres' scores at a time.
            for i in range(start, stop):
                soon = np.int64(words[min(i + span, walker[FILLED] - 1)])
                prefetch_row(outputs, soon)
                if with_subwords:
                    at = subword_offsets[soon]
                    prefetch_rows(inputs, subword_rows, at, subword_offsets[soon + 1] - at)
                else:
                    prefetch_row(inputs, soon)
                a, b, own = first[i] - low, last[i] - low, i - low
                n_rows = sizes[b] - sizes[a] - (sizes[own + 1] - sizes[own])
                share = np.float32(1) / np.float32(max(n_rows, 1))
                mean_at, at = row_at[i - start], (i - start) * width
                window_without(means, mean_at, sums, row_at[a], row_at[b], row_at[own], row_at[own + 1], share, stride)
                dot_products(steps, at, means, mean_at, targets, target_at, at, n_targets, stride)
            loss += logistic_steps(steps, weights, n_centres * width, alpha)
            pairs += n_centres
            for i in range(start, stop):
                at, error_at = (i - start) * width, row_at[i - start + window]
                if last[i] - first[i] == 1:  # a word alone in its document has no pair: its mean is 0
                    pairs -= 1
                    loss -= LOSS_OF_0 * (1 + n_noise * noise_weight)
                    steps[at : at + width] = 0
                weighted_sum(errors, error_at, targets, target_at, at, steps, at, 1, n_targets, stride)
                add_to_window(changes, row_at[first[i] - low], changes, row_at[last[i] - low], errors, error_at, stride)
            if n_centres < size:
                errors[(n_centres + window) * stride :] = 0

            running[:] = 0
            for j in range(low, high):
                squared = next_step(step, running, changes, row_at[j - low], errors, row_at[j - start + window], stride)
                if with_subwords:
                    at = moving_offsets[words[j]]
                    add_to_rows(inputs, moving_rows, at, moving_offsets[words[j] + 1] - at, step, squared)
                elif not (some_frozen and frozen[words[j]]):
                    add_to_rows(inputs, words, j, 1, step, squared)
            changes[row_at[high - low] : row_at[high - low] + stride] = 0
            for n in range(n_centres + n_noise - 1):
                near, users = max(0, n - n_noise + 1), min(n + 1, n_centres)
                at = near * (width - 1) + n
                squared = weighted_sum(step, 0, means, row_at, near, steps, at, width - 1, users - near, stride)
                add_to_rows(outputs, noise, n, 1, step, squared)
            for i in range(start, stop):
                at = (i - start) * width + n_noise
                squared = weighted_sum(step, 0, means, row_at, i - start, steps, at, 1, 1, stride)
                add_to_rows(outputs, words, i, 1, step, squared)
    return kept, pairs, float(loss)


class CbowKernel(ContextKernel):
    """CBOW (Mikolov et al. 2013): a pair's input vector ``h_p`` is the mean of the centre's context rows.

    As in word2vec and gensim (``cbow_mean=1``), each context row receives the gradient with respect to the mean
    **undivided**, where the mean's true derivative would divide it by the number of context words: the usual learning
    rates are tuned to this. In autograd: ``h = mean.detach() + total - total.detach()`` with ``total`` the rows' sum.

    See `ContextKernel` for the objective, the blocks and the arguments.
    """

    method = "cbow"
    noise = 7  # with the centre itself, a whole group of dot products
    noise_step = 1  # a block's noise words are as varied as its centres are many, at the cost of 7
    takes_means = True
    reach = 0.2
    """Bound on rate * block: blocks of 8 at the usual start of 0.025, larger ones as the rate falls.

    A mean's error goes undivided to every word of its context, so neighbouring centres move the same rows alike.
    """

    def _train(self, inputs: Floats, outputs: Floats, walk: Walk, plan: Plan) -> tuple[int, int, float]:
        return train_means(inputs, outputs, walk, plan, self.frozen, *_lists(self.subwords), *_lists(self.moving))


class CbowSubwordKernel(CbowKernel):
    """fastText's CBOW: a pair's input vector is the mean over **all rows of all context words**.

    As in fastText and gensim, every row counts alike, so that a long word, which has more n-grams, weighs more. A block
    sums the rows of each word once, and gives each word's step to its rows once.
    """

    method = "cbow-fasttext"
    has_subwords = True


def _lists(subwords: SubwordRows | None) -> tuple[Ids, Numbers]:
    return (NO_ROWS, NO_OFFSETS) if subwords is None else (subwords.rows, subwords.offsets)
