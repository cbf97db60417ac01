"""The paper's encoder: a bidirectional LSTM (hidden size 256)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mt2st.network.encoders.encoder import Encoded, Encoder, build_pooling


class BiLSTM(Encoder):
    """One LSTM reads each text forwards, another one backwards; their states are joined and pooled.

    The second LSTM reads each text reversed within its own length, so padding always comes last and is never read. This
    gives what packed sequences give, at less than a quarter of their cost on a CPU: torch's fused CPU kernel does not
    take packed sequences.

    Args:
        vector_size: size of the word vectors.
        hidden_size: size of each direction's state; the paper's is 256.
        pooling: ``"max"``, ``"mean"`` or ``"attention"``.
    """

    name = "bilstm"
    learning_rates = (2e-3, 1e-3)

    def __init__(self, vector_size: int, hidden_size: int = 256, pooling: str = "max") -> None:
        super().__init__()
        self.forwards = nn.LSTM(vector_size, hidden_size, batch_first=True)
        self.backwards = nn.LSTM(vector_size, hidden_size, batch_first=True)
        self.state_size = self.pooled_size = 2 * hidden_size
        self.pooling = build_pooling(pooling, self.state_size)

    def forward(self, vectors: Tensor, mask: Tensor) -> Encoded:
        """Encode a batch, as `Encoder.forward` describes."""
        reversal = _reversal(mask)
        ahead, _ = self.forwards(vectors)
        behind, _ = self.backwards(_reordered(vectors, reversal))
        states = torch.cat([ahead, _reordered(behind, reversal)], dim=2)
        return Encoded(states, self.pooling(states, mask))


def _reversal(mask: Tensor) -> Tensor:
    """Return ``[batch, length]`` positions that reverse each text within its length and leave padding where it is."""
    positions = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    mirrored = mask.sum(dim=1, keepdim=True) - 1 - positions
    return torch.where(mask, mirrored, positions)


def _reordered(values: Tensor, positions: Tensor) -> Tensor:
    return values.gather(1, positions.unsqueeze(2).expand(-1, -1, values.shape[2]))
