"""Compiled updates of word vectors (Numba): Skip-gram and CBOW with negative sampling, on words or on subwords.

A kernel writes straight into two tables that somebody else may own (torch, for one), from a slice of an encoded corpus,
with a weight. `ContextKernel` states the objective; `sample_pairs` replays a call's random choices for a reference.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.kernels.cbow import CbowKernel, CbowSubwordKernel
from mt2st.embedding.kernels.compiled import drop_outdated
from mt2st.embedding.kernels.context import ContextKernel, KernelReport, SubwordContextKernel
from mt2st.embedding.kernels.replay import PairBlock, sample_pairs
from mt2st.embedding.kernels.skipgram import SkipGramKernel, SkipGramSubwordKernel
from mt2st.embedding.subwords import SubwordRows
from mt2st.errors import InputError, listed, suggestion

__all__ = [
    "CbowKernel",
    "CbowSubwordKernel",
    "ContextKernel",
    "KernelReport",
    "PairBlock",
    "SkipGramKernel",
    "SkipGramSubwordKernel",
    "SubwordContextKernel",
    "kernel_for",
    "sample_pairs",
]

drop_outdated()  # before any kernel runs: that is when Numba looks into its cache

_KERNELS = {kernel.method: kernel for kernel in (SkipGramKernel, CbowKernel)}
_SUBWORD_KERNELS = {kernel.method: kernel for kernel in (SkipGramSubwordKernel, CbowSubwordKernel)}
_METHODS = (*_KERNELS, *_SUBWORD_KERNELS)


def kernel_for(
    method: Literal["skipgram", "cbow", "skipgram-fasttext", "cbow-fasttext"] | str,
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
    """Return the kernel of a method.

    Args:
        method: ``"skipgram"``, ``"cbow"``, ``"skipgram-fasttext"`` or ``"cbow-fasttext"``.
        counts: as for `ContextKernel`, like the settings that follow.
        subwords: the rows of each word, for the two last methods and for them alone.
        window: the widest reach of a context.
        negative: the weight of noise.
        sample: subsampling threshold.
        ns_exponent: power of the counts for the noise.
        seed: any integer.
        frozen: rows of the input table that stay as they are.
        block: centres that are updated together at least; None leaves it to the kernel.

    Raises:
        InputError: an unknown method, a setting out of its range, or subwords that are missing or not wanted.
    """
    if method not in _METHODS:
        raise InputError(f"unknown method '{method}': choose from {listed(_METHODS)}.{suggestion(method, _METHODS)}")
    if (method in _SUBWORD_KERNELS) != (subwords is not None):
        raise InputError(f"subwords are for the methods {listed(_SUBWORD_KERNELS)}; found {method!r} and {subwords!r}")
    make: Callable[..., ContextKernel] = (
        _KERNELS[method] if subwords is None else partial(_SUBWORD_KERNELS[method], subwords=subwords)
    )
    return make(
        counts,
        window=window,
        negative=negative,
        sample=sample,
        ns_exponent=ns_exponent,
        seed=seed,
        frozen=frozen,
        block=block,
    )
