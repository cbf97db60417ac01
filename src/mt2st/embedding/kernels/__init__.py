"""Compiled updates of word vectors (Numba): Skip-gram and CBOW with negative sampling, on words or on subwords.

A kernel updates two tables in place, which torch may own, from a slice of an encoded corpus. `ContextKernel` states the
objective.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from mt2st.embedding.kernels.cbow import CbowKernel, CbowSubwordKernel
from mt2st.embedding.kernels.context import ContextKernel, KernelReport
from mt2st.embedding.kernels.skipgram import SkipGramKernel, SkipGramSubwordKernel

__all__ = [
    "KERNELS",
    "CbowKernel",
    "CbowSubwordKernel",
    "ContextKernel",
    "KernelReport",
    "SkipGramKernel",
    "SkipGramSubwordKernel",
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

KERNELS: dict[str, type[ContextKernel]] = {
    kernel.method: kernel for kernel in (SkipGramKernel, CbowKernel, SkipGramSubwordKernel, CbowSubwordKernel)
}
"""The kernel of each method."""
