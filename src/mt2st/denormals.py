"""Numbers too small for full precision, which processors are slow with: whether a thread treats them as zero."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat numbers too small for full precision as zero.

    Without this, a run that drives activations towards zero can become many times slower for no reason of the method:
    arithmetic on denormal numbers takes a slow path in the processor. The previous state is restored, but on builds
    that cannot report it, which stay flushed.

    The state belongs to a thread. The threads of torch's pool take it over when torch makes them, at the first large
    operation of the process: those that were made before keep theirs.
    """
    before = flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def flushes_denormals() -> bool:
    """Return whether this thread treats them as zero."""
    return bool((torch.tensor([1e-39], dtype=torch.float32, device="cpu") * 1.0 == 0).item())
