"""UPDATE 3, Spearman's correlation: of cosines with human judgements, or of the elements of related vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mt2st.errors import InputError, listed
from mt2st.strategy.parameters import positive
from mt2st.tasks.relations import Judgements, check_rows, products, random_of, shared_table, tensor_of, vectors_of

Variant = Literal["judgements", "elements"]
VARIANTS: tuple[Variant, ...] = ("judgements", "elements")

LEAST = 3
"""Fewest pairs for a correlation: any two pairs correlate perfectly, positively or negatively."""

_SMALLEST_SPREAD = 1e-12
"""Values with a smaller spread count as equal, which keeps the gradient finite."""


@dataclass(frozen=True)
class JudgedBatch:
    """Judged pairs of one set.

    Attributes:
        pairs: ``[B, 2]`` ids.
        ranks: ``[B]`` ranks of their scores in the batch, from 1, with average ranks for ties.
    """

    pairs: Tensor
    ranks: Tensor


@dataclass(frozen=True)
class SpearmanTask:
    r"""Raise a Spearman correlation, UPDATE 3 of arXiv 2406.18038v2, in one of two variants.

    - ``"judgements"``, as in the published code: the correlation between the cosines of pairs and people's scores,
      :math:`\rho(\cos(v_1, v_2), \text{score})`, over a batch of pairs of one set. (Scores of different sets have
      different scales and are never ranked together.)
    - ``"elements"``, Algorithm 3 as printed: for each pair of related words, the correlation between the elements of
      their vectors, :math:`\text{Cov}(R_1, R_2) / (\sigma_{R_1} \sigma_{R_2})` with the ranks :math:`R_i` of the
      elements of :math:`v_i`; the mean over a batch. All judged pairs count as related, whatever their score.

    Ranks are soft (`soft_ranks`), relative to the spread of the values. As the softness goes to 0 they become ranks and
    the correlation Spearman's. The loss is **minus** the correlation. (Algorithm 3 adds the correlation to its loss;
    minimising that would drive related words apart.)

    Attributes:
        train: judged pairs to learn from; ``"judgements"`` ignores sets of fewer than three pairs.
        held_out: judged pairs that `evaluate` measures on.
        name: name of the task.
        batch_size: pairs per batch, about; at least 3.
        softness: softness of the ranks, above 0, in standard deviations.
        variant: ``"judgements"`` or ``"elements"``.
    """

    products_outside_layers: ClassVar[bool] = True

    train: Judgements
    held_out: Judgements | None = None
    name: str = "spearman"
    batch_size: int = 32
    softness: float = 0.1
    variant: Variant = "judgements"

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise InputError(f"variant must be one of {listed(VARIANTS)}, found {self.variant!r}")
        of_one_set = len(self.train)
        if self.variant == "judgements" and of_one_set:
            of_one_set = int(np.bincount(self.train.sets).max())
        check_rows(self.name, of_one_set, self.batch_size, least=LEAST)
        positive("softness", self.softness)

    @cached_property
    def _by_set(self) -> list[NDArray[np.int64]]:
        """The rows of each set that is large enough; all rows as one if scores do not matter."""
        if self.variant == "elements":
            return [np.arange(len(self.train))]
        sets = [np.flatnonzero(self.train.sets == number) for number in range(len(self.train.names))]
        return [rows for rows in sets if len(rows) >= LEAST]

    def _batches_of(self, rows: NDArray[np.int64]) -> int:
        return max(1, len(rows) // self.batch_size)  # no small last batch: its correlation would be chance

    @property
    def n_batches(self) -> int:
        """Number of batches in an epoch."""
        return sum(map(self._batches_of, self._by_set))

    def batches(self, *, epoch: int, seed: int) -> Iterator[JudgedBatch]:
        """Yield all pairs once, in batches of one set each, in random order."""
        rng = random_of(self.name, epoch=epoch, seed=seed)
        parts = [
            part for rows in self._by_set for part in np.array_split(rng.permutation(rows), self._batches_of(rows))
        ]
        for number in rng.permutation(len(parts)):
            rows = parts[number]
            ranks = hard_ranks(tensor_of(self.train.scores[rows]))
            yield JudgedBatch(tensor_of(self.train.ids[rows]), ranks)

    def loss(self, network: nn.Module, batch: JudgedBatch) -> Tensor:
        """Return minus the soft correlation."""
        first, second = vectors_of(shared_table(network, self.name), batch.pairs).unbind(dim=1)
        if self.variant == "elements":
            ranks = (soft_ranks(standardised(each), self.softness) for each in (first, second))
            return -correlation(*ranks).mean()
        return -soft_spearman(products(first, second, raw=False), batch.ranks.to(first), self.softness)

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Return Spearman's correlation, with true ranks, on the held-out pairs.

        ``spearman NAME`` for each set of at least three held-out pairs (0 if all cosines or scores are equal); for
        ``"elements"``, ``element_spearman``, the mean over the pairs.
        """
        if self.held_out is None:
            return {}
        with torch.no_grad():
            vectors = vectors_of(shared_table(network, self.name), tensor_of(self.held_out.ids))
            first, second = vectors.unbind(dim=1)
            if self.variant == "elements":
                correlations = [
                    float(correlation(hard_ranks(x), hard_ranks(y))) for x, y in zip(first, second, strict=True)
                ]
                return {"element_spearman": float(np.mean(correlations))}
            cosines = products(first, second, raw=False).double().cpu()
        measures = {}
        for number, name in enumerate(self.held_out.names):
            rows = self.held_out.sets == number
            if rows.sum() >= LEAST:
                ranks = hard_ranks(cosines[tensor_of(rows)]), hard_ranks(tensor_of(self.held_out.scores[rows]))
                measures[f"spearman {name}"] = float(correlation(*ranks))
        return measures


