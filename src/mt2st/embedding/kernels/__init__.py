"""Compiled updates of word vectors (Numba): Skip-gram and CBOW with negative sampling.

A kernel writes straight into two tables that somebody else may own (torch, for one), from a slice of an encoded corpus,
with a weight. `ContextKernel` states the objective; `sample_pairs` replays a call's random choices for a reference.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.kernels.cbow import CbowKernel
from mt2st.embedding.kernels.compiled import drop_outdated
from mt2st.embedding.kernels.context import ContextKernel, KernelReport
from mt2st.embedding.kernels.replay import PairBlock, sample_pairs
from mt2st.embedding.kernels.skipgram import SkipGramKernel
from mt2st.errors import InputError, listed, suggestion

__all__ = [
    "CbowKernel",
    "ContextKernel",
    "KernelReport",
    "PairBlock",
    "SkipGramKernel",
    "kernel_for",
    "sample_pairs",
]

drop_outdated()  # before any kernel runs: that is when Numba looks into its cache

_KERNELS: dict[str, type[ContextKernel]] = {kernel.method: kernel for kernel in (SkipGramKernel, CbowKernel)}


def kernel_for(
    method: Literal["skipgram", "cbow"] | str,
    counts: NDArray[np.int64],
    *,
    window: int = 5,
    negative: int = 5,
    sample: float = 1e-3,
    ns_exponent: float = 0.75,
    seed: int = 1,
) -> ContextKernel:
    """Return the kernel of a method, ``"skipgram"`` or ``"cbow"``; the other arguments are `ContextKernel`'s.

    Raises:
        InputError: an unknown method, or a setting out of its range.
    """
    if method not in _KERNELS:
        raise InputError(f"unknown method '{method}': choose from {listed(_KERNELS)}.{suggestion(method, _KERNELS)}")
    return _KERNELS[method](counts, window=window, negative=negative, sample=sample, ns_exponent=ns_exponent, seed=seed)
