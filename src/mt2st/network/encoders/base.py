"""What every encoder takes and gives."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Encoded:
    """A batch of encoded texts.

    Attributes:
        states: ``[batch, length, state_size]``, one vector a token, for tasks that tag; undefined at padding.
        pooled: ``[batch, pooled_size]``, one vector a text, for tasks that classify.
    """

    states: Tensor
    pooled: Tensor


class Encoder(nn.Module):
    """The paper's shared layers: word vectors of a batch in, features for every task's head out.

    An encoder sees at least one real token in each text, real tokens first and padding behind them, and its results
    must not depend on the padding. Where no gradient is kept, two batches may be in `forward` at once, on threads: it
    keeps nothing of a batch in the module.

    Attributes:
        state_size: size of the vector of a token.
        pooled_size: size of the vector of a text.
    """

    state_size: int
    pooled_size: int

    @abstractmethod
    def forward(self, vectors: Tensor, mask: Tensor) -> Encoded:
        """Encode a batch.

        Args:
            vectors: ``[batch, length, vector_size]``, of any value where padded.
            mask: ``[batch, length]``, true at real tokens.
        """

    def __call__(self, vectors: Tensor, mask: Tensor) -> Encoded:
        """Run `forward` and the module's hooks."""
        encoded: Encoded = super().__call__(vectors, mask)
        return encoded
