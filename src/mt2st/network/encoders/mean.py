"""The mean of the word vectors: the smallest encoder, fastText's classifier when a linear head follows."""

from __future__ import annotations

from typing import Self

from torch import Tensor

from mt2st.network.encoders.encoder import Encoded, Encoder, MeanPooling


class Mean(Encoder):
    """The mean of a text's word vectors (Joulin et al. 2016); a token's state is its word vector.

    Args:
        vector_size: size of the word vectors.
    """

    name = "mean"
    learning_rates = (5e-3, 3e-4)
    feedback_every = 20

    def __init__(self, vector_size: int) -> None:
        super().__init__()
        self.state_size = self.pooled_size = vector_size
        self.pooling = MeanPooling()

    @classmethod
    def build(cls, vector_size: int, hidden_size: int, pooling: str) -> Self:  # noqa: ARG003
        """Return a new encoder; it has neither hidden states nor a choice of pooling."""
        return cls(vector_size)

    def forward(self, vectors: Tensor, mask: Tensor) -> Encoded:
        """Encode a batch, as `Encoder.forward` describes."""
        return Encoded(vectors, self.pooling(vectors, mask))
