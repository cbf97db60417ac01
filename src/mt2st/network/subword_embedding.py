"""A word embedding whose words are made of their own row and the rows of their n-grams."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mt2st.embedding.subwords import KnownSubwords, WordBags


class SubwordEmbedding(nn.Module):
    r"""The shared embedding in fastText's form: takes the place of `torch.nn.Embedding`.

    The vector of word :math:`w` with the rows :math:`R_w`, its own and its n-grams', is

    .. math:: e_w = \frac{1}{|R_w|} \sum_{r \in R_w} \theta_r, \qquad
              \frac{\partial L}{\partial \theta_r} = \sum_{w: r \in R_w} \frac{1}{|R_w|} \frac{\partial L}{\partial e_w}

    (Bojanowski et al. 2017). So what the primary task learns of a word reaches all words with the same n-grams, those
    that no training text holds among them. The compiled kernels of the context task write into the same table
    :math:`\theta`.

    A batch's words are composed once each, however often they occur.

    Args:
        weight: the table :math:`\theta`, ``[V + K, vector_size]``.
        subwords: the rows of the vocabulary's V words.
        further: words with the ids from V on, made of the same table's rows.

    Attributes:
        weight: the table, a parameter.
        subwords: as given.
    """

    is_lookup = True
    """Operations are counted as those of lookups (`mt2st.training.flops`)."""

    offsets: Tensor
    rows: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor, subwords: KnownSubwords, further: WordBags | None = None) -> None:
        super().__init__()
        self.weight = weight if isinstance(weight, nn.Parameter) else nn.Parameter(weight)
        self.subwords = subwords
        bags = subwords.bags if further is None else subwords.bags.followed_by(further)
        # Rebuilt from vocabulary and settings, so not part of the saved model.
        self.register_buffer("offsets", torch.from_numpy(bags.offsets), persistent=False)
        self.register_buffer("rows", torch.from_numpy(bags.rows), persistent=False)
        self.register_buffer("scale", torch.from_numpy(bags.scale), persistent=False)

    @property
    def device(self) -> torch.device:
        """Where the table is."""
        return self.weight.device

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors ``[..., vector_size]`` of words ``[...]``; that of padding is zero."""
        words, places = torch.unique(ids.to(self.device), return_inverse=True)
        return functional.embedding(places, self._composed(words))

    def vectors(self) -> Tensor:
        """Return ``[V, vector_size]``: all words of the vocabulary; padding is zero."""
        return self._composed(torch.arange(self.subwords.rows.n_words, device=self.device))

    def with_words(self, further: WordBags | None) -> SubwordEmbedding:
        """Return an embedding of the vocabulary and of other further words than these, if any, on the same table."""
        return SubwordEmbedding(self.weight, self.subwords, further).to(self.device)

    def _composed(self, words: Tensor) -> Tensor:
        sizes = self.offsets[words + 1] - self.offsets[words]
        starts = sizes.cumsum(0) - sizes
        at = torch.repeat_interleave(self.offsets[words] - starts, sizes)
        rows = self.rows[at + torch.arange(len(at), device=at.device)]
        sums = functional.embedding_bag(rows, self.weight, starts, mode="sum")
        return sums * self.scale[words].unsqueeze(1)
