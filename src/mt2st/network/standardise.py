"""Features brought to mean 0 and variance 1 before a classifier reads them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SLOWEST = 0.05
"""Least share that a batch has in the running mean and variance: they look back over some twenty batches."""
SMALLEST_VARIANCE = 1e-8


class Standardise(nn.Module):
    """``(x - mean) / sqrt(variance)``, each feature by its running mean and variance over the batches so far.

    The means of texts' word vectors lie close together, far from 0: what tells one text from another is a small part of
    them, and a linear layer learns from it slowly. Standardised, all directions are learnt at one rate.

    Unlike batch normalisation (Ioffe and Szegedy 2015) it does the same in training as afterwards, lets no text of a
    batch see the others and takes batches of one; mean and variance are no part of the gradient.

    Args:
        size: number of features.
    """

    mean: Tensor
    variance: Tensor
    batches: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))
        self.register_buffer("batches", torch.tensor(0))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape ``[batch, size]``; in training, take the batch in first."""
        if self.training and len(features):
            self._take_in(features.detach())
        return (features - self.mean) * torch.rsqrt(self.variance + SMALLEST_VARIANCE)

    @torch.no_grad()
    def settle(self, mean: Tensor, variance: Tensor) -> None:
        """Take mean and variance, ``[size]`` each, of many texts in place of the running ones, which go on slowly."""
        self.mean.copy_(mean)
        self.variance.copy_(variance)
        self.batches.clamp_(min=round(1 / SLOWEST))

    @torch.no_grad()
    def _take_in(self, features: Tensor) -> None:
        # Equal shares for the first batches, so that the first one counts in full and no start value lingers.
        self.batches += 1
        share = max(SLOWEST, 1.0 / int(self.batches))
        self.mean.lerp_(features.mean(dim=0), share)
        self.variance.lerp_((features - self.mean).square().mean(dim=0), share)
