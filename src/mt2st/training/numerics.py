"""Arithmetic on gradients that a training run needs: rows that are zero, and norms."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def rows_with_gradient(gradient: Tensor) -> Tensor:
    """Return the rows, ``[n]``, of a gradient ``[vocabulary, vector_size]`` that are not zero.

    By their norms, which is the fastest way. Rows so small that their squares vanish count as zero.
    """
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=1)
    return norms.nonzero().squeeze(1)


def gradient_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Return the 2-norm of all gradients together; parameters without one count as zero."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return float(nn.utils.get_total_norm(gradients)) if gradients else 0.0
