"""The problem types: one label per text, several labels per text, a tag per word.

A `ProblemType` holds all that differs between them: how rows become documents of the corpus, the classes, the head, the
task and the metric. An estimator solves one problem type; auxiliary data may be of any.
"""

# ruff: noqa: ARG002  # what one kind has no use for, another needs

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from torch import nn

from mt2st.errors import InputError, in_brief, shortened
from mt2st.evaluation import has_spans
from mt2st.models.settings import ModelSettings
from mt2st.network import Encoder
from mt2st.tasks import ClassificationTask, LabelledTask, MultiLabelTask, TaggingTask, Texts
from mt2st.tasks.classification import Labelled, classification_head
from mt2st.tasks.multi_label import MultiLabelled
from mt2st.tasks.tagging import Tagged, Words, tagging_head
from mt2st.text import (
    LabelledText,
    MultiLabelledText,
    TaggedText,
    Tokeniser,
    check_classes,
    check_labels,
    check_tags,
    split_at_random,
    split_labelled,
)
from mt2st.text.words import cut_sentences

RowsT = TypeVar("RowsT", bound=LabelledText | MultiLabelledText | TaggedText)


@dataclass(frozen=True)
class Truncation:
    """The part of a text that the encoder reads.

    Attributes:
        length: tokens at most, at least 1.
        without_middle: of longer texts, their beginning and their end are read; else the beginning alone.
    """

    length: int
    without_middle: bool

    def of(self, texts: Texts) -> Texts:
        """Return texts as they are read; those cut at their end as they are, for batches cut them there."""
        return texts.without_middles(self.length) if self.without_middle else texts


@dataclass(frozen=True)
class Prepared:
    """Labelled rows on their way to a task.

    Attributes:
        documents: the texts that are to be encoded.
        encoded: makes the task's data of the documents' ids.
    """

    documents: Sequence[str]
    encoded: Callable[[Texts], Any]


class ProblemType(ABC, Generic[RowsT]):
    """A type of labelled data and all that depends on it.

    Attributes:
        name: name in model folders and on the command line.
        title: name of a model in its card.
        of_texts: whether labels are of whole texts, not of their words.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    of_texts: ClassVar[bool] = True

    @abstractmethod
    def check(self, rows: RowsT) -> None:
        """Raise `InputError` when there is nothing to learn."""

    @abstractmethod
    def split(self, rows: RowsT, share: float, *, seed: int) -> tuple[RowsT, RowsT]:
        """Return what is left of the rows and a part of them for validation."""

    @abstractmethod
    def classes(self, rows: RowsT) -> tuple[str, ...]:
        """Return the different labels or tags, sorted."""

    @abstractmethod
    def metric(self, classes: Sequence[str]) -> str:
        """Return the measure that chooses the best parameters."""

    @abstractmethod
    def head(self, encoder: Encoder, n_classes: int) -> nn.Linear:
        """Return a new head on an encoder."""

    @abstractmethod
    def prepare(self, rows: RowsT, classes: Sequence[str], tokeniser: Tokeniser, *, truncation: Truncation) -> Prepared:
        """Return the rows as documents and the way from their ids to data, which has what the encoder reads of them.

        Raises:
            InputError: a label is none of the classes, where that cannot be measured.
        """

    @abstractmethod
    def task(
        self, name: str, train: Any, classes: Sequence[str], *, validation: Any, batch_size: int, max_length: int
    ) -> LabelledTask[Any, Any]:
        """Return the task on data that `prepare` led to."""


class Classification(ProblemType[LabelledText]):
    """Texts with one label each."""

    name, title = "classification", "Text classifier"

    def check(self, rows: LabelledText) -> None:
        """Raise `InputError` when there are not two classes."""
        check_classes(rows)

    def split(self, rows: LabelledText, share: float, *, seed: int) -> tuple[LabelledText, LabelledText]:
        """Split stratified by label."""
        return split_labelled(rows, share, seed=seed)

    def classes(self, rows: LabelledText) -> tuple[str, ...]:
        """Return the labels."""
        return tuple(sorted(set(rows.labels)))

    def metric(self, classes: Sequence[str]) -> str:
        """Return the accuracy's name."""
        return "accuracy"

    def head(self, encoder: Encoder, n_classes: int) -> nn.Linear:
        """Return a head on the pooled vector."""
        return classification_head(encoder.pooled_size, n_classes)

    def prepare(
        self, rows: LabelledText, classes: Sequence[str], tokeniser: Tokeniser, *, truncation: Truncation
    ) -> Prepared:
        """Return the texts; refuse a label that is none of the classes."""
        number_of = {label: number for number, label in enumerate(classes)}
        unknown = sorted(set(rows.labels) - set(classes))
        if unknown:
            raise InputError(
                f"{rows.source}: the label '{shortened(unknown[0])}' does not occur in the training part, "
                f"whose classes are {in_brief(classes)}"
            )
        targets = np.array([number_of[label] for label in rows.labels], dtype=np.int64)
        weights = None if rows.weights is None else np.array(rows.weights, dtype=np.float32)
        return Prepared(rows.texts, lambda texts: Labelled(truncation.of(texts), targets, weights))

    def task(
        self, name: str, train: Any, classes: Sequence[str], *, validation: Any, batch_size: int, max_length: int
    ) -> ClassificationTask:
        """Return a `ClassificationTask`."""
        return ClassificationTask(
            name, train, len(classes), validation=validation, batch_size=batch_size, max_length=max_length
        )


