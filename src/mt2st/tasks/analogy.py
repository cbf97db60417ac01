"""UPDATE 2, word analogy: the share of analogy questions that the vectors answer, made differentiable."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mt2st.errors import InputError
from mt2st.network import SubwordEmbedding
from mt2st.strategy.parameters import non_negative, positive, whole
from mt2st.tasks.relations import (
    Questions,
    check_rows,
    random_of,
    row_batches,
    shared_table,
    tensor_of,
    vectors_of,
    words_of,
)
from mt2st.text import SPECIALS

QUESTIONS_AT_ONCE = 256
"""Questions per matrix product with the vocabulary, which bounds its memory."""


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of the linear combination in eq. 8: finite, at least 0, not all 0.

    Attributes:
        semantic: coefficient of the accuracy on semantic questions.
        syntactic: coefficient of the accuracy on syntactic questions.
        total: coefficient of the accuracy on all questions.
    """

    semantic: float = 1.0
    syntactic: float = 1.0
    total: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            non_negative(f"the coefficient {name}", value)
        if not any(vars(self).values()):
            raise InputError("one of the coefficients semantic, syntactic and total must be above 0")

    def combine(self, values: Tensor, semantic: Tensor) -> Tensor:
        """Combine the mean values over the kinds of questions; a kind without questions adds 0.

        Args:
            values: ``[n]`` accuracy of each question, in [0, 1], or its logarithm.
            semantic: ``[n]`` whether it is semantic.
        """
        combined = self.total * values.mean()
        for coefficient, rows in ((self.semantic, semantic), (self.syntactic, ~semantic)):
            combined = combined + coefficient * (values * rows).sum() / rows.sum().clamp_min(1)
        return combined


@dataclass(frozen=True)
class AnalogyBatch:
    """Questions with candidate words for their answers.

    Attributes:
        candidates: ``[C]`` ids of different words in rising order, including the questions' own.
        places: ``[B, 4]`` positions of the questions' words among the candidates.
        log_shares: ``[C]`` logarithm of the number of words that a candidate represents.
        semantic: ``[B]`` whether a question is semantic.
    """

    candidates: Tensor
    places: Tensor
    log_shares: Tensor
    semantic: Tensor


