"""One embedding, one shared encoder, one head a task."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mt2st.network.encoders import Encoded, Encoder
from mt2st.network.layers import Standardise
from mt2st.network.spelling import Spelling
from mt2st.network.subword_embedding import SubwordEmbedding
from mt2st.text import PAD


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
