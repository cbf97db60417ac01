"""Parts of words in their vectors: an embedding of words and their n-grams, and what their spelling adds."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mt2st.embedding.subwords import KnownSubwords, WordBags
from mt2st.text.spelling import SpelledWords


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


SIZE = 64
"""Numbers that spelling adds to a word's vector."""
N_ROWS = 16_384
"""Rows that the features share by their hash: about as many as there are different ones in 100,000 words."""
SCALE = 1 / 3
"""A word has nine features at most; the sum of nine independent vectors is three times as long as one."""
FIRST_SCALE = 0.1
"""Standard deviation of the first values."""


class Spelling(nn.Module):
    r"""Vectors of words as they are spelled, which the network reads next to the words' own vectors.

    A word with the features :math:`F`, its affixes and its shape (`mt2st.text.spelling`), has the vector

    .. math:: s = \frac{1}{3} \sum_{f \in F} \theta_f

    So what training teaches of an affix reaches all words that have it, also those that no training text has.

    An id below V stands for a word of the vocabulary without its spelling, whose vector is 0: texts are read so that
    are not given as words. The ids from V on are words as they are spelled. A batch's words are composed once each.

    Args:
        n_words: V, the number of words in the vocabulary.
        spelled: the words with the ids from V on, with their features in a table of `N_ROWS`.
        table: the table :math:`\theta`, ``[N_ROWS, SIZE]``, shared with another module; a new one if not given.

    Attributes:
        table: the table, a parameter.
        words: ``[V + n]`` id in the vocabulary of each word.
    """

    is_lookup = True
    """Operations are counted as those of lookups (`mt2st.training.flops`)."""

    words: Tensor
    rows: Tensor
    offsets: Tensor

    def __init__(self, n_words: int, spelled: SpelledWords | None = None, table: nn.Parameter | None = None) -> None:
        super().__init__()
        self.n_words = n_words
        self.table = nn.Parameter(torch.randn(N_ROWS, SIZE) * FIRST_SCALE) if table is None else table
        words, rows = torch.arange(n_words), torch.empty(0, dtype=torch.long)
        offsets = torch.zeros(n_words + 1, dtype=torch.long)
        if spelled is not None:
            words = torch.cat([words, torch.from_numpy(spelled.words)])
            rows = torch.from_numpy(spelled.rows)
            offsets = torch.cat([offsets[1:], torch.from_numpy(spelled.offsets)])
        # They belong to the texts that are read, not to the saved model.
        self.register_buffer("words", words, persistent=False)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("offsets", offsets, persistent=False)

    @property
    def size(self) -> int:
        """Numbers that it adds to a word's vector."""
        return self.table.shape[1]

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors ``[..., size]`` of ids ``[...]``."""
        found, places = torch.unique(ids, return_inverse=True)
        sizes = self.offsets[found + 1] - self.offsets[found]
        starts = sizes.cumsum(0) - sizes
        at = torch.repeat_interleave(self.offsets[found] - starts, sizes)
        rows = self.rows[at + torch.arange(len(at), device=at.device)]
        sums = functional.embedding_bag(rows, self.table, starts, mode="sum")
        return functional.embedding(places, SCALE * sums)

    def with_words(self, spelled: SpelledWords | None) -> Spelling:
        """Return a module with other words from V on, if any, on the same table."""
        return Spelling(self.n_words, spelled, self.table).to(self.table.device)
