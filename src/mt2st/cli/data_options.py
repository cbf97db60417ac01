"""The data on the command line, for the commands that train."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from mt2st.cli.options import AT_LEAST_1, Rule
from mt2st.cli.terminal import say, warn
from mt2st.embedding.formats.model_files import CONFIG, model_home
from mt2st.errors import InputError, shortened, unknown_labels
from mt2st.text import (
    Dialect,
    LabelledText,
    MultiLabelledText,
    TaggedText,
    check_classes,
    check_labels,
    check_tags,
    iterate_texts,
    read_labelled,
    read_multi_labelled,
    read_tagged,
    split_at_random,
    split_labelled,
)
from mt2st.text.conll import TAGGED
from mt2st.text.labelled import SEPARATOR
from mt2st.text.readers import HUB_PREFIX
from mt2st.text.rows import Quoting
from mt2st.text.split import LARGEST_SEED, shared_texts

Rows = LabelledText | MultiLabelledText | TaggedText
COLUMNS = ("text", "label", "label_separator", "tag", "word")
"""The options that a model's folder remembers, so that its texts and labels are found in other files."""
TABLES = (".csv", ".jsonl", ".parquet")
"""Endings of files that hold labelled texts, though one with tagged words may have such a name too."""
TaskName = Literal["classification", "multilabel", "tagging"]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_SHARE = "must be a share between 0 and 1, or a file"
_OF_SHARE = Rule(lambda value: not _is_number(value) or 0 < float(value) < 1, _SHARE)
_OF_SHARE_OR_NONE = Rule(lambda value: not _is_number(value) or 0 <= float(value) < 1, _SHARE)
_OF_SEED = Rule(lambda seed: 0 <= seed <= LARGEST_SEED, f"must be 0 to {LARGEST_SEED}")


@dataclass(frozen=True, kw_only=True)
class DialectOptions:
    """How text files are written, where their names do not tell."""

    delimiter: str | None = None
    """Character between the fields of a table, such as ';' or tab; by default a comma in .csv and a tab in .tsv."""
    encoding: str | None = None
    """Encoding of tables, JSON Lines and plain text, such as cp1252 or utf-16; UTF-8 if not given."""
    quoting: Quoting = "auto"
    """Quotes in tables: quotes, around fields that hold delimiters or line ends; none, where a quote is a character as
    any other; auto takes them for quotes until rows show that they are none."""

    @property
    def dialect(self) -> Dialect:
        """The form of text files."""
        return Dialect(self.delimiter, self.encoding, self.quoting)


@dataclass(frozen=True)
class DataOptions(DialectOptions):
    """Where the texts come from."""

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Labelled texts: .csv, .tsv, .jsonl, fastText's .txt (each also .gz), .parquet, a folder per class, hf:owner/name,
    or - for standard input. For tagging: CoNLL-U (.conllu) or CoNLL columns (any other name), each also .gz."""
    task: TaskName = "classification"
    """What is learnt: classification (one label a text), multilabel (any number of labels a text) or tagging (a tag for
    each word: parts of speech, entities)."""
    text: str | None = None
    """Column of the texts; needed where a source has several columns and none is called 'text'."""
    label: str | None = None
    """Column of the labels; 'label' if not given."""
    label_separator: str = SEPARATOR
    """Multilabel: what stands between two labels of a text."""
    tag: str | None = None
    """Tagging: column of the tags: upos, xpos, ... in CoNLL-U (upos if not given), else its number (the last)."""
    word: Annotated[int, AT_LEAST_1] = 1
    """Tagging: number of the column of the words; in CoNLL-U it is known."""
    unlabelled: tuple[str, ...] = ()
    """Further sources whose texts, without labels, train the word embedding."""
    validation: Annotated[str, _OF_SHARE] = "0.2"
    """Labelled texts that choose the best epoch: a file, or a share of the data after --test is split off."""
    test: Annotated[str, _OF_SHARE_OR_NONE] = "0.2"
    """Labelled texts for the report, used once at the end: a file, a share of the data, or 0 for none."""
    train_size: Annotated[int | None, AT_LEAST_1] = None
    """Learn from so many labelled texts only; the others join the unlabelled ones. Default: all."""
    skip_bad_rows: bool = False
    """Go on without rows that cannot be used."""
    split_seed: Annotated[int, _OF_SEED] = 0
    """Decides the split of the data, which is stratified by label in classification and random else; apart from --seed,
    so that seeds share a split."""

    @property
    def splits_validation(self) -> bool:
        """Whether the texts to choose by are split off the data; else they have a source of their own."""
        return _is_number(self.validation)

    def columns(self) -> dict[str, Any]:
        """Return what a file of the same form is read by, for the model's folder."""
        return {name: getattr(self, name) for name in COLUMNS if getattr(self, name) is not None}

    @property
    def dataset(self) -> str | None:
        """Name of the labelled data, for the model's card; None for standard input."""
        if self.data == "-":
            return None
        return self.data if self.data.startswith(HUB_PREFIX) else Path(self.data).name

    def by_name(self) -> dict[str, Any]:
        """Return the options as they are called on the command line."""
        return {
            "DATA" if name == "data" else f"--{name.replace('_', '-')}": value for name, value in asdict(self).items()
        }


