"""Compiled updates of word vectors (Numba): Skip-gram and CBOW with negative sampling, on words or on subwords.

A kernel updates two tables in place, which torch may own, from a slice of an encoded corpus. `ContextKernel` states the
objective; `sample_pairs` replays a call's random choices for a reference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt2st._settings import checked
from mt2st.embedding.kernels.cbow import CbowKernel, CbowSubwordKernel
from mt2st.embedding.kernels.compiled import drop_outdated
from mt2st.embedding.kernels.context import ContextKernel, KernelReport
from mt2st.embedding.kernels.replay import PairBlock, sample_pairs
from mt2st.embedding.kernels.skipgram import SkipGramKernel, SkipGramSubwordKernel
from mt2st.embedding.settings import Method, WordVectorSettings
from mt2st.embedding.subwords import SubwordRows

__all__ = [
    "CbowKernel",
    "CbowSubwordKernel",
    "ContextKernel",
    "KernelReport",
    "PairBlock",
    "SkipGramKernel",
    "SkipGramSubwordKernel",
    "kernel_for",
    "sample_pairs",
]

drop_outdated()  # before any kernel runs: that is when Numba looks into its cache

_KERNELS = {kernel.method: kernel for kernel in (SkipGramKernel, CbowKernel, SkipGramSubwordKernel, CbowSubwordKernel)}


def kernel_for(
    method: Method | str,
    counts: NDArray[np.int64],
    *,
    subwords: SubwordRows | None = None,
    window: int = 5,
    negative: int = 5,
    sample: float = 1e-3,
    ns_exponent: float = 0.75,
    seed: int = 1,
    frozen: NDArray[np.bool_] | None = None,
    block: int | None = None,
) -> ContextKernel:
    """Return the kernel of a method; the arguments are those of `ContextKernel`.

    Raises:
        InputError: an unknown method, or as `ContextKernel`.
    """
    checked(WordVectorSettings, method=method)
    return _KERNELS[method](
        counts,
        subwords=subwords,
        window=window,
        negative=negative,
        sample=sample,
        ns_exponent=ns_exponent,
        seed=seed,
        frozen=frozen,
        block=block,
    )
