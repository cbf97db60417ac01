"""Tagging: a label for each word (parts of speech, named entities), as primary or auxiliary task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mt2st.evaluation import Scheme, best_tags, classification_report, has_spans, span_report
from mt2st.network import Network
from mt2st.tasks.batch import Texts, infer_rows
from mt2st.tasks.classification import cross_entropy
from mt2st.tasks.labelled import LabelledTask

ValueT = TypeVar("ValueT", bound=np.generic)

NO_TARGET = -100
"""Target of tokens that do not begin a word, and of padding; the loss ignores it."""


@dataclass(frozen=True)
class Words:
    """Encoded sentences and the positions of their words.

    Attributes:
        texts: the sentences as token ids, none empty; a long sentence may be several consecutive texts.
        starts: ``[n_tokens]``, true at the first token of each word.
        n_words: ``[n_sentences]`` number of words of each sentence; they sum to the number of true ``starts``.
    """

    texts: Texts
    starts: NDArray[np.bool_]
    n_words: NDArray[np.int64]

    def by_sentence(self, values: Sequence[str]) -> list[list[str]]:
        """Return values, one per word, as a list per sentence."""
        bounds = np.concatenate([[0], np.cumsum(self.n_words)])
        return [list(values[start:stop]) for start, stop in pairwise(bounds)]


@dataclass(frozen=True)
class Tagged:
    """Encoded sentences and the tag number of each word.

    Attributes:
        words: the sentences.
        targets: ``[n_words]`` tag numbers from 0, in the order of the words.
        further: names of tags that the task does not know, numbered after those it knows. Data to measure on may have
            some; they count as not found.
    """

    words: Words
    targets: NDArray[np.int64]
    further: tuple[str, ...] = ()

    @property
    def texts(self) -> Texts:
        """The sentences as token ids."""
        return self.words.texts

    def select(self, indices: NDArray[np.int64]) -> Tagged:
        """Return these texts with their tags, each text as a sentence."""
        every = np.arange(self.texts.offsets[0], self.texts.offsets[-1]) - self.texts.offsets[0]
        tokens = np.concatenate(_of_texts(self.texts, every, indices))
        starts = _of_texts(self.texts, self.words.starts, indices)
        words = Words(
            self.texts.select(indices), self.words.starts[tokens], np.array([each.sum() for each in starts], np.int64)
        )
        targets = self.token_targets[tokens]
        return Tagged(words, targets[targets != NO_TARGET], self.further)

    def tags(self, names: Sequence[str]) -> list[list[str]]:
        """Return the tags of each sentence."""
        every = (*names, *self.further)
        return self.words.by_sentence([every[number] for number in self.targets])

    @cached_property
    def token_targets(self) -> NDArray[np.int64]:
        """Tag number at the first token of each word, `NO_TARGET` elsewhere: ``[n_tokens]``."""
        spread = np.full(len(self.words.starts), NO_TARGET, dtype=np.int64)
        spread[self.words.starts] = self.targets
        return spread


@dataclass(frozen=True)
class TagBatch:
    """A batch of sentences with a target for each token.

    Attributes:
        ids: ``[batch, length]`` token ids, padded at the end.
        targets: ``[batch, length]`` tag numbers, `NO_TARGET` where no word begins.
    """

    ids: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class TaggingTask(LabelledTask[Tagged, TagBatch]):
    """Cross-entropy over the tags of a word, on the state of its first token in the shared encoder.

    Attributes:
        tags: names of the tags, by number.
        scheme: the scheme of spans that predicted tags follow (`mt2st.evaluation.scheme_of`), if any.

    The other attributes are those of `LabelledTask`. Tokens after ``max_length`` are neither learned nor predicted, so
    give texts that fit.
    """

    tags: Sequence[str]
    scheme: Scheme | None = field(default=None, kw_only=True)

    def batch(self, data: Tagged, indices: NDArray[np.int64]) -> TagBatch:
        """Return the sentences of these indices and the tags of their words."""
        ids = data.texts.padded(indices, self.max_length)
        targets = np.full(ids.shape, NO_TARGET, dtype=np.int64)
        for row, tags in enumerate(_of_texts(data.texts, data.token_targets, indices, self.max_length)):
            targets[row, : len(tags)] = tags
        return TagBatch(ids, torch.from_numpy(targets))

    def size(self, indices: NDArray[np.int64]) -> int:
        """Return the number of words of these training sentences."""
        targets = _of_texts(self.train.texts, self.train.token_targets, indices, self.max_length)
        return sum(int((each != NO_TARGET).sum()) for each in targets)

    def loss(self, network: nn.Module, batch: TagBatch) -> Tensor:
        """Return the mean cross-entropy over the words of a batch."""
        assert isinstance(network, Network)
        words = batch.targets != NO_TARGET
        return functional.cross_entropy(network.token_logits(self.name, batch.ids, words), batch.targets[words])

    @property
    def marks_spans(self) -> bool:
        """Whether the tags mark spans."""
        return has_spans(self.tags)

    def probabilities(self, network: nn.Module, data: Tagged) -> NDArray[np.float32]:
        """Return those of the tags of each word."""
        return predict_tag_probabilities(
            network, self.name, data.words, max_length=self.max_length, eval_threads=self.eval_threads
        )

    def metrics(self, probabilities: NDArray[np.float32], data: Tagged) -> dict[str, float]:
        """Return loss, accuracy over words, and further metrics.

        If the tags mark spans (``B-person``, ``I-person``, ``O``), these are precision, recall and F1 of whole
        entities, and the mean F1 over entity types (`span_report`). Otherwise they are averaged precision, recall and
        F1 of the tags.
        """
        predictions = best_tags(probabilities, data.words.n_words, self.tags, self.scheme)
        learnable = data.targets < len(self.tags)
        loss = cross_entropy(probabilities[learnable], data.targets[learnable]) if learnable.any() else float("nan")
        if not self.marks_spans:
            return {"loss": loss, **classification_report(data.targets, predictions, len(self.tags))}
        predicted = data.words.by_sentence([self.tags[number] for number in predictions])
        report = span_report(data.tags(self.tags), predicted)
        return {
            "loss": loss,
            "accuracy": float(np.mean(predictions == data.targets)),
            "entity_precision": report.micro.precision,
            "entity_recall": report.micro.recall,
            "entity_f1": report.micro.f1,
            "macro_entity_f1": report.macro.f1,
        }


def tagging_head(state_size: int, n_tags: int) -> nn.Linear:
    """Return a new head for a tagging task on token states of ``state_size``."""
    return nn.Linear(state_size, n_tags)


def predict_tag_probabilities(
    network: nn.Module, task: str, words: Words, *, max_length: int, eval_threads: int = 1
) -> NDArray[np.float32]:
    """Return ``[n_words, n_tags]`` probabilities of a tagging task, in the order of the words.

    Args:
        network: the network; put in evaluation mode for the call and back after it.
        task: name of the task's head.
        words: at least one word, in texts where every word begins within ``max_length`` tokens.
        max_length: tokens per text that are read.
        eval_threads: as for `infer_rows`.
    """
    assert isinstance(network, Network)
    texts, number_of = words.texts, np.cumsum(words.starts) - 1

    def of_batch(indices: NDArray[np.int64], device: torch.device) -> tuple[NDArray[np.int64], Tensor]:
        ids = texts.padded(indices, max_length)
        starts = _of_texts(texts, words.starts, indices, max_length)
        at = np.zeros(ids.shape, dtype=np.bool_)
        for row, of_text in enumerate(starts):
            at[row, : len(of_text)] = of_text
        logits = network.token_logits(task, ids.to(device), torch.from_numpy(at).to(device))
        numbers = [
            number[of_text]
            for number, of_text in zip(_of_texts(texts, number_of, indices, max_length), starts, strict=True)
        ]
        return np.concatenate(numbers), logits.float().softmax(dim=1)  # see `predict_probabilities`

    n_words = int(words.starts.sum())
    return infer_rows(network, texts, of_batch, n_rows=n_words, max_length=max_length, eval_threads=eval_threads)


def _of_texts(
    texts: Texts, values: NDArray[ValueT], indices: NDArray[np.int64], max_length: int | None = None
) -> list[NDArray[ValueT]]:
    """Return the values of the tokens of some texts, at most ``max_length`` of each."""
    begin = texts.offsets[0]
    bounds = ((texts.offsets[index] - begin, texts.offsets[index + 1] - begin) for index in indices)
    return [values[start:stop][:max_length] for start, stop in bounds]
