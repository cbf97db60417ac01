"""Skip-gram with negative sampling: each context word of a centre predicts the centre."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.context import BLOCK, NOISE, ContextKernel
from mt2st.embedding.kernels.sampling import draw_noise
from mt2st.embedding.kernels.sigmoid import half_tanh
from mt2st.embedding.kernels.windows import BEGIN, READY, refill


class SkipGramKernel(ContextKernel):
    """Skip-gram (Mikolov et al. 2013): a pair's input vector ``h_p`` is the input row of one context word.

    See `ContextKernel` for the objective, the blocks and the arguments.
    """

    method = "skipgram"

    def _train(
        self,
        inputs: NDArray[np.float32],
        outputs: NDArray[np.float32],
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        alpha: tuple[float, float],
        state: NDArray[np.uint64],
        walker: NDArray[np.int64],
    ) -> tuple[int, int, float]:
        return _train(  # type: ignore[no-any-return]
            inputs,
            outputs,
            ids,
            offsets,
            *alpha,
            self.window,
            self.negative,
            *self.tables,
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
    alpha_first: float,
    alpha_last: float,
    window: int,
    negative: int,
    keep: NDArray[np.uint32],
    accept: NDArray[np.uint32],
    alias: NDArray[np.int32],
    buffer_size: int,
    state: NDArray[np.uint64],
    walker: NDArray[np.int64],
) -> tuple[int, int, float]:
    size = inputs.shape[1]
    words = np.empty(buffer_size, np.int32)
    first = np.empty(buffer_size, np.int32)
    last = np.empty(buffer_size, np.int32)
    seen = np.empty(buffer_size, np.int64)
    noise = np.empty(NOISE, np.int64)
    span = BLOCK + 2 * window
    U = np.empty((span, size), np.float32)
    V = np.empty((BLOCK + NOISE, size), np.float32)
    G = np.empty((span, BLOCK + NOISE), np.float32)
    noise_weight = np.float32(negative / NOISE)
    total = max(1, offsets[-1] - offsets[0])
    kept, pairs, loss = 0, 0, 0.0
    while refill(ids, offsets, keep, window, state, walker, words, first, last, seen):
        begin, ready = walker[BEGIN], walker[READY]
        kept += ready - begin
        for start in range(begin, ready, BLOCK):
            stop = min(start + BLOCK, ready)
            draw_noise(state, accept, alias, noise)
            alpha = np.float32(alpha_first + (alpha_last - alpha_first) * (seen[start] / total))
            low, high = first[start], last[start]
            for i in range(start, stop):
                low, high = min(low, first[i]), max(high, last[i])
            for i in range(start, stop):
                V[i - start] = outputs[words[i]]
            for n in range(NOISE):
                V[BLOCK + n] = outputs[noise[n]]
            for j in range(low, high):
                U[j - low] = inputs[words[j]]
            for j in range(low, high):
                u = U[j - low]
                g = G[j - low]
                uses = 0
                likelihood = 1.0
                for i in range(start, stop):
                    if first[i] <= j < last[i] and i != j:
                        uses += 1
                        v = V[i - start]
                        score = np.float32(0)
                        for d in range(size):
                            score += u[d] * v[d]
                        t = half_tanh(score)
                        g[i - start] = alpha * (np.float32(0.5) - t)
                        likelihood *= max(np.float32(0.5) + t, np.float32(1e-7))
                    else:
                        g[i - start] = 0
                pairs += uses
                if uses == 0:
                    g[:] = 0
                    continue
                loss -= np.log(likelihood)
                likelihood = 1.0
                for n in range(NOISE):
                    v = V[BLOCK + n]
                    score = np.float32(0)
                    for d in range(size):
                        score += u[d] * v[d]
                    t = half_tanh(score)
                    g[BLOCK + n] = -alpha * noise_weight * uses * (np.float32(0.5) + t)
                    likelihood *= max(np.float32(0.5) - t, np.float32(1e-7))
                loss -= np.log(likelihood) * noise_weight * uses
                row = inputs[words[j]]
                for i in range(BLOCK + NOISE):
                    if g[i] != 0:
                        v = V[i]
                        for d in range(size):
                            row[d] += g[i] * v[d]
            for i in range(BLOCK + NOISE):
                if i < stop - start:
                    row = outputs[words[start + i]]
                elif i >= BLOCK:
                    row = outputs[noise[i - BLOCK]]
                else:
                    continue
                for j in range(high - low):
                    if G[j, i] != 0:
                        u = U[j]
                        for d in range(size):
                            row[d] += G[j, i] * u[d]
    return kept, pairs, loss
