"""Differentiable ranks, and Spearman's correlation of them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_SMALLEST_SPREAD = 1e-12
"""Values with a smaller spread count as equal, which keeps the gradient finite."""


def soft_ranks(values: Tensor, softness: float) -> Tensor:
    r"""Return differentiable ranks from 1 to n, the smallest value first.

    .. math:: r_i = \tfrac12 + \sum_j \sigma\big((x_i - x_j) / \tau\big)

    For :math:`\tau \to 0` each term becomes 0, 1 or (for equal values) one half: the ranks of Spearman's correlation,
    with average ranks for ties. All pairs are compared, so time and memory grow with :math:`n^2`.

    Args:
        values: ``[..., n]``.
        softness: :math:`\tau`, above 0, in the unit of the values.

    Example:
        >>> soft_ranks(torch.tensor([0.3, -1.0, 0.3, 2.0]), 1e-3)
        tensor([2.5000, 1.0000, 2.5000, 4.0000])
    """
    differences = values.unsqueeze(-1) - values.unsqueeze(-2)
    return 0.5 + torch.sigmoid(differences / softness).sum(dim=-1)


def hard_ranks(values: Tensor) -> Tensor:
    """Return ranks ``[..., n]`` from 1 to n, with average ranks for ties: the limit of `soft_ranks`."""
    differences = values.unsqueeze(-1) - values.unsqueeze(-2)
    return 0.5 + torch.heaviside(differences, differences.new_tensor(0.5)).sum(dim=-1)


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Return Pearson's correlation ``[...]`` of two series ``[..., n]``; 0 where one of them is constant."""
    x, y = (functional.normalize(each - each.mean(dim=-1, keepdim=True), dim=-1) for each in (x, y))
    return (x * y).sum(dim=-1)


def standardised(values: Tensor) -> Tensor:
    """Return values ``[..., n]`` divided by their standard deviation: softness is then in standard deviations."""
    return values / values.std(dim=-1, correction=0, keepdim=True).clamp_min(_SMALLEST_SPREAD)


def soft_spearman(x: Tensor, y_ranks: Tensor, softness: float) -> Tensor:
    """Return Spearman's correlation ``[...]`` of values ``[..., n]`` and given ranks, differentiable in the values.

    ``softness`` is that of the ranks of ``x``, above 0, in standard deviations of ``x``. As it goes to 0, the result
    becomes Spearman's correlation; for large values, Pearson's correlation of ``x`` and the ranks.
    """
    return correlation(soft_ranks(standardised(x), softness), y_ranks)
