"""The problem types: one label per text, several labels per text, a tag per word.

A `ProblemType` holds all that differs between them: how rows become documents of the corpus, the classes, the head, the
task and the metric. An estimator solves one problem type; auxiliary data may be of any.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from mt2st.errors import InputError, unknown_labels
from mt2st.evaluation import has_spans, scheme_of
from mt2st.models.groups import Text
from mt2st.models.settings import ModelSettings
from mt2st.network import Encoder
from mt2st.tasks import ClassificationTask, LabelledTask, MultiLabelTask, TaggingTask, Texts
from mt2st.tasks.classification import Labelled, classification_head
from mt2st.tasks.tagging import Tagged, Words, tagging_head
from mt2st.text import (
    LabelledText,
    MultiLabelledText,
    TaggedText,
    check_classes,
    check_labels,
    check_tags,
    split_at_random,
    split_to_choose_by,
)
from mt2st.text.words import cut_sentences

Rows = LabelledText | MultiLabelledText | TaggedText
RowsT = TypeVar("RowsT", bound=Rows)


@dataclass(frozen=True)
class Prepared:
    """Labelled rows on their way to a task.

    Attributes:
        documents: the texts that are to be encoded.
        encoded: makes the task's data of the documents' ids.
        words: the words of each document, if an id of each word as it is spelled is to take the place of its tokens'.
    """

    documents: Sequence[str]
    encoded: Callable[[Texts], Any]
    words: Sequence[Sequence[str]] | None = None


class ProblemType(ABC, Generic[RowsT]):
    """A type of labelled data and all that depends on it.

    Attributes:
        name: name in model folders and on the command line.
        title: name of a model in its card.
        of_texts: whether labels are of whole texts, not of their words.
        independent: whether each class has a probability of its own, not one in a sum of 1.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    of_texts: ClassVar[bool] = True
    independent: ClassVar[bool] = False

    @abstractmethod
    def check(self, rows: RowsT) -> None:
        """Raise `InputError` if there is nothing to learn."""

    def split(self, rows: RowsT, share: float, *, seed: int) -> tuple[RowsT, RowsT]:
        """Return the training part and a share for validation, drawn at random."""
        return split_at_random(rows, share, seed=seed)

    @abstractmethod
    def classes(self, rows: RowsT) -> tuple[str, ...]:
        """Return the different labels or tags, sorted."""

    @abstractmethod
    def metric(self, classes: Sequence[str]) -> str:
        """Return the name of the validation metric that is monitored by default."""

    def head(self, encoder: Encoder, n_classes: int) -> nn.Linear:
        """Return a new head on an encoder."""
        return classification_head(encoder.pooled_size, n_classes)

    @abstractmethod
    def prepare(self, rows: RowsT, classes: Sequence[str], text: Text, *, spelled: bool = False) -> Prepared:
        """Return the rows as documents, and the function that makes the task's data of their ids.

        Words are read as they are ``spelled`` where the rows are of words.
        """

    def indicator(self, rows: RowsT, classes: Sequence[str]) -> NDArray[np.bool_]:
        """Return ``[n_texts, n_classes]``: whether a text has a class. Not of words."""
        raise NotImplementedError

    def task(
        self,
        name: str,
        train: Any,
        classes: Sequence[str],
        settings: ModelSettings,
        *,
        validation: Any = None,
        eval_threads: int = 1,
    ) -> LabelledTask[Any, Any]:
        """Return the task on encoded data."""
        return self._task(
            name,
            train,
            classes,
            validation=validation,
            batch_size=settings.optimisation.batch_size,
            max_length=settings.text.max_length,
            eval_threads=eval_threads,
        )

    @abstractmethod
    def _task(self, name: str, train: Any, classes: Sequence[str], **options: Any) -> LabelledTask[Any, Any]: ...


class Classification(ProblemType[LabelledText]):
    """Texts with one label each."""

    name, title = "classification", "Text classifier"

    def check(self, rows: LabelledText) -> None:
        """Raise `InputError` if there are not two classes."""
        check_classes(rows)

    def split(self, rows: LabelledText, share: float, *, seed: int) -> tuple[LabelledText, LabelledText]:
        """Split stratified by label, as far as that is possible."""
        return split_to_choose_by(rows, share, seed=seed)

    def classes(self, rows: LabelledText) -> tuple[str, ...]:
        """Return the labels."""
        return tuple(sorted(set(rows.labels)))

    def metric(self, classes: Sequence[str]) -> str:  # noqa: ARG002
        """Return the accuracy's name."""
        return "accuracy"

    def prepare(
        self,
        rows: LabelledText,
        classes: Sequence[str],
        text: Text,
        *,
        spelled: bool = False,  # noqa: ARG002
    ) -> Prepared:
        """Return the texts; refuse a label that is none of the classes."""
        number_of = {label: number for number, label in enumerate(classes)}
        unknown = sorted(set(rows.labels) - set(classes))
        if unknown:
            raise InputError(f"{rows.source}: {unknown_labels(unknown, classes)}")
        targets = np.array([number_of[label] for label in rows.labels], dtype=np.int64)
        weights = None if rows.weights is None else np.array(rows.weights, dtype=np.float32)
        return Prepared(rows.texts, lambda texts: Labelled(truncated(texts, text), targets, weights))

    def indicator(self, rows: LabelledText, classes: Sequence[str]) -> NDArray[np.bool_]:
        """Return one true value a row."""
        return np.asarray(np.array(rows.labels)[:, np.newaxis] == np.array(classes))

    def _task(self, name: str, train: Any, classes: Sequence[str], **options: Any) -> ClassificationTask:
        return ClassificationTask(name, train, len(classes), **options)


