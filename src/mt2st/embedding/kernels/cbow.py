"""CBOW with negative sampling: the mean of a centre's context words predicts the centre."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.kernels.context import ContextKernel
from mt2st.embedding.kernels.means import N_NOISE, NO_OFFSETS, NO_ROWS, NOISE_STEP, block_of_means, train_means
from mt2st.embedding.kernels.plan import Plan
from mt2st.embedding.kernels.windows import Walk


class CbowKernel(ContextKernel):
    """CBOW (Mikolov et al. 2013): a pair's input vector ``h_p`` is the mean of the centre's context rows.

    As in word2vec and gensim (``cbow_mean=1``), each context row receives the gradient with respect to the mean
    **undivided**, where the mean's true derivative would divide it by the number of context words: the usual learning
    rates are tuned to this. In autograd: ``h = mean.detach() + total - total.detach()`` with ``total`` the rows' sum.

    See `ContextKernel` for the objective, the blocks and the arguments.
    """

    method = "cbow"
    noise = N_NOISE
    noise_step = NOISE_STEP

    def block_size(self, rate: float) -> int:
        """Return how many centres are updated together (`block_of_means`)."""
        return block_of_means(rate, self.negative)

    def pairs_of(self, centre: int, context: Sequence[int]) -> Iterator[tuple[Sequence[int], int]]:
        """Yield all context words with the centre; a word alone makes no pair."""
        if context:
            yield context, centre

    def _train(
        self, inputs: NDArray[np.float32], outputs: NDArray[np.float32], walk: Walk, plan: Plan
    ) -> tuple[int, int, float]:
        lists = NO_ROWS, NO_OFFSETS, NO_ROWS, NO_OFFSETS
        return train_means(inputs, outputs, walk, plan, self.frozen, *lists)
