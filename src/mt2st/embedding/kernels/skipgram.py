"""Skip-gram with negative sampling, on words or on subwords."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.context import ContextKernel
from mt2st.embedding.kernels.llvm import LANES
from mt2st.embedding.kernels.rows import add_to_rows, copy_rows, padded, prefetch_rows, sum_of_rows
from mt2st.embedding.kernels.sampling import Floats, Ids, Numbers, draw_noise
from mt2st.embedding.kernels.sigmoid import NOISE, PAIR, logistic_step
from mt2st.embedding.kernels.vector import dot_products, prefetch_row, weighted_sum
from mt2st.embedding.kernels.windows import BEGIN, FILLED, READY, Plan, Walk, rate_at, refill, span_of


class SkipGramKernel(ContextKernel):
    """Skip-gram (Mikolov et al. 2013): a pair's input vector ``h_p`` is the input row of one context word.

    See `ContextKernel` for the objective, the blocks and the arguments.
    """

    method = "skipgram"
    reach = 1.0
    """Bound on window * rate * block. On 1.4 million words at windows 5 and 10, some settings diverge at 2."""

    def _train(self, inputs: Floats, outputs: Floats, walk: Walk, plan: Plan) -> tuple[int, int, float]:
        return _train_words(inputs, outputs, walk, plan, self.frozen)


@njit(nogil=True, fastmath=True, cache=True)
def _train_words(
    inputs: Floats, outputs: Floats, walk: Walk, plan: Plan, frozen: NDArray[np.bool_]
) -> tuple[int, int, float]:
    _, _, _, window, state, walker, words, first, last, seen = walk
    alpha_first, alpha_last, total, block, n_noise, _, noise_weight, accept, alias = plan
    some_frozen = frozen.size > 0
    stride = padded(inputs.shape[1])
    noise = np.empty(n_noise, np.int32)
    span = block + 2 * window
    # Padded copies of the block's rows: context words' input rows; noise words' and centres' output rows.
    U = np.zeros(span * stride, np.float32)
    V = np.zeros((n_noise + block) * stride, np.float32)
    step = np.zeros(stride, np.float32)
    # For every context word a list of its targets: the noise words, then the centres it is near to.
    longest = n_noise + (2 * window + LANES) // LANES * LANES
    target_at = np.zeros(span * longest, np.int64)
    G = np.zeros(span * longest + LANES, np.float32)
    n_targets = np.empty(span, np.int64)
    for j in range(span):
        for n in range(n_noise):
            target_at[j * longest + n] = n * stride
    context_at = np.arange(span) * stride
    centre_at = np.empty(2 * window, np.int64)
    centre_weights = np.empty(2 * window, np.float32)
    kept, pairs, loss = 0, 0, np.float64(0)
    while refill(walk):
        begin, ready = walker[BEGIN], walker[READY]
        kept += ready - begin
        for start in range(begin, ready, block):
            stop = min(start + block, ready)
            draw_noise(state, accept, alias, noise)
            alpha = rate_at(alpha_first, alpha_last, seen[start], total)
            low, high = span_of(first, last, start, stop)
            copy_rows(V, 0, outputs, noise, 0, n_noise)
            copy_rows(V, n_noise * stride, outputs, words, start, stop - start)
            copy_rows(U, 0, inputs, words, low, high - low)
            for j in range(low, high):
                n_targets[j - low] = n_noise
            for i in range(start, stop):
                for j in range(first[i], last[i]):
                    if j != i:
                        target_at[(j - low) * longest + n_targets[j - low]] = (n_noise + i - start) * stride
                        n_targets[j - low] += 1
            # In three passes, so that the processor works on several rows' scores at a time.
            for j in range(low, high):
                soon = np.int64(words[min(j + span, walker[FILLED] - 1)])
                prefetch_row(inputs, soon)
                prefetch_row(outputs, soon)
                at, count = (j - low) * longest, n_targets[j - low]
                dot_products(G, at, U, (j - low) * stride, V, target_at, at, count, stride)
            for j in range(low, high):
                at, uses = (j - low) * longest, n_targets[j - low] - n_noise
                weight = noise_weight * np.float32(uses)
                noise_loss = logistic_step(G, at, n_noise, NOISE, alpha * weight)
                loss += weight * noise_loss + logistic_step(G, at + n_noise, uses, PAIR, alpha)
                pairs += uses
            for j in range(low, high):
                if some_frozen and frozen[words[j]]:
                    continue
                at = (j - low) * longest
                squared = weighted_sum(step, 0, V, target_at, at, G, at, 1, n_targets[j - low], stride)
                add_to_rows(inputs, words, j, 1, step, squared)
            for n in range(n_noise):
                squared = weighted_sum(step, 0, U, context_at, 0, G, n, longest, high - low, stride)
                add_to_rows(outputs, noise, n, 1, step, squared)
            for j in range(low, high):
                n_targets[j - low] = n_noise
            for i in range(start, stop):
                n = 0
                for j in range(first[i], last[i]):
                    if j != i:
                        centre_at[n] = (j - low) * stride
                        centre_weights[n] = G[(j - low) * longest + n_targets[j - low]]
                        n_targets[j - low] += 1
                        n += 1
                squared = weighted_sum(step, 0, U, centre_at, 0, centre_weights, 0, 1, n, stride)
                add_to_rows(outputs, words, i, 1, step, squared)
    return kept, pairs, float(loss)


class SkipGramSubwordKernel(SkipGramKernel):
    """fastText's Skip-gram (Bojanowski et al. 2017): a pair's input vector is the mean of its centre's subword rows.

    As in fastText and gensim, the **centre** predicts its context, where `SkipGramKernel` lets the context predict the
    centre: the same pairs in expectation, but a block composes only its centres, each once.
    """

    method = "skipgram-fasttext"
    has_subwords = True

    def _train(self, inputs: Floats, outputs: Floats, walk: Walk, plan: Plan) -> tuple[int, int, float]:
        assert self.subwords is not None
        assert self.moving is not None
        lists = self.subwords.rows, self.subwords.offsets, self.moving.rows, self.moving.offsets
        return _train_subwords(inputs, outputs, walk, plan, *lists)


@njit(nogil=True, fastmath=True, cache=True)
def _train_subwords(
    inputs: Floats,
    outputs: Floats,
    walk: Walk,
    plan: Plan,
    subword_rows: Ids,
    subword_offsets: Numbers,
    moving_rows: Ids,
    moving_offsets: Numbers,
) -> tuple[int, int, float]:
    _, _, _, window, state, walker, words, first, last, seen = walk
    alpha_first, alpha_last, total, block, n_noise, _, noise_weight, accept, alias = plan
    stride = padded(inputs.shape[1])
    noise = np.empty(n_noise, np.int32)
    span = block + 2 * window
    # The block's rows, padded: the centres' composed input vectors; output rows of noise words and of context words.
    U = np.zeros(block * stride, np.float32)
    V = np.zeros((n_noise + span) * stride, np.float32)
    step = np.zeros(stride, np.float32)
    row_at = np.arange(n_noise + span) * stride
    # For every centre a list of its targets: the noise words, then its context words.
    longest = n_noise + (2 * window + LANES) // LANES * LANES
    target_at = np.zeros(longest, np.int64)
    target_at[:n_noise] = row_at[:n_noise]
    G = np.zeros(block * longest + LANES, np.float32)
    centre_at = np.empty(2 * window, np.int64)
    centre_weights = np.empty(2 * window, np.float32)
    kept, pairs, loss = 0, 0, np.float64(0)
    while refill(walk):
        begin, ready = walker[BEGIN], walker[READY]
        kept += ready - begin
        for start in range(begin, ready, block):
            stop = min(start + block, ready)
            draw_noise(state, accept, alias, noise)
            alpha = rate_at(alpha_first, alpha_last, seen[start], total)
            low, high = span_of(first, last, start, stop)
            copy_rows(V, 0, outputs, noise, 0, n_noise)
            copy_rows(V, n_noise * stride, outputs, words, low, high - low)
            for i in range(start, stop):
                at, count = subword_offsets[words[i]], subword_offsets[words[i] + 1] - subword_offsets[words[i]]
                share = np.float32(1) / np.float32(count)
                sum_of_rows(U, (i - start) * stride, inputs, subword_rows, at, count, share)

            # In passes, so that the processor works on several rows' scores at a time.
            for i in range(start, stop):
                soon = words[min(i + block, walker[FILLED] - 1)]
                prefetch_row(outputs, np.int64(words[min(i + span, walker[FILLED] - 1)]))
                at = subword_offsets[soon]
                prefetch_rows(inputs, subword_rows, at, subword_offsets[soon + 1] - at)
                count = n_noise
                for j in range(first[i], last[i]):
                    target_at[count] = row_at[n_noise + j - low]
                    count += j != i
                dot_products(G, (i - start) * longest, U, (i - start) * stride, V, target_at, 0, count, stride)
            for i in range(start, stop):
                at, uses = (i - start) * longest, last[i] - first[i] - 1
                weight = noise_weight * np.float32(uses)
                noise_loss = logistic_step(G, at, n_noise, NOISE, alpha * weight)
                loss += weight * noise_loss + logistic_step(G, at + n_noise, uses, PAIR, alpha)
                pairs += uses

            for i in range(start, stop):
                count = n_noise
                for j in range(first[i], last[i]):
                    target_at[count] = row_at[n_noise + j - low]
                    count += j != i
                squared = weighted_sum(step, 0, V, target_at, 0, G, (i - start) * longest, 1, count, stride)
                at = moving_offsets[words[i]]
                add_to_rows(inputs, moving_rows, at, moving_offsets[words[i] + 1] - at, step, squared)
            for n in range(n_noise):
                squared = weighted_sum(step, 0, U, row_at, 0, G, n, longest, stop - start, stride)
                add_to_rows(outputs, noise, n, 1, step, squared)
            for j in range(low, high):
                near = 0
                for i in range(max(start, j - window), min(stop, j + window + 1)):
                    if first[i] <= j < last[i] and i != j:
                        centre_at[near] = row_at[i - start]
                        centre_weights[near] = G[(i - start) * longest + n_noise + j - first[i] - (j > i)]
                        near += 1
                squared = weighted_sum(step, 0, U, centre_at, 0, centre_weights, 0, 1, near, stride)
                add_to_rows(outputs, words, j, 1, step, squared)
    return kept, pairs, float(loss)