class MultiLabel(ProblemType[MultiLabelledText]):
    """Texts with any number of labels each."""

    name, title = "multilabel", "Text classifier, several labels a text"

    def check(self, rows: MultiLabelledText) -> None:
        """Raise `InputError` when there is no label."""
        check_labels(rows)

    def split(self, rows: MultiLabelledText, share: float, *, seed: int) -> tuple[MultiLabelledText, MultiLabelledText]:
        """Split at random."""
        return split_at_random(rows, share, seed=seed)

    def classes(self, rows: MultiLabelledText) -> tuple[str, ...]:
        """Return the labels."""
        return rows.label_names()

    def metric(self, classes: Sequence[str]) -> str:
        """Return micro F1's name."""
        return "micro_f1"

    def head(self, encoder: Encoder, n_classes: int) -> nn.Linear:
        """Return a head on the pooled vector."""
        return classification_head(encoder.pooled_size, n_classes)

    def prepare(
        self,
        rows: MultiLabelledText,
        classes: Sequence[str],
        tokeniser: Tokeniser,
        *,
        truncation: Truncation,
    ) -> Prepared:
        """Return the texts; labels that are none of the classes get columns of their own behind."""
        names = [*classes, *sorted(set(rows.label_names()) - set(classes))]
        column = {label: number for number, label in enumerate(names)}
        targets = np.zeros((len(rows), len(names)), dtype=np.bool_)
        for row, labels in enumerate(rows.labels):
            targets[row, [column[label] for label in labels]] = True
        return Prepared(rows.texts, lambda texts: MultiLabelled(truncation.of(texts), targets))

    def task(
        self,
        name: str,
        train: Any,
        classes: Sequence[str],
        *,
        validation: Any,
        batch_size: int,
        max_length: int,
    ) -> MultiLabelTask:
        """Return a `MultiLabelTask`."""
        return MultiLabelTask(name, train, validation=validation, batch_size=batch_size, max_length=max_length)


class Tagging(ProblemType[TaggedText]):
    """Sentences with a tag for each word."""

    name, title, of_texts = "tagging", "Tagger", False

    def check(self, rows: TaggedText) -> None:
        """Raise `InputError` when there are not two tags."""
        check_tags(rows)

    def split(self, rows: TaggedText, share: float, *, seed: int) -> tuple[TaggedText, TaggedText]:
        """Split at random."""
        return split_at_random(rows, share, seed=seed)

    def classes(self, rows: TaggedText) -> tuple[str, ...]:
        """Return the tags."""
        return rows.tag_names()

    def metric(self, classes: Sequence[str]) -> str:
        """Return F1 of entities where the tags mark them, else the accuracy."""
        return "entity_f1" if has_spans(classes) else "accuracy"

    def head(self, encoder: Encoder, n_classes: int) -> nn.Linear:
        """Return a head on the tokens' states."""
        return tagging_head(encoder.state_size, n_classes)

    def prepare(
        self, rows: TaggedText, classes: Sequence[str], tokeniser: Tokeniser, *, truncation: Truncation
    ) -> Prepared:
        """Return the sentences as texts of at most the truncation's length; further tags are numbered behind."""
        further = tuple(sorted(set(rows.tag_names()) - set(classes)))
        number_of = {tag: number for number, tag in enumerate((*classes, *further))}
        targets = np.array([number_of[tag] for tags in rows.tags for tag in tags], dtype=np.int64)
        cut = cut_sentences(rows.sentences, tokeniser, max_length=truncation.length)
        return Prepared(cut.texts, lambda texts: Tagged(Words(texts, cut.starts, cut.n_words), targets, further))

    def task(
        self, name: str, train: Any, classes: Sequence[str], *, validation: Any, batch_size: int, max_length: int
    ) -> TaggingTask:
        """Return a `TaggingTask`."""
        return TaggingTask(
            name, train, tuple(classes), validation=validation, batch_size=batch_size, max_length=max_length
        )


def problem_type_of(rows: LabelledText | MultiLabelledText | TaggedText) -> ProblemType[Any]:
    """Return the problem type of labelled data."""
    if isinstance(rows, TaggedText):
        return Tagging()
    return MultiLabel() if isinstance(rows, MultiLabelledText) else Classification()


def truncation_of(settings: ModelSettings) -> Truncation:
    """Return the truncation that settings ask for."""
    return Truncation(settings.text.max_length, without_middle=settings.text.truncation == "middle")
