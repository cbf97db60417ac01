"""One embedding, one shared encoder, one head a task; between them standardised features, or a task-specific layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from mt2st.network.encoders import Encoded, Encoder
from mt2st.network.subword_embedding import Spelling, SubwordEmbedding
from mt2st.text import PAD

SLOWEST = 0.05
"""Smallest share of a batch in the running mean and variance: they average over about twenty batches."""
SMALLEST_VARIANCE = 1e-8


class Standardise(nn.Module):
    """``(x - mean) / sqrt(variance)``, with each feature's running mean and variance over the batches so far.

    Means of word vectors lie close together and far from 0: the difference between two texts is a small part of them,
    which a linear layer learns slowly. Standardised, all directions are learned at one rate.

    Unlike batch normalisation (Ioffe and Szegedy 2015), it does the same in training and evaluation, no text sees the
    others of its batch, batches of one work, and no gradient goes through mean and variance.

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
        self.add_up: Callable[[Tensor], None] | None = None
        """Adds up a tensor over the processes that train together, in place; None in one process."""

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape ``[batch, size]``; in training, update mean and variance first."""
        if self.training and len(features):
            self._take_in(features.detach())
        return (features - self.mean) * torch.rsqrt(self.variance + SMALLEST_VARIANCE)

    @torch.no_grad()
    def settle(self, mean: Tensor, variance: Tensor) -> None:
        """Set mean and variance, ``[size]`` each, to those of many texts; later batches update them slowly."""
        self.mean.copy_(mean)
        self.variance.copy_(variance)
        self.batches.clamp_(min=round(1 / SLOWEST))

    @torch.no_grad()
    def _take_in(self, features: Tensor) -> None:
        # Equal shares for the first batches, so that the first one counts in full and no start value lingers.
        self.batches += 1
        share = (1 / self.batches).clamp(min=SLOWEST)  # on the device: the host does not wait for it
        self.mean.lerp_(self._mean_of(features), share)
        self.variance.lerp_(self._mean_of((features - self.mean).square()), share)

    def _mean_of(self, values: Tensor) -> Tensor:
        """Return the mean over the batch, of which each process may have a part."""
        if self.add_up is None:
            return values.mean(dim=0)
        total = torch.cat([values.sum(dim=0), values.new_tensor([len(values)])])
        self.add_up(total)
        return total[:-1] / total[-1]


class TaskLayer(nn.Module):
    """A layer of a task's own above the shared encoder, for the single-task phase of Switch (section III-E).

    It returns its input until it is activated, then ``x + V tanh(U x)``. ``V`` starts at 0, so activation does not
    change the output: training goes on from the multi-task result, as adapters do (Houlsby et al. 2019, arXiv
    1902.00751). Until then its parameters get no gradient, and no optimizer moves them.

    Args:
        size: size of the vectors.
        hidden_size: rows of ``U``; as many as ``size`` if not given.
    """

    def __init__(self, size: int, hidden_size: int | None = None) -> None:
        super().__init__()
        self.down = nn.Linear(size, hidden_size or size)
        self.up = nn.Linear(hidden_size or size, size)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)
        self.register_buffer("active", torch.tensor(False))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return vectors of the same shape ``[..., size]``."""
        if not self.active:
            return vectors
        added: Tensor = self.up(torch.tanh(self.down(vectors)))
        return vectors + added


def activate_task_layers(network: nn.Module) -> None:
    """Activate every `TaskLayer` of a network: an action at the transition (`mt2st.training.TransitionActions`)."""
    for module in network.modules():
        if isinstance(module, TaskLayer):
            module.active.fill_(True)  # type: ignore[operator]  # a registered buffer


class Network(nn.Module):
    """The paper's model: embedding layer, shared layers, task-specific heads (section III-B).

    Args:
        embedding: the shared word embedding, ``[vocabulary, vector_size]``; row 0 is padding. Or one that makes words
            of their n-grams.
        encoder: the shared layers.
        heads: one module a task that has its own layer; each takes what its task gives it.
        dropout: share of the features dropped behind the embedding and before each classification head, in [0, 1).
        word_dropout: share of the word vectors that are dropped whole while training, in [0, 1).
        standardise: bring each feature of a text's vector to mean 0 and variance 1 before a classification head.
        spelling: vectors of the words' spelling; the encoder reads them behind the word vectors.
    """

    def __init__(
        self,
        embedding: nn.Embedding | SubwordEmbedding,
        encoder: Encoder,
        heads: Mapping[str, nn.Module],
        *,
        dropout: float = 0.0,
        word_dropout: float = 0.0,
        standardise: bool = False,
        spelling: Spelling | None = None,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.encoder = encoder
        self.heads = nn.ModuleDict(heads)
        self.dropout = nn.Dropout(dropout)
        self.word_dropout = word_dropout
        self.standardise = Standardise(encoder.pooled_size) if standardise else nn.Identity()
        self.spelling = spelling

    def on(self, embedding: nn.Embedding | SubwordEmbedding, spelling: Spelling | None = None) -> Network:
        """Return a network on another embedding and spelling that shares all other modules with this one."""
        network = Network(
            embedding,
            self.encoder,
            dict(self.heads),
            dropout=self.dropout.p,
            word_dropout=self.word_dropout,
            spelling=spelling,
        )
        network.standardise = self.standardise
        return network.train(self.training)

    def encode(self, ids: Tensor) -> Encoded:
        """Encode a batch of texts.

        Args:
            ids: ``[batch, length]`` token ids, `PAD` behind each text; at least one real token in each. With `spelling`
                also its ids.
        """
        mask = ids != PAD
        vectors = self.embedding(ids if self.spelling is None else self.spelling.words[ids])
        if self.training and self.word_dropout:
            kept = torch.rand(ids.shape, device=ids.device) >= self.word_dropout
            vectors = vectors * kept.unsqueeze(2)
        if self.spelling is not None:  # of dropped words too, which teaches to read it where a word is unknown
            vectors = torch.cat([vectors, self.spelling(ids)], dim=2)
        return self.encoder(self.dropout(vectors), mask)

    def logits(self, task: str, ids: Tensor) -> Tensor:
        """Return ``[batch, classes]`` scores of a classification task for a batch of texts, as `encode` takes it."""
        scores: Tensor = self.heads[task](self.dropout(self.standardise(self.encode(ids).pooled)))
        return scores

    def token_logits(self, task: str, ids: Tensor, at: Tensor) -> Tensor:
        """Return ``[n, tags]`` scores of a tagging task for the ``n`` tokens where ``at`` is true, row after row.

        Args:
            task: name of the task's head.
            ids: ``[batch, length]`` token ids, as `encode` takes them.
            at: ``[batch, length]`` booleans, false at padding.
        """
        scores: Tensor = self.heads[task](self.dropout(self.encode(ids).states[at]))
        return scores
