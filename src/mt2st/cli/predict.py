"""``mt2st predict``: labels and probabilities of texts, as a stream."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import tyro

from mt2st.cli.options import parse
from mt2st.errors import InputError
from mt2st.files import complete_file
from mt2st.text import read_records

if TYPE_CHECKING:
    from mt2st.models import TextClassifier

CHUNK = 1024
"""Texts predicted at a time: enough to fill batches of similar length, few enough for flat memory."""


@dataclass(frozen=True)
class PredictOptions:
    """Options of ``mt2st predict``."""

    model: Annotated[Path, tyro.conf.Positional]
    """The model folder."""
    texts: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Texts to predict."""
    file: str | None = None
    """A file of texts to predict, of any size: .csv, .tsv, .jsonl, .txt (each also .gz), .parquet."""
    text: str | None = None
    """Column of the texts in the file; needed where it has several and none is called 'text'."""
    format: Literal["csv", "jsonl"] = "csv"
    """CSV with the columns label and p_<class>, or JSON Lines."""
    output: Path | None = None
    """Write to this file instead of the standard output."""
    overwrite: bool = False
    """Replace the output file."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(PredictOptions, arguments, program="mt2st predict", description="Predict labels of texts.")
    if bool(options.texts) == bool(options.file):
        raise InputError("give texts, or a file of them by --file, and not both")
    texts = _texts_of_file(options.file, options.text) if options.file else iter(options.texts)

    from mt2st.models import TextClassifier

    classifier = TextClassifier.load(options.model)
    with _destination(options) as out:
        write = _write_csv if options.format == "csv" else _write_json_lines
        write(out, classifier, texts)
    return 0


def _texts_of_file(file: str, column: str | None) -> Iterator[str]:
    """Yield a text for each row, empty ones too: the predictions stay aligned with the rows."""
    return (record.text for record in read_records(file, text=column))


def _predicted(classifier: TextClassifier, texts: Iterable[str]) -> Iterator[tuple[str, list[float]]]:
    texts = iter(texts)
    while chunk := list(islice(texts, CHUNK)):
        for row in classifier.predict_proba(chunk):
            yield classifier.classes_[int(row.argmax())], [round(float(value), 6) for value in row]


def _write_csv(out: TextIO, classifier: TextClassifier, texts: Iterable[str]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    rows = _predicted(classifier, texts)
    first = next(rows, None)  # a source that cannot be read is found before the header is written
    writer.writerow(["label", *(f"p_{label}" for label in classifier.classes_)])
    for label, probabilities in chain([first] if first else [], rows):
        writer.writerow([label, *probabilities])


def _write_json_lines(out: TextIO, classifier: TextClassifier, texts: Iterable[str]) -> None:
    for label, probabilities in _predicted(classifier, texts):
        by_class = dict(zip(classifier.classes_, probabilities, strict=True))
        out.write(json.dumps({"label": label, "probabilities": by_class}, ensure_ascii=False) + "\n")


@contextmanager
def _destination(options: PredictOptions) -> Iterator[TextIO]:
    if options.output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    with complete_file(options.output, overwrite=options.overwrite) as file:
        out = TextIOWrapper(file, encoding="utf-8", newline="")
        yield out
        out.flush()
        out.detach()
