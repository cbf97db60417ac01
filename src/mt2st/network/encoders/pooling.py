"""Ways to make one vector of a text out of the vectors of its tokens."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from mt2st.errors import InputError, listed, suggestion

PoolingName = Literal["max", "mean", "attention"]
POOLINGS: tuple[PoolingName, ...] = ("max", "mean", "attention")


class MaxPooling(nn.Module):
    """The largest value of each feature over the real tokens."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool ``states`` [batch, length, size] over the tokens where ``mask`` is true, to [batch, size]."""
        return states.masked_fill(~mask.unsqueeze(2), -torch.inf).amax(dim=1)


class MeanPooling(nn.Module):
    """The mean of each feature over the real tokens."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool ``states`` [batch, length, size] over the tokens where ``mask`` is true, to [batch, size]."""
        kept = states.masked_fill(~mask.unsqueeze(2), 0.0)
        return kept.sum(dim=1) / mask.sum(dim=1, keepdim=True).to(states.dtype)


class AttentionPooling(nn.Module):
    """A weighted mean with learned weights: a score per token by a tanh layer (Yang et al. 2016)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, 1, bias=False))

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool ``states`` [batch, length, size] over the tokens where ``mask`` is true, to [batch, size]."""
        clean = states.masked_fill(~mask.unsqueeze(2), 0.0)
        scores = self.score(clean).squeeze(2).masked_fill(~mask, -torch.inf)
        return torch.einsum("bt,bts->bs", scores.softmax(dim=1), clean)


def build_pooling(name: str, size: int) -> nn.Module:
    """Return the pooling of that name for token vectors of ``size``."""
    if name == "max":
        return MaxPooling()
    if name == "mean":
        return MeanPooling()
    if name == "attention":
        return AttentionPooling(size)
    raise InputError(f"unknown pooling '{name}'.{suggestion(name, POOLINGS)} Known: {listed(POOLINGS)}")
