"""UPDATE 1, misalignment error: words that should agree do, and words that should not do not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mt2st.errors import FewRowsWarning
from mt2st.network import SubwordEmbedding
from mt2st.strategy.parameters import non_negative
from mt2st.tasks.relations import (
    Lexicon,
    check_rows,
    pair_keys,
    products,
    random_of,
    row_batches,
    shared_table,
    tensor_of,
    vectors_of,
)


@dataclass(frozen=True)
class MisalignmentBatch:
    """Pairs that should agree, and pairs that should not.

    Attributes:
        aligned: ``[B, 2]`` ids of pairs that should agree.
        misaligned: ``[M, 2]`` ids of pairs that should not; empty if wrong partners come from the batch.
        wrong: ``[B, B]``, true if the second word of pair ``j`` is a wrong partner for the first word of pair ``i``.
    """

    aligned: Tensor
    misaligned: Tensor
    wrong: Tensor


@dataclass(frozen=True)
class MisalignmentTask:
    r"""Bring pairs of words that should agree together, and others apart: eq. 7 of arXiv 2406.18038v2.

    .. math:: \text{UPDATE1} = -\text{not\_aligned} + \gamma \cdot \text{mis\_aligned}

    The paper does not define the two terms. Here the first is the mean cosine of pairs that should agree (synonyms,
    translations), the second that of pairs that should not (antonyms). If the lexicon has no pairs of the second kind,
    like a bilingual dictionary, the first word of each pair is compared with the nearest wrong partner in its batch: a
    second word of another pair, with which no pair of the lexicon says it should agree.

    With ``raw`` the terms are mean inner products, which grow by the vectors' scale alone.

    Attributes:
        train: pairs to learn from.
        held_out: pairs that `evaluate` measures on.
        name: name of the task.
        batch_size: pairs that should agree per batch, and as many that should not.
        gamma: weight :math:`\gamma` of the pairs that should not agree, at least 0.
        raw: inner products in place of cosines.
    """

    products_outside_layers: ClassVar[bool] = True

    train: Lexicon
    held_out: Lexicon | None = None
    name: str = "misalignment"
    batch_size: int = 32
    gamma: float = 1.0
    raw: bool = False

    def __post_init__(self) -> None:
        check_rows(self.name, int(self.train.agree.sum()), self.batch_size)
        non_negative("gamma", self.gamma)
        if self.train.agree.all() and self.held_out is not None and not self.held_out.agree.all():
            warnings.warn(
                f"{self.name}: all pairs that should not agree are held out, none is left to learn from: wrong "
                "partners come from the batch instead",
                FewRowsWarning,
                stacklevel=3,
            )

    @property
    def n_batches(self) -> int:
        """Number of batches in an epoch."""
        return -(-int(self.train.agree.sum()) // self.batch_size)

    @cached_property
    def _known(self) -> NDArray[np.int64]:
        """Keys of the pairs that should agree, in rising order."""
        return np.sort(pair_keys(self.train.ids[self.train.agree]))

    def batches(self, *, epoch: int, seed: int) -> Iterator[MisalignmentBatch]:
        """Yield all pairs that should agree once, each batch with as many random pairs that should not."""
        rng = random_of(self.name, epoch=epoch, seed=seed)
        aligned, misaligned = self.train.ids[self.train.agree], self.train.ids[~self.train.agree]
        for rows in row_batches(len(aligned), self.batch_size, rng):
            chosen = aligned[rows]
            if len(misaligned):
                others, wrong = (
                    misaligned[rng.integers(len(misaligned), size=len(rows))],
                    np.zeros((0, 0), dtype=np.bool_),
                )
            else:
                others, wrong = misaligned, wrong_partners(chosen, self._known)
            yield MisalignmentBatch(tensor_of(chosen), tensor_of(others), tensor_of(wrong))

    def loss(self, network: nn.Module, batch: MisalignmentBatch) -> Tensor:
        """Return minus the mean of the pairs that should agree, plus gamma times that of those that should not."""
        table = shared_table(network, self.name)
        first, second = vectors_of(table, batch.aligned).unbind(dim=1)
        loss = -products(first, second, raw=self.raw).mean()
        if len(batch.misaligned):
            apart, from_it = vectors_of(table, batch.misaligned).unbind(dim=1)
        else:
            apart, from_it = self._with_nearest_wrong(first, second, batch.wrong.to(table.device))
        if len(apart):
            loss = loss + self.gamma * products(apart, from_it, raw=self.raw).mean()
        return loss

    def _with_nearest_wrong(self, first: Tensor, second: Tensor, wrong: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vectors ``[M, D]`` of first words with a wrong partner, and of their nearest ones."""
        with torch.no_grad():
            near = products(first.unsqueeze(1), second.unsqueeze(0), raw=self.raw).masked_fill(~wrong, -torch.inf)
            nearest = near.argmax(dim=1)
        rows = wrong.any(dim=1)
        return first[rows], second[nearest[rows]]

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Return metrics on the held-out pairs, always with cosines.

        ``aligned`` is the mean cosine of pairs that should agree, ``misaligned`` that of pairs that should not (without
        any in the lexicon: first words with second words of other pairs). ``error`` is the share of comparisons between
        a pair of each kind in which the second kind has the greater cosine; ties count half. 0 is best, 0.5 is chance.
        """
        if self.held_out is None or not self.held_out.agree.any():
            return {}
        table = shared_table(network, self.name)
        aligned = self.held_out.ids[self.held_out.agree]
        misaligned = self.held_out.ids[~self.held_out.agree]
        if self.train.agree.all() and not len(misaligned):
            misaligned = shifted_partners(aligned)
        near = _cosines(table, aligned)
        measures = {"aligned": float(near.mean())}
        if len(misaligned):
            far = np.sort(_cosines(table, misaligned))
            above = len(far) - 0.5 * (np.searchsorted(far, near, "left") + np.searchsorted(far, near, "right"))
            measures |= {"misaligned": float(far.mean()), "error": float(above.mean() / len(far))}
        return measures


def wrong_partners(pairs: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return ``[n, n]`` whether the second word of pair ``j`` is a wrong partner for the first word of pair ``i``.

    ``known`` are the keys (`pair_keys`) of all pairs that should agree, in rising order.
    """
    crossed = np.stack(np.broadcast_arrays(pairs[:, None, 0], pairs[None, :, 1]), axis=-1)
    keys = pair_keys(crossed)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    wrong: NDArray[np.bool_] = (known[places] != keys) & (crossed[..., 0] != crossed[..., 1])
    return wrong


def shifted_partners(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return pairs ``[m, 2]`` of first words and the second word of the next pair, if that is a wrong partner."""
    shifted = np.column_stack([pairs[:, 0], np.roll(pairs[:, 1], -1)])
    wrong = ~np.isin(pair_keys(shifted), pair_keys(pairs)) & (shifted[:, 0] != shifted[:, 1])
    partners: NDArray[np.int64] = shifted[wrong]
    return partners


def _cosines(table: Tensor | SubwordEmbedding, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    with torch.no_grad():
        first, second = vectors_of(table, tensor_of(pairs)).unbind(dim=1)
        cosines: NDArray[np.float64] = products(first, second, raw=False).double().cpu().numpy()
    return cosines
