"""Skip-gram with negative sampling: each context word of a centre predicts the centre."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.context import ContextKernel
from mt2st.embedding.kernels.emit import LANES
from mt2st.embedding.kernels.gather import add_to_rows, copy_rows
from mt2st.embedding.kernels.plan import Plan, rate_at
from mt2st.embedding.kernels.rows import padded
from mt2st.embedding.kernels.sampling import draw_noise
from mt2st.embedding.kernels.sigmoid import NOISE, PAIR, logistic_step
from mt2st.embedding.kernels.vector import dot_products, prefetch_row, weighted_sum
from mt2st.embedding.kernels.windows import BEGIN, FILLED, READY, Walk, refill, span_of
from mt2st.embedding.settings import LARGEST_BLOCK

REACH = 1.0
"""Bound on window * rate * block. On 1.4 million words at windows 5 and 10, some settings diverge at 2."""


class SkipGramKernel(ContextKernel):
    """Skip-gram (Mikolov et al. 2013): a pair's input vector ``h_p`` is the input row of one context word.

    See `ContextKernel` for the objective, the blocks and the arguments.
    """

    method = "skipgram"

    def block_size(self, rate: float) -> int:
        """Return how many centres are updated together: few for wide windows, high rates and much noise.

        A noise word's row meets all pairs of a block in one step; too many at too high a rate overshoot and diverge
        (window 10 at rate 0.05, blocks of 8: the loss explodes; of 2: it falls as word by word).
        """
        pull = self.window * rate * max(1.0, self.negative / 5)
        return int(np.clip(REACH / max(pull, REACH / LARGEST_BLOCK), 1, LARGEST_BLOCK))

    def pairs_of(self, centre: int, context: Sequence[int]) -> Iterator[tuple[Sequence[int], int]]:
        """Yield each context word with the centre."""
        for word in context:
            yield [word], centre

    def _train(
        self, inputs: NDArray[np.float32], outputs: NDArray[np.float32], walk: Walk, plan: Plan
    ) -> tuple[int, int, float]:
        return _train(inputs, outputs, walk, plan, self.frozen)


@njit(nogil=True, fastmath=True, cache=True)
def _train(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    walk: Walk,
    plan: Plan,
    frozen: NDArray[np.bool_],
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
