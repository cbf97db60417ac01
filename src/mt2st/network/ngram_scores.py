"""A linear classifier on hashed word n-grams, in addition to the encoder."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from mt2st.text.word_ngrams import ngram_rows

SCALE = 5.0
"""AdamW moves each entry by about its rate a step, whatever its gradient. At the heads' rates of 2e-3 and 5e-3 these
scores learn as at 1e-2 and 2.5e-2, which were best with a linear head, before n-grams had values; with these a fifth
of it was no better (docs/explanation/defaults.md#word-n-grams)."""
SMOOTHING = 2.0
"""Pseudo-count added to each n-gram, split by the classes' shares of all n-grams: 1 for each of two equal classes
(Wang and Manning 2012)."""
ROWS_AT_A_TIME = 4096
"""Rows whose ratios are computed at a time, which bounds the memory."""


class NgramScores(nn.Module):
    """Scores of classes by the word n-grams of a text.

    A score is ``5 * sum of table[n-gram] * ratios[n-gram] / sqrt(number of n-grams)``. Each different n-gram counts
    once, with the value 1 or, after `weigh`, its log-count ratio, both as in NB-SVM (Wang and Manning 2012). N-grams
    share rows by their hash, as in fastText (Joulin et al. 2016). The table starts at 0 and memorises what single words
    and phrases mean for the classes. Its errors differ from those of an encoder on word vectors, so the mean of both is
    better than either.

    AdamW moves all entries of the table by about the same. Without ratios, the many n-grams that all classes share
    would move a score as much as the few that distinguish them.

    Args:
        n_classes: number of classes.
        longest: words in the longest n-grams, at least 1; shorter ones count too.
        buckets: rows of the table.
    """

    ratios: Tensor | None

    def __init__(self, n_classes: int, longest: int = 2, buckets: int = 2**18) -> None:
        super().__init__()
        self.longest = longest
        self.table = nn.Parameter(torch.zeros(buckets, n_classes))
        # Not in the state: they follow from the labelled texts, and `fold` makes them part of the table in the end.
        self.register_buffer("ratios", None, persistent=False)

    @torch.no_grad()
    def weigh(self, texts: Iterable[tuple[Tensor, Tensor, Tensor]]) -> None:
        r"""Set the value of each n-gram, for each class, to its log-count ratio.

        With :math:`n_c` of the :math:`n` texts that have an n-gram in class :math:`c`, and :math:`s` the class's share
        of all n-grams of all texts, it is

        .. math:: r = \log \frac{n_c + 2 s}{n - n_c + 2 (1 - s)} - \log \frac{s}{1 - s}

        For two classes with equally many n-grams it is NB-SVM's ratio. NB-SVM adds 1 to all counts, so n-grams that all
        classes share seem to indicate a small class; here their ratio is 0 for any number and size of classes. The
        ratio is also 0 if no text is of a class, or all are. A text counts by its weight.

        Args:
            texts: batches of the labelled texts: ``[batch, length]`` token ids as in `forward`, ``[batch, n_classes]``
                booleans, true if a text is of a class, and ``[batch]`` weights of at least 0.
        """
        inside, everywhere = torch.zeros(self.table.shape), torch.zeros(len(self.table))
        for ids, of_classes, weights in texts:
            for row, counted, classes, weight in zip(*self._different(ids), of_classes, weights, strict=True):
                found = row[counted]
                everywhere[found] += weight
                inside[found.unsqueeze(1), classes.nonzero().squeeze(1)] += weight
        shares = inside.sum(dim=0, dtype=torch.float64) / everywhere.sum(dtype=torch.float64)
        shares[(inside == everywhere.unsqueeze(1)).all(dim=0)] = 1.0  # exactly, though weights round
        for some in torch.split(everywhere.nonzero().squeeze(1), ROWS_AT_A_TIME):
            of_all = everywhere[some].double().unsqueeze(1)
            of_classes = (inside[some].double() + SMOOTHING * shares) / (of_all + SMOOTHING)
            inside[some] = (of_classes.logit() - shares.logit()).nan_to_num(0.0).float()
        self.ratios = inside.to(self.table)

    @torch.no_grad()
    def fold(self) -> None:
        """Multiply the ratios into the table after training: the same scores with half the memory."""
        if self.ratios is not None:
            self.table.mul_(self.ratios)
            self.ratios = None

    def forward(self, ids: Tensor) -> Tensor:
        """Return ``[batch, n_classes]`` scores.

        Args:
            ids: ``[batch, length]`` token ids, 0 at padding; at least one real token in each text.
        """
        rows, counted = self._different(ids)
        weights = SCALE * counted / counted.sum(dim=1, keepdim=True).sqrt()
        weights = weights.to(self.table.dtype)
        rows = rows.clamp(min=0)
        if self.ratios is None:
            return functional.embedding_bag(rows, self.table, per_sample_weights=weights, mode="sum")
        values = functional.embedding(rows, self.table) * functional.embedding(rows, self.ratios)
        return (values * weights.unsqueeze(2)).sum(dim=1)

    def _different(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``[batch, n-grams]`` rows of the table, and a mask of the first occurrence of each in its text."""
        rows = self._rows(ids).sort(dim=1).values
        counted = rows >= 0
        counted[:, 1:] &= rows[:, 1:] != rows[:, :-1]
        return rows, counted

    def _rows(self, ids: Tensor) -> Tensor:
        """Return ``[batch, n-grams]`` rows of the table, -1 for n-grams that reach into padding."""
        found = ngram_rows(ids, self.longest, len(self.table))
        rows = [row.masked_fill(ids[:, n:] == 0, -1) for n, row in enumerate(found)]
        return torch.cat(rows, dim=1)
