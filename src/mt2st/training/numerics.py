"""Arithmetic that a training run needs: the machine's settings, put back when it ends, zero rows and norms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat numbers too small for full precision as zero.

    Without this, a run that drives activations towards zero can become many times slower for no reason of the method:
    arithmetic on denormal numbers takes a slow path in the processor. The previous state is restored, but on builds
    that cannot report it, which stay flushed.

    The state belongs to a thread. The threads of torch's pool take it over when torch makes them, at the first large
    operation of the process: those that were made before keep theirs.
    """
    before = _flushes()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def rows_with_gradient(gradient: Tensor) -> Tensor:
    """Return the rows, ``[n]``, of a gradient ``[vocabulary, vector_size]`` that are not zero.

    By their norms, which is the fastest way. Rows so small that their squares vanish count as zero.
    """
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=1)
    return norms.nonzero().squeeze(1)


def _flushes() -> bool:
    return bool((torch.tensor([1e-39], dtype=torch.float32) * 1.0 == 0).item())


def gradient_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Return the 2-norm of all gradients together; parameters without one count as zero."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return float(nn.utils.get_total_norm(gradients)) if gradients else 0.0
