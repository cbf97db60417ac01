"""CBOW with negative sampling: the mean of a centre's context words predicts the centre."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.kernels.context import ContextKernel
from mt2st.embedding.kernels.sampling import draw_noise
from mt2st.embedding.kernels.sigmoid import half_tanh
from mt2st.embedding.kernels.windows import BEGIN, READY, refill


class CbowKernel(ContextKernel):
    """CBOW (Mikolov et al. 2013): a pair's input vector ``h_p`` is the mean of the centre's context rows.

    As in word2vec and gensim (``cbow_mean=1``), each context row receives the gradient with respect to the mean
    **undivided**, where the mean's true derivative would divide it by the number of context words: the usual learning
    rates are tuned to this. In autograd: ``h = mean.detach() + total - total.detach()`` with ``total`` the rows' sum.

    See `ContextKernel` for the objective, the blocks and the arguments.
    """

    method = "cbow"

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
            self.block,
            self.noise,
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
    block: int,
    n_noise: int,
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
    noise = np.empty(n_noise, np.int64)
    H = np.empty((block, size), np.float32)
    E = np.empty((block, size), np.float32)
    V = np.empty((block + n_noise, size), np.float32)
    G = np.empty((block, 1 + n_noise), np.float32)
    noise_weight = np.float32(negative / n_noise)
    total = max(1, offsets[-1] - offsets[0])
    kept, pairs, loss = 0, 0, 0.0
    while refill(ids, offsets, keep, window, state, walker, words, first, last, seen):
        begin, ready = walker[BEGIN], walker[READY]
        kept += ready - begin
        for start in range(begin, ready, block):
            stop = min(start + block, ready)
            draw_noise(state, accept, alias, noise)
            alpha = np.float32(alpha_first + (alpha_last - alpha_first) * (seen[start] / total))
            for n in range(n_noise):
                V[block + n] = outputs[noise[n]]
            for i in range(start, stop):
                V[i - start] = outputs[words[i]]
                h, e, g = H[i - start], E[i - start], G[i - start]
                h[:] = 0
                e[:] = 0
                g[:] = 0
                width = last[i] - first[i] - 1
                if width == 0:
                    continue
                pairs += 1
                for j in range(first[i], last[i]):
                    if j != i:
                        row = inputs[words[j]]
                        for d in range(size):
                            h[d] += row[d]
                for d in range(size):
                    h[d] *= np.float32(1) / np.float32(width)
                likelihood = 1.0
                for n in range(n_noise + 1):
                    v = V[i - start] if n == 0 else V[block + n - 1]
                    score = np.float32(0)
                    for d in range(size):
                        score += h[d] * v[d]
                    t = half_tanh(score)
                    if n == 0:
                        g[0] = alpha * (np.float32(0.5) - t)
                        loss -= np.log(max(np.float32(0.5) + t, np.float32(1e-7)))
                    else:
                        g[n] = -alpha * noise_weight * (np.float32(0.5) + t)
                        likelihood *= max(np.float32(0.5) - t, np.float32(1e-7))
                    for d in range(size):
                        e[d] += g[n] * v[d]
                loss -= np.log(likelihood) * noise_weight
            for i in range(start, stop):
                if last[i] - first[i] == 1:
                    continue
                e, h = E[i - start], H[i - start]
                for j in range(first[i], last[i]):
                    if j != i:
                        row = inputs[words[j]]
                        for d in range(size):
                            row[d] += e[d]
                row = outputs[words[i]]
                for d in range(size):
                    row[d] += G[i - start, 0] * h[d]
                for n in range(n_noise):
                    row = outputs[noise[n]]
                    for d in range(size):
                        row[d] += G[i - start, 1 + n] * h[d]
    return kept, pairs, loss
