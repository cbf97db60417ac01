"""What the kernels with subwords add to a context kernel: the rows of each word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.kernels.context import ContextKernel
from mt2st.embedding.subwords import SubwordRows
from mt2st.errors import InputError


class SubwordContextKernel(ContextKernel):
    """A context kernel whose input vectors are means over the rows of words and their n-grams.

    ``inputs`` then has ``V + bucket`` rows and ``outputs`` V. As in fastText and gensim, each row of a mean receives
    the gradient with respect to the mean **undivided**, once for every time it is in the mean (see `CbowKernel`).
    `LONGEST_STEP` bounds the step that a place of a word in a block gives to each of the word's rows.

    Args:
        counts: as for `ContextKernel`.
        subwords: the rows of the V words.
        window: as for `ContextKernel`, like the others.
        negative: weight of the noise.
        sample: subsampling threshold.
        ns_exponent: power of the counts for the noise.
        seed: any integer.
        frozen: rows of ``inputs`` that stay as they are, those of n-grams among them.

    Raises:
        InputError: as `ContextKernel`, or rows of another number of words than ``counts``.
    """

    def __init__(
        self,
        counts: NDArray[np.int64],
        *,
        subwords: SubwordRows,
        window: int = 5,
        negative: int = 5,
        sample: float = 1e-3,
        ns_exponent: float = 0.75,
        seed: int = 1,
        frozen: NDArray[np.bool_] | None = None,
        block: int | None = None,
    ) -> None:
        self.subwords = subwords
        super().__init__(
            counts,
            window=window,
            negative=negative,
            sample=sample,
            ns_exponent=ns_exponent,
            seed=seed,
            frozen=frozen,
            block=block,
        )
        if subwords.n_words != self.vocabulary_size:
            raise InputError(
                f"subwords must have the rows of the {self.vocabulary_size} words of counts; found {subwords.n_words}"
            )
        self.moving = subwords.without(self.frozen) if self.frozen.size else subwords
        """The rows of each word that training moves."""

    @property
    def input_rows(self) -> int:
        """V + bucket."""
        return self.subwords.table_rows