@dataclass(frozen=True)
class AnalogyTask:
    r"""Answer analogy questions: a soft accuracy by kind of question, eq. 8 of arXiv 2406.18038v2.

    .. math:: \text{Linear}\{\text{Semantic\_Acc}, \text{Syntactic\_Acc}, \text{Total\_Acc}\}

    The soft accuracy of a question :math:`a : b = c : d` is the probability of :math:`d` among candidate words,

    .. math:: p(d) = \frac{\exp(s_d / \tau)}{\sum_w \exp(s_w / \tau)}, \quad
        s_w = \cos(w, b) - \cos(w, a) + \cos(w, c)

    the scores of 3CosAdd without the three question words. As the temperature :math:`\tau` goes to 0, the soft accuracy
    becomes the accuracy: 1 if :math:`d` is the best candidate, otherwise 0. The loss is minus the linear combination
    over a batch.

    The gradient of a soft accuracy is small where it is near 0, as for every question at a random initialisation, so
    learning starts slowly. With ``logarithm`` the loss combines the logarithms of the soft accuracies (the
    cross-entropy of the right answer) instead. It has the same optimum and a full gradient from the first step, so the
    task has more influence relative to the primary.

    Candidates are the words of the batch's questions, which are the hardest (answers of the same relation), and words
    drawn uniformly from the rest of the vocabulary. A drawn word counts as often as the words it represents, so the sum
    estimates the sum over the whole vocabulary. A vocabulary of at most ``candidates`` words is used whole; the soft
    accuracy is then exact. Words held out by this task or others are never candidates: training does not move them.

    Attributes:
        train: questions to learn from.
        vocabulary_size: rows of the table, the specials included.
        held_out: questions that `evaluate` measures on.
        name: name of the task.
        batch_size: questions in a batch.
        coefficients: of the linear combination.
        temperature: :math:`\tau`, above 0; scores lie in [-3, 3].
        candidates: number of candidate words per batch, about.
        logarithm: combine the logarithms of the soft accuracies.
        never: ids of further words that are never candidates, such as those that other tasks hold out.
    """

    products_outside_layers: ClassVar[bool] = True

    train: Questions
    vocabulary_size: int
    held_out: Questions | None = None
    name: str = "analogy"
    batch_size: int = 32
    coefficients: Coefficients = Coefficients()  # frozen: sharing one is safe
    temperature: float = 0.1
    candidates: int = 1024
    logarithm: bool = False
    never: Sequence[int] = ()

    def __post_init__(self) -> None:
        check_rows(self.name, len(self.train), self.batch_size)
        positive("temperature", self.temperature)
        whole("candidates", self.candidates)

    @property
    def n_batches(self) -> int:
        """Number of batches in an epoch."""
        return -(-len(self.train) // self.batch_size)

    @cached_property
    def _words(self) -> NDArray[np.int64]:
        """The words that may be candidates, in rising order."""
        never = np.union1d(words_of(self.held_out), np.asarray(self.never, dtype=np.int64))
        return np.setdiff1d(np.arange(len(SPECIALS), self.vocabulary_size), never)

    def batches(self, *, epoch: int, seed: int) -> Iterator[AnalogyBatch]:
        """Yield all questions once, with candidates for each batch."""
        rng = random_of(self.name, epoch=epoch, seed=seed)
        for rows in row_batches(len(self.train), self.batch_size, rng):
            yield self.batch_of(self.train.take(rows), rng)

    def batch_of(self, questions: Questions, rng: np.random.Generator) -> AnalogyBatch:
        """Return questions with their candidates; all their words may be candidates."""
        own = words_of(questions)
        if len(self._words) <= self.candidates:
            candidates, share = self._words, 1.0
        else:
            drawn = rng.choice(self._words, max(0, self.candidates - len(own)), replace=False)
            drawn = np.setdiff1d(drawn, own)
            share = max(1.0, (len(self._words) - len(own)) / max(1, len(drawn)))
            candidates = np.union1d(own, drawn)
        log_shares = np.where(np.isin(candidates, own), 0.0, math.log(share))
        return AnalogyBatch(
            tensor_of(candidates),
            tensor_of(np.searchsorted(candidates, questions.ids)),
            tensor_of(log_shares.astype(np.float32)),
            tensor_of(questions.semantic),
        )

    def loss(self, network: nn.Module, batch: AnalogyBatch) -> Tensor:
        """Return minus the linear combination of the batch's soft accuracies, or of their logarithms."""
        logs = self._log_accuracies(network, batch)
        return -self.coefficients.combine(logs if self.logarithm else logs.exp(), batch.semantic.to(logs.device))

    def _log_accuracies(self, network: nn.Module, batch: AnalogyBatch) -> Tensor:
        units = functional.normalize(vectors_of(shared_table(network, self.name), batch.candidates), dim=1)
        places = batch.places.to(units.device)
        logits = _scores(units, places[:, :3]) / self.temperature + batch.log_shares.to(units)
        return logits.log_softmax(dim=1).gather(1, places[:, 3:]).squeeze(1)

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        """Return the accuracies of 3CosAdd on the held-out questions, answered from the whole vocabulary.

        ``total_accuracy``, and ``semantic_accuracy`` and ``syntactic_accuracy`` where such questions were held out.
        """
        if self.held_out is None:
            return {}
        right = answered_right(shared_table(network, self.name), self.held_out.ids)
        semantic = self.held_out.semantic
        measures = {"total_accuracy": float(right.mean())}
        for kind, rows in (("semantic_accuracy", semantic), ("syntactic_accuracy", ~semantic)):
            if rows.any():
                measures[kind] = float(right[rows].mean())
        return measures


def answered_right(table: Tensor | SubwordEmbedding, questions: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether 3CosAdd answers each question ``[n, 4]`` correctly, among all words except the specials."""
    with torch.no_grad():
        vectors = table.vectors() if isinstance(table, SubwordEmbedding) else table
        units = functional.normalize(vectors[len(SPECIALS) :], dim=1)
        places = (tensor_of(questions) - len(SPECIALS)).to(units.device)
        parts = [
            _scores(units, some[:, :3]).argmax(dim=1) == some[:, 3]
            for some in torch.split(places, QUESTIONS_AT_ONCE)
            if len(some)
        ]
    right: NDArray[np.bool_] = torch.cat(parts).cpu().numpy()
    return right


def _scores(units: Tensor, places: Tensor) -> Tensor:
    """Return the scores ``[B, C]`` of 3CosAdd for candidates ``[C, D]`` of length 1.

    ``places`` ``[B, 3]`` are the positions of a, b and c among them, whose scores are minus infinity.
    """
    a, b, c = functional.embedding(places, units).unbind(dim=1)
    return ((b - a + c) @ units.T).scatter(1, places, -torch.inf)
