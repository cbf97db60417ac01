"""``mt2st predict``: labels and probabilities of texts, or tags of their words, as a stream."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Literal, TextIO, TypeVar, cast

import numpy as np
import tyro
from numpy.typing import NDArray

from mt2st._files import check_apart, complete_file
from mt2st._workers import results
from mt2st.cli.data_options import DialectOptions, saved_columns
from mt2st.cli.options import parse
from mt2st.cli.standard_input import STDIN, lines_of_texts
from mt2st.cli.terminal import progress_bar, say, warn
from mt2st.errors import InputError, listed
from mt2st.evaluation.classification import THRESHOLD
from mt2st.text import Dialect, Record, TaggedSentence, is_tagged, read_conll, read_records, read_words
from mt2st.text.conll import TAGGED, has_names
from mt2st.text.labelled import SEPARATOR
from mt2st.text.rows import NoColumnError

if TYPE_CHECKING:
    from mt2st.models import MultiLabelClassifier, Tagger, TextClassifier
    from mt2st.models.inference import Predictor
    from mt2st.models.trained_model import AnyModel

    Classifier = TextClassifier | MultiLabelClassifier | Predictor

ENDINGS = (*TAGGED, *(f"{ending}.gz" for ending in TAGGED))
"""Endings of files of words, one a line."""
SENTENCES = 1024
"""So many sentences are tagged together: enough to fill batches of similar length, few enough for flat memory."""
MOST_TEXTS, MOST_CHARACTERS, MOST_VALUES = 1 << 15, 1 << 21, 1 << 20
"""So many texts, characters and probabilities are predicted together."""
STREAMED_TEXTS = 1 << 10
"""So many texts of standard input are predicted together at most."""
VALUES_AT_ONCE = 1 << 15
"""Probabilities that are printed together, so that they stay in the processor's cache."""
UPPER = np.array([f",{n // 1000}.{n % 1000:03d}" for n in range(1001)], "S6")
LOWER = np.array([f"{n:03d}" for n in range(1000)], "S3")
"""Thousandths of a probability, and the millionths that are left, as they are printed."""
MOST_WORKERS = 4
"""Threads that predict without torch; reading and writing keep no more of them busy."""

Item = TypeVar("Item")
Chunks = Iterator[list[Record]]
Write = Callable[[TextIO, Chunks], None]
"""Predicts texts and writes the predictions."""

DESCRIPTION = """Predict labels of texts, or tags of their words.

Examples:
  mt2st predict run/model "A warm and witty film." "Dull from the first minute."
  mt2st predict run/model --file reviews.csv --keep id review --output labelled.csv
  cat texts.txt | mt2st predict run/model - --format jsonl"""


