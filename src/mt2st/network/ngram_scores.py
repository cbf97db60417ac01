"""A linear classifier on hashed n-grams of words, beside the encoder."""

from __future__ import annotations

from collections.abc import Iterable

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
SMOOTHING = 1.0
"""Added to the counts of every n-gram, as Wang and Manning do."""


class NgramScores(nn.Module):
    """Scores of classes by which n-grams of words a text has.

    They are ``5 * sum of table[n-gram] * ratios[n-gram] / sqrt(number of n-grams)``. Each different n-gram counts once,
    and has a value, if asked: its log-count ratio, both as in NB-SVM (Wang and Manning 2012). N-grams share rows by
    their hash, as in fastText (Joulin et al. 2016). The table starts at 0, where it says nothing, and learns by heart
    what single words and phrases say. Beside an encoder that reads word vectors it errs elsewhere: the mean of both is
    better than either.

    AdamW moves each entry of the table by about the same, so that without ratios the many n-grams that all classes have
    in common move a score as much as the few that tell them apart.

    Args:
        n_classes: number of classes.
        longest: words of the longest n-grams, at least 1; all shorter ones count, too.
        buckets: rows of the table.
        ratios: keep a ratio for every entry of the table: 1 until `weigh` has counted. Otherwise there are none.
    """

    ratios: Tensor | None

    def __init__(self, n_classes: int, longest: int = 2, buckets: int = 2**18, *, ratios: bool = False) -> None:
        super().__init__()
        self.longest = longest
        self.table = nn.Parameter(torch.zeros(buckets, n_classes))
        self.register_buffer("ratios", torch.ones(buckets, n_classes) if ratios else None)

    @torch.no_grad()
    def weigh(self, texts: Iterable[tuple[Tensor, Tensor]]) -> None:
        r"""Take each n-gram's log-count ratio for each class as its value.

        With :math:`p` and :math:`q` the numbers of a class's texts and of all others that have an n-gram, each plus 1,

        .. math:: r = \log \frac{p / \lVert p \rVert_1}{q / \lVert q \rVert_1}

        where the norms are over the n-grams that occur. An n-gram that the classes have alike is worth nothing by it.

        Args:
            texts: the labelled ones, by batches: ``[batch, length]`` token ids as `forward` takes them, and ``[batch,
                n_classes]`` 1 where a text is of a class, else 0.
        """
        assert self.ratios is not None, "made without ratios"
        inside = torch.zeros(self.table.shape, dtype=torch.float64)
        everywhere = torch.zeros(len(self.table), 1, dtype=torch.float64)
        for ids, of_classes in texts:
            rows, counted = self._different(ids)
            found = rows[counted]
            inside.index_add_(0, found, of_classes.double().repeat_interleave(counted.sum(dim=1), dim=0))
            everywhere[:, 0] += torch.bincount(found, minlength=len(everywhere))
        occurs = everywhere > 0
        p, q = (SMOOTHING + counts for counts in (inside, everywhere - inside))
        ratios = (p / (p * occurs).sum(dim=0)).log() - (q / (q * occurs).sum(dim=0)).log()
        self.ratios.copy_(ratios.where(occurs, 0.0))

    def forward(self, ids: Tensor) -> Tensor:
        """Return ``[batch, n_classes]`` scores.

        Args:
            ids: ``[batch, length]`` token ids, 0 behind each text; at least one real token in each.
        """
        rows, counted = self._different(ids)
        weights = SCALE * counted / counted.sum(dim=1, keepdim=True).sqrt()
        table = self.table if self.ratios is None else self.table * self.ratios
        return functional.embedding_bag(
            rows.clamp(min=0), table, per_sample_weights=weights.to(table.dtype), mode="sum"
        )

    def _different(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``[batch, n-grams]`` rows of the table, and where each different one of a text stands once."""
        rows = self._rows(ids).sort(dim=1).values
        counted = rows >= 0
        counted[:, 1:] &= rows[:, 1:] != rows[:, :-1]
        return rows, counted

    def _rows(self, ids: Tensor) -> Tensor:
        """Return ``[batch, n-grams]`` rows of the table, -1 for n-grams that reach into padding."""
        rows, keys = [], torch.zeros_like(ids)
        for n in range(min(self.longest, ids.shape[1])):
            last = ids[:, n:]
            keys = (keys[:, : last.shape[1]] + last) * MULTIPLIER  # int64 wraps around, on every device
            row = torch.remainder(keys >> MIXED_BITS, len(self.table))
            rows.append(row.masked_fill(last == 0, -1))
        return torch.cat(rows, dim=1)
