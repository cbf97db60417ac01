"""``mt2st predict``: labels and probabilities of texts, or tags of their words, as a stream."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, TextIO

import tyro

from mt2st._files import complete_file
from mt2st.cli.bar import progress_bar
from mt2st.cli.data_options import saved_columns
from mt2st.cli.options import parse
from mt2st.cli.predictions import CHUNK, writer_of
from mt2st.errors import InputError, listed
from mt2st.text import Record, read_records

STDIN = "-"
DESCRIPTION = """Predict labels of texts, or tags of their words.

Examples:
  mt2st predict run/model "A warm and witty film." "Dull from the first minute."
  mt2st predict run/model --file reviews.csv --keep id review --output labelled.csv
  cat texts.txt | mt2st predict run/model - --format jsonl"""


@dataclass(frozen=True)
class PredictOptions:
    """Options of ``mt2st predict``."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """The model folder."""
    texts: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[TEXT ...]")] = ()
    """Texts to predict; - reads standard input, a text a line."""
    file: str | None = None
    """A file of texts to predict, of any size: .csv, .tsv, .jsonl, .txt (each also .gz), .parquet; - is standard
    input."""
    text: str | None = None
    """Column of the texts in the file. By default the one that the model was trained on; else 'text', or the only
    column."""
    keep: tuple[str, ...] = ()
    """Columns of the file to write before the predictions: --keep id text."""
    format: Literal["csv", "jsonl", "conll"] | None = None
    """Of a classifier: csv (default; columns label and p_<class>) or jsonl. Of a tagger, for words between spaces:
    conll (default; a word and its tag on a line, separated by a tab; a blank line after each text) or jsonl."""
    output: Path | None = None
    """Write to this file instead of the standard output."""
    overwrite: bool = False
    """Replace the output file."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(PredictOptions, arguments, program="mt2st predict", description=DESCRIPTION)
    file = STDIN if options.texts == (STDIN,) else options.file
    if not options.texts and file is None:
        raise InputError("there is nothing to predict: give texts, a file of them by --file, or - for standard input")
    if options.texts not in ((), (STDIN,)) and file is not None:
        raise InputError(f"found texts and --file {file}: give one of them")
    if options.keep and file in (None, STDIN):
        raise InputError(f"--keep needs a --file with columns: there is no {listed(options.keep)}")
    if file is None:
        records: Iterator[Record] = (Record(text, None, line) for line, text in enumerate(options.texts, 1))
    elif file == STDIN:
        records = (Record(text.rstrip("\r\n"), None, line) for line, text in enumerate(sys.stdin, 1))
    else:
        column = options.text or _trained_column(options.model, file)
        records = read_records(file, text=column, keep=options.keep)

    from mt2st.models import load

    model = load(options.model)
    write = writer_of(model, options.format, options.keep)
    first = next(records, None)  # a source that cannot be read is found before anything is written
    with _destination(options) as out:
        write(out, _counted(chain([first] if first else [], records), shown=out is not sys.stdout or not out.isatty()))
    return 0


def _trained_column(model: Path, file: str) -> str | None:
    """Return the column of texts that a model was trained on, if the file has it."""
    column = saved_columns(model).get("text")
    try:
        if column is not None:
            next(read_records(file, text=column), None)
    except InputError:
        return None
    return column


def _counted(records: Iterator[Record], *, shown: bool) -> Iterator[Record]:
    """Pass records on and show how many they are, unless the predictions come to the same terminal."""
    with progress_bar() as bar:
        for number, record in enumerate(records, 1):
            if shown and number % CHUNK == 0:
                bar.show(None, f"predicting: {number:,} texts")
            yield record


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
