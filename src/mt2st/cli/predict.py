"""``mt2st predict``: labels and probabilities of texts, or tags of their words, as a stream."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Literal, TextIO

import tyro

from mt2st._files import complete_file
from mt2st.cli.options import parse
from mt2st.cli.predictions import writer_of
from mt2st.errors import InputError
from mt2st.text import read_records


@dataclass(frozen=True)
class PredictOptions:
    """Options of ``mt2st predict``."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """The model folder."""
    texts: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[TEXT ...]")] = ()
    """Texts to predict."""
    file: str | None = None
    """A file of texts to predict, of any size: .csv, .tsv, .jsonl, .txt (each also .gz), .parquet."""
    text: str | None = None
    """Column of the texts in the file; needed where it has several and none is called 'text'."""
    format: Literal["csv", "jsonl", "conll"] | None = None
    """Of a classifier: csv (default; columns label and p_<class>) or jsonl. Of a tagger, for words between spaces:
    conll (default; a line a word, with its tag behind a tab; a blank line behind each text) or jsonl."""
    output: Path | None = None
    """Write to this file instead of the standard output."""
    overwrite: bool = False
    """Replace the output file."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(
        PredictOptions,
        arguments,
        program="mt2st predict",
        description="Predict labels of texts, or tags of their words.",
    )
    if bool(options.texts) == bool(options.file):
        raise InputError("give texts, or a file of them by --file, and not both")
    texts = _texts_of_file(options.file, options.text) if options.file else iter(options.texts)

    from mt2st.models import load_model

    model = load_model(options.model)
    write = writer_of(model, options.format)
    with _destination(options) as out:
        write(out, texts)
    return 0


def _texts_of_file(file: str, column: str | None) -> Iterator[str]:
    """Yield a text for each row, empty ones too: the predictions stay aligned with the rows."""
    return (record.text for record in read_records(file, text=column))


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