@dataclass(frozen=True)
class PredictOptions(DialectOptions):
    """Options of ``mt2st predict``."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """The folder of the model, or of the run that holds it."""
    texts: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[TEXT ...]")] = ()
    """Texts to predict; - reads standard input, a text a line, and writes predictions after each 1,024 texts."""
    file: str | None = None
    """A file of texts to predict, of any size: .csv, .tsv, .jsonl, .txt (each also .gz), .parquet; - is standard
    input. For a tagger also words, one on a line: .conllu, .conll (also .gz). Tags in it are compared with."""
    text: str | None = None
    """Column of the texts in the file. By default the one that the model was trained on; else 'text', or the only
    column."""
    keep: tuple[str, ...] = ()
    """Columns of the file to write before the predictions: --keep id text. With --keep label the prediction is called
    predicted_label."""
    format: Literal["csv", "jsonl", "conll"] | None = None
    """Of a classifier: csv (default; columns label and p_<class>) or jsonl. Of a tagger: conll
    (default; a word and its tag on a line, separated by a tab; a blank line after each text) or jsonl."""
    output: Path | None = None
    """Write to this file instead of the standard output."""
    skip_bad_rows: bool = False
    """Go on without rows that cannot be read; they are missing in the output."""
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
    if options.output is not None and file not in (None, STDIN):
        check_apart(options.output, file)
    if options.keep and file in (None, STDIN):
        raise InputError(f"--keep needs a --file with columns: there is no {listed(options.keep)}")
    if len(options.texts) == 1 and os.path.isfile(options.texts[0]):  # noqa: PTH113  # a Path refuses long texts
        raise InputError(f"{options.texts[0]} is a file: --file {options.texts[0]} predicts the texts in it")
    if file is None:
        records: Iterator[Record] = (Record(text, None, line) for line, text in enumerate(options.texts, 1))
    elif file.endswith(ENDINGS):
        return _tag_file(options, file)
    elif file == STDIN:
        texts = lines_of_texts(options.encoding)
        records = (Record(text, None, line) for line, text in enumerate(texts, 1))
    else:
        column = options.text or _trained_column(options.model, file, options.dialect)
        records = read_records(
            file, text=column, keep=options.keep, dialect=options.dialect, skip_bad_rows=options.skip_bad_rows
        )

    from mt2st.models.inference import load_to_predict

    model = load_to_predict(options.model)
    streamed = file == STDIN
    write = writer_of(model, options.format, options.keep, streamed=streamed)
    first = next(records, None)  # a source that cannot be read is found before anything is written
    with _destination(options) as out:
        every, labels = chain([first] if first else [], records), len(getattr(model, "classes_", ()))
        typed = streamed and getattr(sys.stdin, "isatty", bool)()  # a person waits for each answer
        at_once = 1 if typed else STREAMED_TEXTS if streamed else MOST_TEXTS
        most = max(1, min(at_once, MOST_VALUES // max(1, labels)))
        chunks = _chunks(every, most, shown=out is not sys.stdout or not out.isatty())
        write(out, _flushed(chunks, out) if streamed else chunks)
    return 0


def _tag_file(options: PredictOptions, file: str) -> int:
    """Tag the words of a CoNLL file."""
    if options.keep or options.text is not None:
        raise InputError(f"{file} has words, one on a line: --keep and --text are for tables of texts")

    from mt2st.models import Tagger, load

    model = load(options.model)
    if not isinstance(model, Tagger):
        raise InputError(f"{file} has words, one on a line, and {options.model} is no tagger: give it a file of texts")
    writer_of(model, options.format)  # refuses a format that it does not write
    columns = saved_columns(options.model)
    sentences = _sentences(file, columns.get("tag"), columns.get("word", 1))
    true, found = [], []
    with _destination(options) as out:
        for sentence, words, tags in _tagged(model, sentences, lambda each: each.words):
            _write_tagged(out, options.format, {}, words, tags)
            if sentence.tags:
                true.append(sentence.tags)
                found.append(tags)
    if true:
        say(agreement(true, found))
    return 0


def _sentences(file: str, tag: str | int | None, word: int) -> Iterator[TaggedSentence]:
    """Yield the sentences of a file of words; their tags are empty if the file has none.

    A column of tags of the other format, named or numbered, stands for the default.
    """
    tag = None if str(tag).removeprefix("-").isdecimal() == has_names(file) else tag
    if is_tagged(file, tag=tag, word=word):
        return read_conll(file, tag=tag, word=word)
    return (TaggedSentence(words, (), 0) for words in read_words(file, word=word))


def agreement(true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> str:
    """Return how many predicted tags of sentences are the true ones, in a line."""
    from mt2st.evaluation import has_spans, span_report

    pairs = [pair for rows in zip(true, predicted, strict=True) for pair in zip(*rows, strict=True)]
    right = sum(one == two for one, two in pairs)
    text = f"{right:,} of {len(pairs):,} tags are those of the file (accuracy {right / len(pairs):.1%})"
    if has_spans({tag for pair in pairs for tag in pair}):
        text += f"; entity F1 {span_report(true, predicted).micro.f1:.1%}"
    return text


def _trained_column(model: Path, file: str, dialect: Dialect) -> str | None:
    """Return the column of texts that a model was trained on, if the file has it."""
    column = saved_columns(model).get("text")
    try:
        if column is not None:
            next(read_records(file, text=column, dialect=dialect), None)
    except NoColumnError:
        return None
    except InputError:  # of a row: whoever reads them all says so
        return column
    return column


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


def writer_of(
    model: AnyModel | Predictor, form: str | None, keep: Sequence[str] = (), *, streamed: bool = False
) -> Write:
    """Return what writes predictions in a form, ``"csv"``, ``"jsonl"`` or ``"conll"``; None is the model's own.

    ``keep`` names the values that the records carry. ``streamed`` predictions are written before the next chunk is
    read.
    """
    problem_type = _problem_type(model)
    forms = ("conll", "jsonl") if problem_type == "tagging" else ("csv", "jsonl")
    form = form or forms[0]
    if form not in forms:
        what = "a tagger" if problem_type == "tagging" else "a classifier"
        raise InputError(f"--format {form}: {what} writes {' or '.join(forms)}")
    if problem_type == "tagging":
        tagger = cast("Tagger", model)
        return partial(_write_tags, tagger, form, keep)
    classifier = cast("Classifier", model)
    return partial(_write_csv if form == "csv" else _write_json_lines, classifier, keep, streamed)


def _problem_type(model: AnyModel | Predictor) -> str:
    found = model.problem_type
    return found if isinstance(found, str) else found.name


def _chunks(records: Iterable[Record], most: int, *, shown: bool) -> Chunks:
    """Yield records in lists: enough for compiled code and batches of similar length, few enough for flat memory.

    Several lists may be read before the first one's predictions are written (`_predicted`). Name empty texts in the
    end. Show how many texts there are, unless predictions come to the same terminal.
    """
    chunk: list[Record] = []
    characters = empty = first = 0
    with progress_bar() as bar:
        for total, record in enumerate(records, 1):
            chunk.append(record)
            characters += len(record.text) + sum(map(len, record.kept))
            if not record.text.strip():
                empty, first = empty + 1, first or record.line
            if len(chunk) == most or characters >= MOST_CHARACTERS:
                if shown:
                    bar.show(None, f"predicting: {total:,} texts")
                yield chunk
                chunk, characters = [], 0
        if chunk:
            yield chunk
    if empty:
        warn(f"{empty:,} empty text{'s are' if empty > 1 else ' is'} predicted too, the first from line {first}")


def _flushed(chunks: Chunks, out: TextIO) -> Chunks:
    """Yield the chunks; flush what was written for one before the next one is read."""
    for chunk in chunks:
        yield chunk
        out.flush()


def _predicted(model: Classifier, chunks: Chunks, streamed: bool) -> Iterator[tuple[list[Record], NDArray[np.float32]]]:
    """Yield texts in chunks, and their probabilities; warn of texts without a known word in the end.

    If not ``streamed``, two chunks for each worker and one more are read before the first one's probabilities come.
    """

    def predict(chunk: list[Record]) -> tuple[list[Record], NDArray[np.float32], NDArray[np.bool_]]:
        return chunk, *model.predict_known([each.text for each in chunk])

    unknown = total = 0
    # Without torch, which has threads of its own, several chunks are predicted at a time.
    several = isinstance(model.problem_type, str) and not streamed
    workers = min(MOST_WORKERS, os.cpu_count() or 1) if several else 1
    for chunk, found, known in results(predict, chunks, workers, in_order=True):
        unknown, total = unknown + int((~known).sum()), total + len(known)
        yield chunk, found
    if unknown:
        from mt2st.models.ensemble import without_known_words

        warn(without_known_words(unknown, total))


def _labels(model: Classifier, found: NDArray[np.float32]) -> list[str] | list[list[str]]:
    """Return the label of each text, or its labels."""
    classes = [str(label) for label in model.classes_]
    if _problem_type(model) != "multilabel":
        return [classes[number] for number in found.argmax(axis=1).tolist()]
    return [[label for label, has in zip(classes, row, strict=True) if has] for row in (found >= THRESHOLD).tolist()]


def _rounded(found: NDArray[np.float32]) -> list[list[float]]:
    """Return probabilities with six decimals."""
    rounded: list[list[float]] = ((found.astype("float64") * 1e6).round() / 1e6).tolist()
    return rounded


def _write_csv(model: Classifier, keep: Sequence[str], streamed: bool, out: TextIO, chunks: Chunks) -> None:
    rows: list[str] = []
    writer = csv.writer(cast("TextIO", SimpleNamespace(write=rows.append)))  # rows that end with a CR and an LF
    several, step = _problem_type(model) == "multilabel", max(1, VALUES_AT_ONCE // len(model.classes_))
    writer.writerow(
        [*keep, _free("labels" if several else "label", keep), *(_free(f"p_{label}", keep) for label in model.classes_)]
    )
    out.write(rows.pop()[:-2] + "\n")
    for chunk, found in _predicted(model, chunks, streamed):
        labels = [SEPARATOR.join(each) if several else each for each in _labels(model, found)]
        writer.writerows([*record.kept, label] for record, label in zip(chunk, labels, strict=True))
        for some in (slice(at, at + step) for at in range(0, len(rows), step)):
            printed = zip(rows[some], decimals(found[some]), strict=True)
            out.write("".join([f"{row[:-2]}{shares}\n" for row, shares in printed]))
        rows.clear()


def decimals(found: NDArray[np.float32]) -> list[str]:
    """Return each row of probabilities with six decimals, a comma before each. Python takes ten times as long.

    Example:
        >>> decimals(np.array([[0.25, 0.75], [0.9999994, 6e-7]], np.float32))
        [',0.250000,0.750000', ',0.999999,0.000001']
    """
    value = np.rint(found.astype(np.float64) * 1e6).astype(np.int32)  # the product is exact: 24 bits times 14
    upper = value // 1000
    printed = np.empty(found.shape, [("upper", "S6"), ("lower", "S3")])
    printed["upper"], printed["lower"] = UPPER[upper], LOWER[value - 1000 * upper]
    text, size = printed.tobytes().decode(), printed.itemsize * found.shape[1]
    return [text[at : at + size] for at in range(0, len(text), size)]


def _write_json_lines(model: Classifier, keep: Sequence[str], streamed: bool, out: TextIO, chunks: Chunks) -> None:
    classes = [str(label) for label in model.classes_]
    name = "labels" if _problem_type(model) == "multilabel" else "label"
    for chunk, found in _predicted(model, chunks, streamed):
        for record, label, row in zip(chunk, _labels(model, found), _rounded(found), strict=True):
            values = {name: label, "probabilities": dict(zip(classes, row, strict=True))}
            _write_json(out, _kept(keep, record), values)


def _tagged(
    model: Tagger, items: Iterable[Item], words_of: Callable[[Item], Sequence[str]]
) -> Iterator[tuple[Item, Sequence[str], list[str]]]:
    """Yield items with their words and tags; tell in the end how many have no word that the model knows."""
    from mt2st.models.tagger import KnownWords

    counts, items = KnownWords(), iter(items)
    while chunk := list(islice(items, SENTENCES)):
        sentences = [words_of(each) for each in chunk]
        tags, known = model.predict_known_words(sentences)
        counts.add(known)
        for item, words, found in zip(chunk, sentences, tags, strict=True):
            yield item, words, [str(tag) for tag in found]
    if told := str(counts):
        warn(told)


def _write_tags(model: Tagger, form: str, keep: Sequence[str], out: TextIO, chunks: Chunks) -> None:
    records = chain.from_iterable(chunks)
    for record, words, tags in _tagged(model, records, lambda record: model.cutter_(record.text)):
        _write_tagged(out, form, _kept(keep, record), words, tags)


def _write_tagged(
    out: TextIO, form: str | None, kept: Mapping[str, str], words: Sequence[str], tags: Sequence[str]
) -> None:
    """Write a sentence: a word and its tag a line, below the kept values, or a line of JSON."""
    if form == "jsonl":
        _write_json(out, kept, {"words": words, "tags": tags})
        return
    out.writelines(f"# {name} = {' '.join(value.split())}\n" for name, value in kept.items())
    out.writelines(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True))
    out.write("\n")


def _write_json(out: TextIO, kept: Mapping[str, str], values: Mapping[str, object]) -> None:
    predicted = {_free(name, kept): value for name, value in values.items()}
    out.write(json.dumps({**kept, **predicted}, ensure_ascii=False) + "\n")


def _free(name: str, keep: Collection[str]) -> str:
    """Return the name of a predicted value, another one where a kept column has it."""
    return f"predicted_{name}" if name in keep else name


def _kept(keep: Sequence[str], record: Record) -> dict[str, str]:
    return dict(zip(keep, record.kept, strict=True))
