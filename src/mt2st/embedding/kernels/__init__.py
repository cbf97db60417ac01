"""Compiled updates of word vectors (Numba): Skip-gram and CBOW with negative sampling, on words or on subwords.

A kernel updates two tables in place, which torch may own, from a slice of an encoded corpus. `ContextKernel` states the
objective; `sample_pairs` replays a call's random choices for a reference.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st._settings import checked
from mt2st.embedding.kernels.cbow import CbowKernel, CbowSubwordKernel
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

_STAMP = "sources.stamp"


def drop_outdated(folder: Path) -> None:
    """Forget all compiled kernels in ``folder/__pycache__`` if a source file of the folder changed since the last call.

    Numba recompiles a cached function when its own file changes, but not when a file changes of which it has inlined
    functions: after an update of `windows.py` alone, the kernels would keep the old windows. Where the folder
    cannot be written to, nothing happens: then nobody edits the sources in place either.
    """
    cache = folder / "__pycache__"
    sources = [(path.name, path.stat()) for path in sorted(folder.glob("*.py"))]
    stamp = "".join(f"{name} {status.st_mtime_ns} {status.st_size}\n" for name, status in sources)
    with suppress(OSError):
        if (cache / _STAMP).is_file() and (cache / _STAMP).read_text() == stamp:
            return
        cache.mkdir(exist_ok=True)
        for index in cache.glob("*.nbi"):
            index.unlink(missing_ok=True)
        (cache / _STAMP).write_text(stamp)


drop_outdated(Path(__file__).parent)  # before any kernel runs: that is when Numba looks into its cache

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
