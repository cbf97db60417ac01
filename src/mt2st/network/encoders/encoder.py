"""The base class of encoders: what they take and give, how they are found by name, and how they pool vectors."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from mt2st.errors import InputError, listed, suggestion


@dataclass(frozen=True)
class Encoded:
    """A batch of encoded texts.

    Attributes:
        states: ``[batch, length, state_size]``, a vector per token, for taggers; undefined at padding.
        pooled: ``[batch, pooled_size]``, a vector per text, for classifiers.
    """

    states: Tensor
    pooled: Tensor


class Encoder(nn.Module):
    """The paper's shared layers: word vectors of a batch in, features for every task's head out.

    To add an encoder, write a subclass in a file of its own. It is registered under its `name` when it is defined, and
    then works wherever an encoder is named.

    An encoder sees at least one real token in each text, real tokens first and padding after them. Its results must not
    depend on the padding. In evaluation, several threads may call `forward` at once, so it keeps nothing of a batch in
    the module.

    Attributes:
        state_size: size of a token's vector.
        pooled_size: size of a text's vector.

    Example:
        >>> class FirstWord(Encoder):
        ...     name = "first-word"
        ...     learning_rates = (5e-3, 3e-4)
        ...
        ...     def __init__(self, vector_size):
        ...         super().__init__()
        ...         self.state_size = self.pooled_size = vector_size
        ...
        ...     @classmethod
        ...     def build(cls, vector_size, hidden_size, pooling):
        ...         return cls(vector_size)
        ...
        ...     def forward(self, vectors, mask):
        ...         return Encoded(vectors, vectors[:, 0])
        >>> encoder_class("first-word").learning_rates
        (0.005, 0.0003)
    """

    name: ClassVar[str] = ""
    """The name in settings and on the command line; the class's name in lower case unless the class gives its own."""
    learning_rates: ClassVar[tuple[float, float]] = (1e-3, 1e-3)
    """Default learning rates of AdamW: of encoder and heads, and of the embedding."""
    feedback_every: ClassVar[int] = 10
    """Default steps between two measurements of the feedback loop: below 3 % of the training time."""

    state_size: int
    pooled_size: int

    _registered: ClassVar[dict[str, type[Encoder]]] = {}

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__.lower()
        other = Encoder._registered.get(cls.name)
        # A class that is defined again, as in a notebook's cell, replaces its earlier definition.
        if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise InputError(
                f"the encoder {cls.__module__}.{cls.__qualname__} has the name '{cls.name}' of "
                f"{other.__module__}.{other.__qualname__}: give it another class attribute `name`"
            )
        Encoder._registered[cls.name] = cls

    @classmethod
    def build(cls, vector_size: int, hidden_size: int, pooling: str) -> Self:
        """Return a new encoder by a model's settings; an encoder without one of them overrides this.

        Args:
            vector_size: size of the word vectors.
            hidden_size: the setting ``hidden_size``.
            pooling: the setting ``pooling``: ``"max"``, ``"mean"`` or ``"attention"``.
        """
        return cls(vector_size, hidden_size, pooling)

    @abstractmethod
    def forward(self, vectors: Tensor, mask: Tensor) -> Encoded:
        """Encode a batch.

        Args:
            vectors: ``[batch, length, vector_size]``, of any value at padding.
            mask: ``[batch, length]``, true at real tokens.
        """

    def __call__(self, vectors: Tensor, mask: Tensor) -> Encoded:
        """Run `forward` and the module's hooks."""
        encoded: Encoded = super().__call__(vectors, mask)
        return encoded


def encoder_names() -> tuple[str, ...]:
    """Return the names of all encoders defined so far."""
    return tuple(Encoder._registered)


def encoder_class(name: str) -> type[Encoder]:
    """Return the encoder of that name.

    Raises:
        InputError: no encoder has that name.
    """
    known = Encoder._registered
    if name not in known:
        raise InputError(f"unknown encoder '{name}'.{suggestion(name, known)} Known: {listed(known)}")
    return known[name]


def build_encoder(name: str, *, vector_size: int, hidden_size: int = 256, pooling: str = "max") -> Encoder:
    """Return a new encoder by its name.

    Args:
        name: one of `encoder_names`.
        vector_size: size of the word vectors.
        hidden_size: state of each direction of the BiLSTM, or filters of each width of the CNN; the mean has none.
        pooling: pooling of token states into one vector per text; the mean has none.

    Raises:
        InputError: the name or the pooling is unknown.
    """
    return encoder_class(name).build(vector_size, hidden_size, pooling)


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