@dataclass(frozen=True)
class Parts:
    """The data, read and split: labelled texts, those whose labels are not used, and how to read further sources."""

    train: Rows
    validation: Rows
    test: Rows | None
    left_over: tuple[str, ...]
    sources: tuple[str, ...]
    text: str | None
    skip_bad_rows: bool
    dialect: Dialect

    def unlabelled(self) -> Iterator[str]:
        """Yield all unlabelled texts; call it again to read them again."""
        yield from self.left_over
        for source in self.sources:
            yield from iterate_texts(source, text=self.text, skip_bad_rows=self.skip_bad_rows, dialect=self.dialect)

    def described(self) -> list[str]:
        """Return lines about the data, for the model's card."""
        what = "tagged sentences" if isinstance(self.train, TaggedText) else "labelled texts"
        lines = [f"{len(self.train):,} {what} to learn from ({self.train.source})"]
        lines.append(f"{len(self.validation):,} {what} to choose by ({self.validation.source})")
        if self.test is not None:
            lines.append(f"{len(self.test):,} {what} for the report ({self.test.source})")
        if self.left_over:
            lines.append(f"{len(self.left_over):,} texts of the same source without their labels")
        lines += [f"unlabelled texts of {source}" for source in self.sources]
        return lines


def read_parts(options: DataOptions) -> Parts:
    """Read and split the data."""
    labelled = read_rows(options, options.data)
    check_rows(labelled)
    if isinstance(labelled, TaggedText):
        from mt2st.evaluation import scheme_told

        say(f"{options.data}: {scheme_told(labelled.tags)}")
    for source in options.unlabelled:  # found now, not after minutes of training
        try:
            texts = iterate_texts(
                source, text=options.text, skip_bad_rows=options.skip_bad_rows, dialect=options.dialect
            )
            next(texts, None)
        except InputError as error:
            raise InputError(f"--unlabelled {error}") from None
    test, rest = _part(options, "test", options.test, labelled)
    _check_rare(labelled, rest, splits=options.splits_validation)
    validation, rest = _part(options, "validation", options.validation, rest)
    assert validation is not None
    for name, part in (("validation", validation), ("test", test)):
        _check_labels(name, part, rest)
    left_over: tuple[str, ...] = ()
    if options.train_size is not None:
        if options.train_size < len(rest):
            others, rest = _split(rest, options.train_size, seed=options.split_seed)
            left_over = tuple(others.texts)
        elif options.train_size > len(rest):
            raise InputError(
                f"--train-size is {options.train_size:,}, but only {len(rest):,} labelled texts are left to learn from"
            )
    warn_of_shared_texts({"training": rest, "validation": validation, "test": test})
    return Parts(
        rest,
        validation,
        test,
        left_over,
        tuple(options.unlabelled),
        options.text,
        options.skip_bad_rows,
        options.dialect,
    )


