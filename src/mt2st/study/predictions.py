"""What a trained model predicts of labelled data, in the few numbers and texts that a report keeps of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from mt2st.evaluation import Scheme, best_tags, has_spans, span_report
from mt2st.evaluation.classification import THRESHOLD, calibration_error
from mt2st.text import LabelledText, MultiLabelledText, TaggedText

MISTAKES, LETTERS = 20, 160
"""Most mistakes that are kept, and the characters of each text."""
MOST_CLASSES = 50
"""With more classes, no confusion matrix is kept."""


@dataclass(frozen=True)
class ClassScore:
    """How well one class is predicted; precision, recall and F1 are in [0, 1], ``support`` is its true number."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction: the text in one line, its true and its predicted label, and the latter's probability."""

    text: str
    true: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class Predictions:
    """A model's predictions of a part of the data.

    Attributes:
        unit: what is predicted: ``"texts"``, ``"words"`` (of tagged sentences) or ``"labels"`` (each label of each
            text by itself); ``total`` and ``wrong`` count them.
        confusion: ``[true][predicted]`` counts; None for several labels a text, and for more than `MOST_CLASSES`.
        mistakes: the most certain ones, at most `MISTAKES`.
        entities: scores of whole entities by type, where tags mark spans.
        calibration_error: how far the probabilities are from the shares that are right, on average.
    """

    part: str
    unit: str
    total: int
    wrong: int
    classes: Sequence[ClassScore]
    confusion: Sequence[Sequence[int]] | None
    mistakes: Sequence[Mistake]
    entities: Sequence[ClassScore]
    calibration_error: float

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the predictions of which `dataclasses.asdict` made plain JSON values."""
        return TypeAdapter(cls).validate_python(values)


def predictions_of(
    names: Sequence[str],
    rows: LabelledText | MultiLabelledText | TaggedText,
    probabilities: NDArray[Any],
    *,
    scheme: Scheme | None = None,
    part: str = "test",
) -> Predictions:
    """Return what a report keeps of a model's predictions of a part of the data.

    The names of the classes are in the model's order; the probabilities, ``[n, n_classes]``, as
    `mt2st.models.trained_model.TrainedModel.predict_rows` returns them. ``scheme`` is the one that predicted tags
    follow, as a tagger keeps it.
    """
    number_of = {name: number for number, name in enumerate(names)}
    if isinstance(rows, MultiLabelledText):
        return _of_labels(names, rows, probabilities, part)
    if isinstance(rows, TaggedText):
        labels, texts = [tag for tags in rows.tags for tag in tags], _words_in_sentences(rows)
        predicted = best_tags(probabilities, np.array(list(map(len, rows.sentences))), names, scheme)
    else:
        labels, texts = list(rows.labels), list(rows.texts)
        predicted = probabilities.argmax(axis=1)
    known = np.array([label in number_of for label in labels])  # a tag that training had not seen is always wrong
    true = np.array([number_of.get(label, 0) for label in labels])
    certain = probabilities[np.arange(len(predicted)), predicted]
    wrong = np.flatnonzero((true != predicted) | ~known)
    confusion = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(confusion, (true[known], predicted[known]), 1)
    times = np.bincount(predicted, minlength=len(names))
    return Predictions(
        part,
        "words" if isinstance(rows, TaggedText) else "texts",
        len(labels),
        len(wrong),
        _scores(names, confusion.diagonal(), times, confusion.sum(axis=1)),
        confusion.tolist() if len(names) <= MOST_CLASSES else None,
        [
            Mistake(_line(texts[at]), labels[at], names[predicted[at]], round(float(certain[at]), 4))
            for at in wrong[np.argsort(-certain[wrong], kind="stable")][:MISTAKES]
        ],
        _of_entities(rows, [names[number] for number in predicted]) if isinstance(rows, TaggedText) else [],
        calibration_error(certain, (true == predicted) & known),
    )


def score_table(scores: Sequence[ClassScore], what: str, counted: str) -> list[list[str]]:
    """Return header and rows of scores: ``what`` each is of, and of how many ``counted`` things.

    Example:
        >>> score_table([ClassScore("person", 0.5, 0.25, 1 / 3, 1200)], "entity", "entities")
        [['entity', 'precision', 'recall', 'F1', 'entities'], ['person', '50.0 %', '25.0 %', '33.3 %', '1,200']]
    """
    rows = [
        [each.name, *(f"{100 * share:.1f} %" for share in (each.precision, each.recall, each.f1)),
         f"{each.support:,}"]
        for each in scores
    ]  # fmt: skip
    return [[what, "precision", "recall", "F1", counted], *rows]


def _of_entities(rows: TaggedText, predicted: Sequence[str]) -> list[ClassScore]:
    if not has_spans({*predicted, *rows.tag_names()}):
        return []
    stops = np.cumsum([len(words) for words in rows.sentences]).tolist()
    report = span_report(rows.tags, [predicted[start:stop] for start, stop in pairwise([0, *stops])])
    return [
        ClassScore(name, round(each.precision, 4), round(each.recall, 4), round(each.f1, 4), each.support)
        for name, each in report.types.items()
    ]


def _of_labels(names: Sequence[str], rows: MultiLabelledText, probabilities: NDArray[Any], part: str) -> Predictions:
    """Return the predictions of each label of each text, a decision by itself."""
    true = np.array([[name in labels for name in names] for labels in rows.labels])
    predicted = probabilities >= THRESHOLD
    certain = np.where(predicted, probabilities, 1 - probabilities)
    texts, labels = np.nonzero(true != predicted)
    order = np.argsort(-certain[texts, labels], kind="stable")[:MISTAKES]
    return Predictions(
        part,
        "labels",
        true.size,
        len(texts),
        _scores(names, (true & predicted).sum(axis=0), predicted.sum(axis=0), true.sum(axis=0)),
        None,
        [
            Mistake(
                _line(rows.texts[text]),
                names[label] if true[text, label] else f"not {names[label]}",
                names[label] if predicted[text, label] else f"not {names[label]}",
                round(float(certain[text, label]), 4),
            )
            for text, label in zip(texts[order], labels[order], strict=True)
        ],
        [],
        calibration_error(certain.ravel(), (true == predicted).ravel()),
    )


def _scores(names: Sequence[str], right: NDArray[Any], predicted: NDArray[Any], true: NDArray[Any]) -> list[ClassScore]:
    shares = [
        right / np.maximum(predicted, 1),
        right / np.maximum(true, 1),
        2 * right / np.maximum(predicted + true, 1),
    ]
    columns = zip(names, *(share.round(4).tolist() for share in shares), true.tolist(), strict=True)
    return [ClassScore(name, precision, recall, f1, support) for name, precision, recall, f1, support in columns]


def _words_in_sentences(rows: TaggedText) -> list[str]:
    """Return for each word its sentence, in which it stands in brackets, from a few words before it on."""
    return [
        " ".join([*words[max(0, at - 8) : at], f"[{word}]", *words[at + 1 :]])
        for words in rows.sentences
        for at, word in enumerate(words)
    ]


def _line(text: str) -> str:
    """Return a text in one line, cut."""
    line = " ".join(text[: 4 * LETTERS].split())
    return line if len(line) <= LETTERS else f"{line[: LETTERS - 1]}…"
