"""CBOW with subwords: the mean over the rows of all context words and their n-grams predicts the centre."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.kernels.means import N_NOISE, NOISE_STEP, block_of_means, train_means
from mt2st.embedding.kernels.plan import Plan
from mt2st.embedding.kernels.subword_context import SubwordContextKernel
from mt2st.embedding.kernels.windows import Walk


class CbowSubwordKernel(SubwordContextKernel):
    """fastText's CBOW: a pair's input vector is the mean over **all rows of all context words**.

    As in fastText and gensim, every row counts alike, so that a long word, which has more n-grams, weighs more. A block
    sums the rows of each word of its span once, and gives each word's step to its rows once.

    See `SubwordContextKernel` for the gradient of a mean, `ContextKernel` for the objective, the blocks and the rest.
    """

    method = "cbow-fasttext"
    noise = N_NOISE
    noise_step = NOISE_STEP

    def block_size(self, rate: float) -> int:
        """Return how many centres are updated together (`block_of_means`)."""
        return block_of_means(rate, self.negative)

    def pairs_of(self, centre: int, context: Sequence[int]) -> Iterator[tuple[Sequence[int], int]]:
        """Yield the rows of all context words with the centre; a word alone makes no pair."""
        if context:
            yield [row for word in context for row in self.subwords.of_word(word).tolist()], centre

    def _train(
        self, inputs: NDArray[np.float32], outputs: NDArray[np.float32], walk: Walk, plan: Plan
    ) -> tuple[int, int, float]:
        lists = self.subwords.rows, self.subwords.offsets, self.moving.rows, self.moving.offsets
        return train_means(inputs, outputs, walk, plan, self.frozen, *lists)