def _check_rare(labelled: Rows, rest: Rows, *, splits: bool) -> None:
    """Refuse classes that have a row for the test part and one that is left, where a second part is to be split off."""
    if not (splits and isinstance(labelled, LabelledText) and isinstance(rest, LabelledText)):
        return
    counts, left = Counter(labelled.labels), Counter(rest.labels)
    rare = sorted(name for name, count in counts.items() if count >= 2 and left[name] < 2)
    if rare and len(rest) < len(labelled):
        raise InputError(
            f"{labelled.source}: the class '{shortened(rare[0])}' has {counts[rare[0]]} rows, and three are needed: to "
            f"learn from, to choose by (--validation) and for the report (--test). Add rows, leave the class out, give "
            f"one of the parts a file of its own, or go without a report by --test 0"
        )


def check_rows(rows: Rows) -> None:
    """Raise `InputError` when there is nothing to learn from labelled data of any kind."""
    if isinstance(rows, TaggedText):
        check_tags(rows)
    elif isinstance(rows, MultiLabelledText):
        check_labels(rows)
    else:
        check_classes(rows)


def saved_columns(model: Path) -> dict[str, Any]:
    """Return the columns that a model was trained on, from its folder; none of them where it does not say."""
    saved = saved_config(model).get("columns")
    return {name: saved[name] for name in COLUMNS if name in saved} if isinstance(saved, dict) else {}


def saved_config(model: Path) -> dict[str, Any]:
    """Return what a model's folder says of the model; nothing where it cannot be read, which its loading says."""
    try:
        saved = json.loads(((model_home(model) or model) / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return saved if isinstance(saved, dict) else {}


def read_rows(options: DataOptions, source: str) -> Rows:
    """Read labelled data of the kind that the options name."""
    if options.task == "tagging":
        try:
            return read_tagged(source, tag=options.tag, word=options.word)
        except InputError as error:
            if not source.endswith(TABLES):
                raise
            raise InputError(f"{error}. Texts with labels need --task classification or multilabel") from None
    if source.removesuffix(".gz").endswith(TAGGED):
        raise InputError(f"{source}: these are tagged sentences, which only a tagger reads (--task tagging)")
    if options.task == "multilabel":
        return read_multi_labelled(
            source,
            text=options.text,
            label=options.label,
            separator=options.label_separator,
            skip_bad_rows=options.skip_bad_rows,
            dialect=options.dialect,
        )
    labelled = read_labelled(
        source,
        text=options.text,
        label=options.label,
        skip_bad_rows=options.skip_bad_rows,
        dialect=options.dialect,
    )
    if labelled.skipped:
        say(f"{source}: {labelled.skipped:,} rows that cannot be used are left out, {len(labelled):,} are read")
    return labelled


def _split(rows: Rows, fraction_or_count: float, *, seed: int) -> tuple[Rows, Rows]:
    if isinstance(rows, LabelledText):
        return split_labelled(rows, fraction_or_count, seed=seed)
    return split_at_random(rows, fraction_or_count, seed=seed)


def _check_labels(name: str, part: Rows | None, train: Rows) -> None:
    """Refuse a label that training cannot learn now, not when the part is measured after it.

    Of several labels a text, and of tags, an unknown one counts as not found.
    """
    if not isinstance(part, LabelledText) or not isinstance(train, LabelledText):
        return
    classes = sorted(set(train.labels))
    unknown = sorted(set(part.labels) - set(classes))
    if unknown:
        raise InputError(f"--{name} {part.source}: {unknown_labels(unknown, classes)} (--label)")


def warn_of_shared_texts(parts: Mapping[str, Rows | None]) -> None:
    """Say which parts share texts: a few that come twice do little harm, but a file given twice makes measures void."""
    given = [(name, part) for name, part in parts.items() if part is not None]
    for (other, known), (name, part) in combinations(given, 2):
        shared = shared_texts(part, known)
        if shared:
            warn(
                f"{shared:,} of {len(part):,} {name} texts are also in the {other} part, so measures on them are too "
                "high: leave them out of one of the two"
            )


def _part(options: DataOptions, name: str, value: str, labelled: Rows) -> tuple[Rows | None, Rows]:
    """Return the part that ``value`` asks for, and the rest."""
    if not _is_number(value):
        if not Path(value).exists() and not value.startswith(HUB_PREFIX):
            raise InputError(
                f"--{name} takes a share between 0 and 1 or a file; '{value}' is no number, and there is no such file"
            )
        return read_rows(options, value), labelled
    if float(value) == 0:
        return None, labelled
    rest, part = _split(labelled, float(value), seed=options.split_seed)
    return part, rest