def soft_ranks(values: Tensor, softness: float) -> Tensor:
    r"""Return differentiable ranks from 1 to n, the smallest value first.

    .. math:: r_i = \tfrac12 + \sum_j \sigma\big((x_i - x_j) / \tau\big)

    For :math:`\tau \to 0` each term becomes 0, 1 or (for equal values) one half: the ranks of Spearman's correlation,
    with average ranks for ties. All pairs are compared, so time and memory grow with :math:`n^2`.

    Args:
        values: ``[..., n]``.
        softness: :math:`\tau`, above 0, in the unit of the values.

    Example:
        >>> soft_ranks(torch.tensor([0.3, -1.0, 0.3, 2.0]), 1e-3)
        tensor([2.5000, 1.0000, 2.5000, 4.0000])
    """
    differences = values.unsqueeze(-1) - values.unsqueeze(-2)
    return 0.5 + torch.sigmoid(differences / softness).sum(dim=-1)


def hard_ranks(values: Tensor) -> Tensor:
    """Return ranks ``[..., n]`` from 1 to n, with average ranks for ties: the limit of `soft_ranks`."""
    differences = values.unsqueeze(-1) - values.unsqueeze(-2)
    return 0.5 + torch.heaviside(differences, differences.new_tensor(0.5)).sum(dim=-1)


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Return Pearson's correlation ``[...]`` of two series ``[..., n]``; 0 where one of them is constant."""
    x, y = (functional.normalize(each - each.mean(dim=-1, keepdim=True), dim=-1) for each in (x, y))
    return (x * y).sum(dim=-1)


def standardised(values: Tensor) -> Tensor:
    """Return values ``[..., n]`` divided by their standard deviation: softness is then in standard deviations."""
    return values / values.std(dim=-1, correction=0, keepdim=True).clamp_min(_SMALLEST_SPREAD)


def soft_spearman(x: Tensor, y_ranks: Tensor, softness: float) -> Tensor:
    """Return Spearman's correlation ``[...]`` of values ``[..., n]`` and given ranks, differentiable in the values.

    ``softness`` is that of the ranks of ``x``, above 0, in standard deviations of ``x``. As it goes to 0, the result
    becomes Spearman's correlation; for large values, Pearson's correlation of ``x`` and the ranks.
    """
    return correlation(soft_ranks(standardised(x), softness), y_ranks)
