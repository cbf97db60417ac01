"""Predictions as a stream of lines, for each kind of model."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TextIO, cast

from mt2st.errors import InputError
from mt2st.text import Record
from mt2st.text.multi_labelled import SEPARATOR

if TYPE_CHECKING:
    from mt2st.models import MultiLabelClassifier, Tagger, TextClassifier
    from mt2st.models.inference import Predictor
    from mt2st.models.trained_model import AnyModel

    Classifier = TextClassifier | MultiLabelClassifier | Predictor

THRESHOLD = 0.5
"""As `mt2st.tasks.multi_label.THRESHOLD`, whose module loads torch."""
CHUNK = 1024
"""Texts predicted at a time: enough to fill batches of similar length, few enough for flat memory."""

Write = Callable[[TextIO, Iterable[Record]], None]
"""Predicts texts and writes the predictions."""


def writer_of(model: AnyModel | Predictor, form: str | None, keep: Sequence[str] = ()) -> Write:
    """Return what writes a model's predictions.

    Args:
        model: any model; torch need not be there.
        form: ``"csv"``, ``"jsonl"`` or ``"conll"``; None for the model's own.
        keep: names of the values that the records carry.

    Raises:
        InputError: the model has nothing to write in that form.
    """
    problem_type = _problem_type(model)
    forms = ("conll", "jsonl") if problem_type == "tagging" else ("csv", "jsonl")
    form = form or forms[0]
    if form not in forms:
        what = "a tagger" if problem_type == "tagging" else "a classifier"
        raise InputError(f"--format {form}: {what} writes {' or '.join(forms)}")
    if problem_type == "tagging":
        tagger = cast("Tagger", model)
        return partial(_write_conll if form == "conll" else _write_tags, tagger, keep)
    classifier = cast("Classifier", model)
    return partial(_write_csv if form == "csv" else _write_json_lines, classifier, keep)


def _problem_type(model: AnyModel | Predictor) -> str:
    found = model.problem_type
    return found if isinstance(found, str) else found.name


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    records = iter(records)
    while chunk := list(islice(records, CHUNK)):
        yield chunk


def _predicted(model: Classifier, records: Iterable[Record]) -> Iterator[tuple[Record, str | list[str], list[float]]]:
    """Yield for each text its record, its label or list of labels, and the probabilities."""
    several = _problem_type(model) == "multilabel"
    classes = [str(label) for label in model.classes_]
    for chunk in _chunks(records):
        for record, row in zip(chunk, model.predict_proba([each.text for each in chunk]), strict=True):
            labels = [label for label, value in zip(classes, row, strict=True) if value >= THRESHOLD]
            yield record, labels if several else classes[int(row.argmax())], [round(float(value), 6) for value in row]


def _write_csv(model: Classifier, keep: Sequence[str], out: TextIO, records: Iterable[Record]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    name = "labels" if _problem_type(model) == "multilabel" else "label"
    writer.writerow([*keep, name, *(f"p_{label}" for label in model.classes_)])
    for record, label, probabilities in _predicted(model, records):
        writer.writerow(
            [*record.kept, label if isinstance(label, str) else SEPARATOR.join(label), *probabilities],
        )


def _write_json_lines(model: Classifier, keep: Sequence[str], out: TextIO, records: Iterable[Record]) -> None:
    classes = [str(label) for label in model.classes_]
    for record, label, probabilities in _predicted(model, records):
        name = "label" if isinstance(label, str) else "labels"
        by_class = dict(zip(classes, probabilities, strict=True))
        _write_line(out, keep, record, {name: label, "probabilities": by_class})


def _tagged(model: Tagger, records: Iterable[Record]) -> Iterator[tuple[Record, list[str], list[str]]]:
    for chunk in _chunks(records):
        sentences = [record.text.split() for record in chunk]
        for record, words, tags in zip(chunk, sentences, model.predict(sentences), strict=True):
            yield record, words, [str(tag) for tag in tags]


def _write_conll(model: Tagger, keep: Sequence[str], out: TextIO, records: Iterable[Record]) -> None:
    for record, words, tags in _tagged(model, records):
        out.writelines(f"# {name} = {' '.join(value.split())}\n" for name, value in _kept(keep, record).items())
        out.writelines(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True))
        out.write("\n")


def _write_tags(model: Tagger, keep: Sequence[str], out: TextIO, records: Iterable[Record]) -> None:
    for record, words, tags in _tagged(model, records):
        _write_line(out, keep, record, {"words": words, "tags": tags})


def _write_line(out: TextIO, keep: Sequence[str], record: Record, values: dict[str, object]) -> None:
    out.write(json.dumps({**_kept(keep, record), **values}, ensure_ascii=False) + "\n")


def _kept(keep: Sequence[str], record: Record) -> dict[str, str]:
    return dict(zip(keep, record.kept, strict=True))
