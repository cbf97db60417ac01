"""Predictions as a stream of lines, for each kind of model."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, TextIO

from mt2st.errors import InputError
from mt2st.text.multi_labelled import SEPARATOR

if TYPE_CHECKING:
    from mt2st.models import MultiLabelClassifier, Tagger, TextClassifier
    from mt2st.models.any_model import AnyModel

CHUNK = 1024
"""Texts predicted at a time: enough to fill batches of similar length, few enough for flat memory."""

Write = Callable[[TextIO, Iterable[str]], None]
"""Predicts texts and writes what comes of them."""


def writer_of(model: AnyModel, form: str | None) -> Write:
    """Return what writes a model's predictions.

    Args:
        model: any model.
        form: ``"csv"``, ``"jsonl"`` or ``"conll"``; None for the model's own.

    Raises:
        InputError: when the model has nothing to write in that form.
    """
    from mt2st.models import Tagger

    is_tagger = isinstance(model, Tagger)
    form = form or ("conll" if is_tagger else "csv")
    if form not in (("conll", "jsonl") if is_tagger else ("csv", "jsonl")):
        what = "a tagger writes conll or jsonl" if is_tagger else "a classifier writes csv or jsonl"
        raise InputError(f"--format {form}: {what}")
    if isinstance(model, Tagger):
        return partial(_write_conll if form == "conll" else _write_tags, model)
    return partial(_write_csv if form == "csv" else _write_json_lines, model)


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    texts = iter(texts)
    while chunk := list(islice(texts, CHUNK)):
        yield chunk


def _predicted(
    model: TextClassifier | MultiLabelClassifier, texts: Iterable[str]
) -> Iterator[tuple[str | list[str], list[float]]]:
    """Yield for each text its label, or the list of its labels, and the probabilities."""
    from mt2st.models import TextClassifier
    from mt2st.tasks.multi_label import THRESHOLD

    for chunk in _chunks(texts):
        for row in model.predict_proba(chunk):
            probabilities = [round(float(value), 6) for value in row]
            if isinstance(model, TextClassifier):
                yield str(model.classes_[int(row.argmax())]), probabilities
            else:
                yield [str(model.classes_[at]) for at, value in enumerate(row) if value >= THRESHOLD], probabilities


def _write_csv(model: TextClassifier | MultiLabelClassifier, out: TextIO, texts: Iterable[str]) -> None:
    from mt2st.models import MultiLabelClassifier

    writer = csv.writer(out, lineterminator="\n")
    rows = _predicted(model, texts)
    first = next(rows, None)  # a source that cannot be read is found before the header is written
    name = "labels" if isinstance(model, MultiLabelClassifier) else "label"
    writer.writerow([name, *(f"p_{label}" for label in model.classes_)])
    for label, probabilities in chain([first] if first else [], rows):
        writer.writerow([label if isinstance(label, str) else SEPARATOR.join(label), *probabilities])


def _write_json_lines(model: TextClassifier | MultiLabelClassifier, out: TextIO, texts: Iterable[str]) -> None:
    for label, probabilities in _predicted(model, texts):
        by_class = dict(zip(map(str, model.classes_), probabilities, strict=True))
        name = "label" if isinstance(label, str) else "labels"
        out.write(json.dumps({name: label, "probabilities": by_class}, ensure_ascii=False) + "\n")


def _tagged(model: Tagger, texts: Iterable[str]) -> Iterator[tuple[list[str], list[str]]]:
    for chunk in _chunks(texts):
        sentences = [text.split() for text in chunk]
        yield from zip(sentences, model.predict(sentences), strict=True)


def _write_conll(model: Tagger, out: TextIO, texts: Iterable[str]) -> None:
    for words, tags in _tagged(model, texts):
        out.writelines(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True))
        out.write("\n")


def _write_tags(model: Tagger, out: TextIO, texts: Iterable[str]) -> None:
    for words, tags in _tagged(model, texts):
        out.write(json.dumps({"words": words, "tags": tags}, ensure_ascii=False) + "\n")
