"""A linear classifier on hashed n-grams of words, beside the encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

MULTIPLIER = 0x9E3779B97F4A7C15 - 2**64
"""Odd, with well mixed bits: 2**64 over the golden ratio (Knuth's multiplicative hashing), as a signed number."""
SCALE = 5.0
"""AdamW moves each entry by about its rate a step, whatever its gradient. At the heads' rates of 2e-3 and 5e-3 these
scores learn as at 1e-2 and 2.5e-2, which were best beside a linear head (benchmarks/NOTES.md)."""
MIXED_BITS = 20
"""The lowest bits of a product hang on few bits of its factors: they are shifted out."""


class NgramScores(nn.Module):
    """Scores of classes by which n-grams of words a text has: ``5 * sum of table[n-gram] / sqrt(number of n-grams)``.

    Each different n-gram counts once, as in NB-SVM (Wang and Manning 2012); n-grams share rows by their hash, as in
    fastText (Joulin et al. 2016). It starts at 0, where it says nothing, and learns by heart what single words and
    phrases say. Beside an encoder that reads word vectors it errs elsewhere: the mean of both is better than either.

    Args:
        n_classes: number of classes.
        longest: words of the longest n-grams, at least 1; all shorter ones count, too.
        buckets: rows of the table.
    """

    def __init__(self, n_classes: int, longest: int = 2, buckets: int = 2**18) -> None:
        super().__init__()
        self.longest = longest
        self.table = nn.Parameter(torch.zeros(buckets, n_classes))

    def forward(self, ids: Tensor) -> Tensor:
        """Return ``[batch, n_classes]`` scores.

        Args:
            ids: ``[batch, length]`` token ids, 0 behind each text; at least one real token in each.
        """
        rows = self._rows(ids).sort(dim=1).values
        counted = rows >= 0
        counted[:, 1:] &= rows[:, 1:] != rows[:, :-1]
        weights = SCALE * counted / counted.sum(dim=1, keepdim=True).sqrt()
        return functional.embedding_bag(
            rows.clamp(min=0), self.table, per_sample_weights=weights.to(self.table.dtype), mode="sum"
        )

    def _rows(self, ids: Tensor) -> Tensor:
        """Return ``[batch, n-grams]`` rows of the table, -1 for n-grams that reach into padding."""
        rows, keys = [], torch.zeros_like(ids)
        for n in range(min(self.longest, ids.shape[1])):
            last = ids[:, n:]
            keys = (keys[:, : last.shape[1]] + last) * MULTIPLIER  # int64 wraps around, on every device
            row = torch.remainder(keys >> MIXED_BITS, len(self.table))
            rows.append(row.masked_fill(last == 0, -1))
        return torch.cat(rows, dim=1)
