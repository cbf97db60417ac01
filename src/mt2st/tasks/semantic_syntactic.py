"""UPDATE 0, semantic and syntactic meaning: the answer of an analogy question lies where its offset points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from mt2st.network import SubwordEmbedding
from mt2st.tasks.relations import (
    Questions,
    check_rows,
    products,
    random_of,
    row_batches,
    shared_table,
    tensor_of,
    vectors_of,
)


@dataclass(frozen=True)
class SemanticSyntacticTask:
    r"""Raise the product of each answer with its question's offset: eq. 6 of arXiv 2406.18038v2.

    .. math:: \text{UPDATE0} = \sum \langle BE_4, BE_2 - BE_1 + BE_3 \rangle

    over questions :math:`a : b = c : d` with the vectors :math:`BE_1` to :math:`BE_4`. The loss is minus the *mean*
    over a batch, which unlike the sum does not depend on the batch size. Two forms:

    - normalised (the default): the cosine of :math:`BE_4` and :math:`BE_2 - BE_1 + BE_3`, in [-1, 1];
    - ``raw``: the inner product, as printed. It has no bound and grows with the vectors' scale (fourfold when all
      vectors double), which inflates the input of tasks that share the table.

    Neither form keeps words apart. If it acts alone for long, all words of the questions may collapse into one vector,
    which answers every question and none. The primary task prevents this, or a falling weight, or `AnalogyTask`, which
    contrasts the answer with other words. The metric ``contrast`` shows it.

    Attributes:
        train: questions to learn from.
        held_out: questions that `evaluate` measures on.
        name: name of the task.
        batch_size: questions in a batch.
        raw: inner products in place of cosines.
    """

    products_outside_layers: ClassVar[bool] = True

    train: Questions
    held_out: Questions | None = None
    name: str = "semantic-syntactic"
    batch_size: int = 32
    raw: bool = False

    def __post_init__(self) -> None:
        check_rows(self.name, len(self.train), self.batch_size)

    @property
    def n_batches(self) -> int:
        """Number of batches in an epoch."""
        return -(-len(self.train) // self.batch_size)

    def batches(self, *, epoch: int, seed: int) -> Iterator[Tensor]:
        """Yield all questions once, as ids ``[batch, 4]``."""
        for rows in row_batches(len(self.train), self.batch_size, random_of(self.name, epoch=epoch, seed=seed)):
            yield tensor_of(self.train.ids[rows])

    def loss(self, network: nn.Module, batch: Tensor) -> Tensor:
        """Return minus the mean product of answers and offsets."""
        answers, offsets = _answers_and_offsets(shared_table(network, self.name), batch)
        return -products(answers, offsets, raw=self.raw).mean()

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Return metrics on the held-out questions, always with cosines.

        ``cosine`` is the mean cosine of answer and offset; ``semantic_cosine`` and ``syntactic_cosine`` for one kind
        of questions. ``contrast`` is ``cosine`` minus the mean cosine of an offset with the answers of all
        held-out questions; it is 0 if words have collapsed into one vector.
        """
        if self.held_out is None:
            return {}
        with torch.no_grad():
            vectors = _answers_and_offsets(shared_table(network, self.name), tensor_of(self.held_out.ids))
            answers, offsets = (functional.normalize(each, dim=1) for each in vectors)
            cosines = (answers * offsets).sum(dim=1).cpu().numpy()
            level = float(answers.mean(dim=0) @ offsets.mean(dim=0))
        semantic = self.held_out.semantic
        measures = {"cosine": float(cosines.mean()), "contrast": float(cosines.mean()) - level}
        for kind, rows in (("semantic_cosine", semantic), ("syntactic_cosine", ~semantic)):
            if rows.any():
                measures[kind] = float(cosines[rows].mean())
        return measures


def _answers_and_offsets(table: Tensor | SubwordEmbedding, questions: Tensor) -> tuple[Tensor, Tensor]:
    a, b, c, d = vectors_of(table, questions).unbind(dim=1)
    return d, b - a + c
