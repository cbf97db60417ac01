"""Convolutions over word windows with max pooling (Kim 2014, arXiv 1408.5882)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from mt2st.network.encoders.encoder import Encoded, Encoder, build_pooling


class CNN(Encoder):
    """Filters over windows of several widths, joined.

    Args:
        vector_size: size of the word vectors.
        channels: number of filters of each width.
        widths: widths of the windows in words. Odd ones keep the windows centred on their word.
        pooling: ``"max"`` (the original's), ``"mean"`` or ``"attention"``.
    """

    name = "cnn"

    def __init__(
        self, vector_size: int, channels: int = 100, widths: Sequence[int] = (1, 3, 5), pooling: str = "max"
    ) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv1d(vector_size, channels, width, padding="same") for width in widths)
        self.state_size = self.pooled_size = channels * len(widths)
        self.pooling = build_pooling(pooling, self.state_size)

    @classmethod
    def build(cls, vector_size: int, hidden_size: int, pooling: str) -> Self:
        """Return a new encoder with ``hidden_size`` filters of each width."""
        return cls(vector_size, hidden_size, pooling=pooling)

    def forward(self, vectors: Tensor, mask: Tensor) -> Encoded:
        """Encode a batch, as `Encoder.forward` describes."""
        # A window that reaches behind a text must read zeros there, as it does behind the longest of the batch.
        by_channel = vectors.masked_fill(~mask.unsqueeze(2), 0.0).transpose(1, 2)
        states = torch.cat([each(by_channel) for each in self.convolutions], dim=1).relu().transpose(1, 2)
        return Encoded(states, self.pooling(states, mask))