class MultiLabel(ProblemType[MultiLabelledText]):
    """Texts with any number of labels each."""

    name, title, independent = "multilabel", "Text classifier, several labels a text", True

    def check(self, rows: MultiLabelledText) -> None:
        """Raise `InputError` if there is no label."""
        check_labels(rows)

    def classes(self, rows: MultiLabelledText) -> tuple[str, ...]:
        """Return the labels."""
        return rows.label_names()

    def metric(self, classes: Sequence[str]) -> str:  # noqa: ARG002
        """Return micro F1's name."""
        return "micro_f1"

    def prepare(
        self,
        rows: MultiLabelledText,
        classes: Sequence[str],
        text: Text,
        *,
        spelled: bool = False,  # noqa: ARG002
    ) -> Prepared:
        """Return the texts; labels that are none of the classes get columns after those of the classes."""
        targets = self.indicator(rows, [*classes, *sorted(set(rows.label_names()) - set(classes))])
        weights = None if rows.weights is None else np.array(rows.weights, dtype=np.float32)
        return Prepared(rows.texts, lambda texts: Labelled(truncated(texts, text), targets, weights))

    def indicator(self, rows: MultiLabelledText, classes: Sequence[str]) -> NDArray[np.bool_]:
        """Return any number of true values a row. Labels that are none of the classes have no column."""
        column = {label: number for number, label in enumerate(classes)}
        targets = np.zeros((len(rows), len(classes)), dtype=np.bool_)
        for row, labels in enumerate(rows.labels):
            targets[row, [column[label] for label in labels if label in column]] = True
        return targets

    def _task(self, name: str, train: Any, classes: Sequence[str], **options: Any) -> MultiLabelTask:  # noqa: ARG002
        return MultiLabelTask(name, train, **options)


class Tagging(ProblemType[TaggedText]):
    """Sentences with a tag for each word."""

    name, title, of_texts = "tagging", "Tagger", False

    def check(self, rows: TaggedText) -> None:
        """Raise `InputError` if there are not two tags."""
        check_tags(rows)

    def classes(self, rows: TaggedText) -> tuple[str, ...]:
        """Return the tags."""
        return rows.tag_names()

    def metric(self, classes: Sequence[str]) -> str:
        """Return the name of the entities' F1 if the tags mark entities, else of the accuracy."""
        return "entity_f1" if has_spans(classes) else "accuracy"

    def head(self, encoder: Encoder, n_classes: int) -> nn.Linear:
        """Return a head on the tokens' states."""
        return tagging_head(encoder.state_size, n_classes)

    def prepare(self, rows: TaggedText, classes: Sequence[str], text: Text, *, spelled: bool = False) -> Prepared:
        """Return the sentences as texts of at most ``max_length`` tokens; unknown tags are numbered last."""
        further = tuple(sorted(set(rows.tag_names()) - set(classes)))
        number_of = {tag: number for number, tag in enumerate((*classes, *further))}
        targets = np.array([number_of[tag] for tags in rows.tags for tag in tags], dtype=np.int64)
        documents = sentences_to_read(rows.sentences, text, spelled=spelled)

        def encoded(texts: Texts) -> Tagged:
            return Tagged(documents.encoded(texts), targets, further)

        return Prepared(documents.documents, encoded, documents.words)

    def _task(self, name: str, train: Any, classes: Sequence[str], **options: Any) -> TaggingTask:
        scheme = scheme_of(train.tags(classes))
        return TaggingTask(name, train, tuple(classes), scheme=scheme, **options)


def sentences_to_read(sentences: Sequence[Sequence[str]], text: Text, *, spelled: bool) -> Prepared:
    """Return sentences of words as documents of at most ``max_length`` tokens, which are encoded as `Words`."""
    cut = cut_sentences(sentences, text.tokeniser, max_length=text.max_length)
    starts = np.ones(cut.n_words.sum(), dtype=np.bool_) if spelled else cut.starts
    return Prepared(cut.texts, lambda texts: Words(texts, starts, cut.n_words), words=cut.words if spelled else None)


def problem_type_of(rows: Rows) -> ProblemType[Any]:
    """Return the problem type of labelled data."""
    if isinstance(rows, TaggedText):
        return Tagging()
    return MultiLabel() if isinstance(rows, MultiLabelledText) else Classification()


def truncated(texts: Texts, text: Text) -> Texts:
    """Return the part of each text that the encoder reads; batches cut texts at their end by themselves."""
    return texts.without_middles(text.max_length) if text.truncation == "middle" else texts
