"""Labelled text in memory: with one label a text or any number for classifiers, with a tag a word for taggers."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

from mt2st.errors import DataWarning, InputError, in_brief, kind_of, meaning_of, shortened
from mt2st.text.conll import read_conll
from mt2st.text.lines import text_files
from mt2st.text.readers import has_no_labels, read_records, stream_records
from mt2st.text.rows import BadRow, Dialect, Record, Wanted, check_present, has_lone_surrogate, labels_in

LINES_SHOWN = 5
SEPARATOR = ";"


class _Rows:
    """Rows in the order of their source. Each has a value in the fields ``per_row``, if these are not None."""

    per_row: ClassVar[tuple[str, ...]] = ("texts", "labels", "weights")

    def __len__(self) -> int:
        return len(getattr(self, self.per_row[0]))

    def select(self, indices: Iterable[int]) -> Self:
        """Return the rows of these indices, in their order."""
        chosen = [int(index) for index in indices]
        values = {name: getattr(self, name) for name in self.per_row}
        picked = {name: [each[index] for index in chosen] for name, each in values.items() if each is not None}
        return replace(self, **picked)  # type: ignore[type-var]  # of dataclasses


@dataclass(frozen=True)
class LabelledText(_Rows):
    """Texts and their labels, in the order of their source.

    Attributes:
        texts: n texts, none of them empty.
        labels: n labels.
        skipped: how many bad rows were left out.
        source: where they come from, for messages and model cards.
        weights: n weights of the texts in the loss, or None.

    Example:
        >>> data = LabelledText(["good", "bad", "fine"], ["pos", "neg", "pos"], skipped=0, source="reviews.csv")
        >>> len(data), data.select([2, 0]).texts
        (3, ['fine', 'good'])
    """

    texts: list[str]
    labels: list[str]
    skipped: int = 0
    source: str = ""
    weights: list[float] | None = None

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise InputError(f"texts and labels must be as many, found {len(self.texts)} and {len(self.labels)}")


@dataclass
class _BadRows:
    """Bad rows by kind: how many, and the first of them."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[int]] = field(default_factory=dict)
    message: str = ""

    def add(self, bad: BadRow) -> None:
        self.counts[bad.kind] += 1
        self.message = self.message or bad.message
        lines = self.first.setdefault(bad.kind, [])
        if len(lines) < LINES_SHOWN:
            lines.append(bad.line)

    def described(self, path: Path) -> str:
        return ", ".join(f"{count:,} {kind} ({self._places(kind, path)})" for kind, count in self.counts.items())

    def _places(self, kind: str, path: Path) -> str:
        lines = self.first[kind]
        more = ", ..." if self.counts[kind] > len(lines) else ""
        if path.is_dir():
            files = text_files(path)
            return ", ".join(str(files[line - 1].relative_to(path)) for line in lines) + more
        return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}{more}"


def read_labelled(
    source: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    skip_bad_rows: bool = False,
    dialect: Dialect | None = None,
) -> LabelledText:
    r"""Read a labelled source into memory.

    A row is bad if it cannot be read, has no label or an empty text. All bad rows are reported in one message: how many
    of each kind, and the first lines.

    Args:
        source: as for `read_records`, whose errors are raised; a plain text file has no labels and is refused.
        text: the column of the texts; None for the column ``text``, or the only one.
        label: the column of the labels; None for the column ``label``.
        skip_bad_rows: skip bad rows, and count them in ``skipped``.
        dialect: as for `read_records`.

    Raises:
        InputError: bad rows (without `skip_bad_rows`), or no good row.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "reviews.tsv"
        ...     _ = path.write_text("text\tlabel\ngood\tpos\nbad\t\n", encoding="utf-8")
        ...     data = read_labelled(path, skip_bad_rows=True)
        >>> data.texts, data.labels, data.skipped
        (['good'], ['pos'], 1)
    """
    texts: list[str] = []
    labels: list[str] = []
    bad_rows = _BadRows()
    wanted = Wanted(text, label or "label", dialect=dialect or Dialect(), on_bad_row=bad_rows.add)
    records = stream_records(source, wanted)
    if has_no_labels(source, dialect):
        raise InputError(
            f"{source}: a .txt file has no labels, unless its lines begin with __label__; give a table with a label "
            f"column or a folder per class"
        )
    of_column = "" if Path(source).is_dir() else f" in column '{label or 'label'}'"
    lines: dict[str, int] = {}
    for record in records:
        if container := _container(record):
            bad_rows.add(BadRow(record.line, container.format(of_column), ""))
        elif record.label is None:
            bad_rows.add(BadRow(record.line, f"without a label{of_column}", ""))
        elif not record.text.strip():
            bad_rows.add(BadRow(record.line, "with an empty text", ""))
        else:
            texts.append(record.text)
            labels.append(record.label)
            lines.setdefault(record.label, record.line)
    skipped = bad_rows.counts.total()
    if skipped and not (skip_bad_rows and texts):
        rows = f"{skipped:,} of {skipped + len(texts):,} rows cannot be used: {bad_rows.described(Path(source))}"
        skipping = ", or go on without them by --skip-bad-rows (skip_bad_rows=True)" if texts else ""
        first = f". The first: {bad_rows.message}" if bad_rows.message and not texts else ""
        raise InputError(f"{source}: {rows}. Correct them{skipping}{first}")
    in_table = not Path(source).is_dir() and not str(source).removesuffix(".gz").endswith(".txt")
    labels = one_spelling(labels, str(source), lambda name: _place(Path(source), lines[name]), joining=in_table)
    return LabelledText(texts, labels, skipped, str(source))


def one_spelling(labels: list[str], source: str, first: Callable[[str], str], *, joining: bool) -> list[str]:
    """Return labels in which a number, or a truth value, has one spelling; warn of labels that are spelled in two ways.

    pandas reads a column of numbers alone, or of truth values alone, as such: ``1`` and ``1.0`` are one class. They get
    the most frequent spelling. Others, such as ``pos`` and ``Pos``, stay two classes.

    Args:
        labels: the label of each text.
        source: their name in the warning.
        first: returns where a label comes first.
        joining: whether they are those of a table.
    """
    counts = Counter(labels)
    spelled: dict[object, list[str]] = {}
    for name, _ in counts.most_common():
        spelled.setdefault(meaning_of(name), []).append(name)
    twice = [names for names in spelled.values() if len(names) > 1]
    if not twice:
        return labels
    kinds = {kind_of(name) for name in counts}
    joining = joining and len(kinds) == 1 and kinds != {"label"}
    shown = " and ".join(f"{_visible(each)} ({counts[each]:,}, first {first(each)})" for each in twice[0])
    others = f" ({len(twice) - 1:,} more are spelled in several ways)" if len(twice) > 1 else ""
    end = f"are taken as one, '{twice[0][0]}'" if joining else "are different classes: write them alike if they are one"
    warnings.warn(f"{source}: the labels {shown} {end}{others}", DataWarning, stacklevel=2)
    chosen = {each: names[0] for names in twice for each in names} if joining else {}
    return [chosen.get(each, each) for each in labels]


def _place(source: Path, line: int) -> str:
    return f"in {text_files(source)[line - 1].relative_to(source)}" if source.is_dir() else f"in line {line}"


def _visible(label: str) -> str:
    """Return a label in quotes, with signs that nobody sees spelled out."""
    return "'" + "".join(each if each.isprintable() else ascii(each)[1:-1] for each in shortened(label)) + "'"


def _container(record: Record) -> str:
    """Return what is wrong with a label that is no single one, or an empty text."""
    try:
        several = record.labels is not None or (record.label is not None and labels_in(record.label) is not None)
    except InputError:
        return "with bytes, a tensor or an array written as text{}"
    return "with a list of labels{}, which --task multilabel (MultiLabelClassifier) reads" if several else ""


def check_classes(labelled: LabelledText) -> None:
    """Check that there are two classes or more, and more rows than classes.

    Raises:
        InputError: a text or label is missing (None or NaN), one class only, or no class with two rows (the label
            column may hold something else); names the classes found.

    Example:
        >>> check_classes(LabelledText(["good", "fine"], ["pos", "pos"], source="reviews.csv"))
        Traceback (most recent call last):
        mt2st.errors.InputError: reviews.csv: one class only, all 2 rows have the one label 'pos'; ...
    """
    source = labelled.source or "the labelled data"
    if not len(labelled):
        raise InputError(f"{source}: no labelled row; give rows of two classes or more")
    check_present(labelled.texts, "texts", source)
    check_present(labelled.labels, "labels", source)
    classes = sorted(set(labelled.labels))
    if len(classes) == 1:
        raise InputError(
            f"{source}: one class only, all {len(labelled):,} rows have the one label '{shortened(classes[0])}'; "
            f"a classifier needs two classes or more"
        )
    if len(labelled) <= len(classes):
        raise InputError(
            f"{source}: {len(labelled):,} rows are too few for {len(classes):,} classes ({in_brief(classes)}): no "
            "class has two rows; give more rows, or check that the label column is the right one"
        )


@dataclass(frozen=True)
class MultiLabelledText(_Rows):
    """Texts and the labels of each, in the order of their source.

    Attributes:
        texts: n texts, none of them empty.
        labels: for each text its different labels, sorted; maybe none.
        source: where they come from, for messages and model cards.
        weights: n weights of the texts in the loss, or None.

    Example:
        >>> data = MultiLabelledText(["long and funny", "hm"], [("comedy", "long"), ()])
        >>> data.label_names(), data.select([1]).labels
        (('comedy', 'long'), [()])
    """

    texts: Sequence[str]
    labels: Sequence[Sequence[str]]
    source: str = "the labelled texts"
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise InputError(
                f"{self.source}: texts and lists of labels must be as many, "
                f"found {len(self.texts)} and {len(self.labels)}"
            )
        for number, labels in enumerate(self.labels):
            if isinstance(labels, str):
                raise InputError(f"{self.source}: give a list of labels for each text, found {labels!r} for {number}")

    def label_names(self) -> tuple[str, ...]:
        """Return the labels that occur, sorted."""
        return tuple(sorted({label for labels in self.labels for label in labels}))


def split_labels(value: str | None, separator: str) -> tuple[str, ...]:
    """Return the different labels in a field, sorted.

    Example:
        >>> split_labels("war; drama;;war", ";")
        ('drama', 'war')
        >>> split_labels(None, ";")
        ()
    """
    parts = (part.strip() for part in (value or "").split(separator))
    return tuple(sorted({part for part in parts if part}))


def read_multi_labelled(
    source: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    separator: str = SEPARATOR,
    skip_bad_rows: bool = False,
    dialect: Dialect | None = None,
) -> MultiLabelledText:
    """Read a source whose label column holds several labels a row into memory; an empty one is a text without any.

    ``separator`` is the text between two labels; the other arguments, and most errors, are those of `read_labelled`. A
    row is bad if it cannot be read or has an empty text. Lists of labels (in JSON Lines and Parquet, or written as text
    by pandas: ``['x', 'y']``) are taken as they are.

    Raises:
        InputError: a separator without a character, or a bad row (without `skip_bad_rows`).
    """
    if not separator.strip() and separator != "\t":
        raise InputError(f"the separator of labels must be a character, found {separator!r}")
    if has_no_labels(source, dialect):
        raise InputError(f"{source}: a .txt file has no labels; give a table with a column of them")
    texts, labels = [], []
    lines: dict[str, int] = {}
    records = read_records(source, text=text, label=label or "label", skip_bad_rows=skip_bad_rows, dialect=dialect)
    for record in records:
        if record.text.strip():
            texts.append(record.text)
            try:
                listed = labels_in(record.label or "") if record.labels is None else record.labels
            except InputError as error:
                raise InputError(f"{source}, line {record.line}: {error}") from None
            labels.append(split_labels(record.label, separator) if listed is None else tuple(sorted(set(listed))))
            for each in labels[-1]:
                lines.setdefault(each, record.line)
        elif not skip_bad_rows:
            raise InputError(
                f"{source}, line {record.line}: the text is empty; correct it, or go on without such rows by "
                f"--skip-bad-rows (skip_bad_rows=True)"
            )
    every = [each for several in labels for each in several]
    one_spelling(every, str(source), lambda name: _place(Path(source), lines[name]), joining=False)
    return MultiLabelledText(texts, labels, str(source))


def check_labels(labelled: MultiLabelledText) -> None:
    """Raise `InputError` if a text or label is missing (None or NaN), or no text has a label."""
    check_present(labelled.texts, "texts", labelled.source)
    check_present((label for labels in labelled.labels for label in labels), "labels", labelled.source)
    if not labelled.label_names():
        raise InputError(f"{labelled.source}: no text has a label; is the label column the right one?")


@dataclass(frozen=True)
class TaggedText(_Rows):
    """Sentences of words and the tag of each word, in the order of their source.

    Attributes:
        sentences: n sentences of words; a word is never empty.
        tags: for each sentence as many tags.
        source: where they come from, for messages and model cards.
        first_lines: the line of a file on which each tag comes first, from 1.

    Example:
        >>> data = TaggedText([["Show", "all"], ["Yes"]], [["VERB", "PRON"], ["INTJ"]])
        >>> len(data), data.texts, data.select([1]).tags
        (2, ['Show all', 'Yes'], [['INTJ']])
    """

    per_row = ("sentences", "tags")
    sentences: Sequence[Sequence[str]]
    tags: Sequence[Sequence[str]]
    source: str = "the tagged sentences"
    first_lines: Mapping[str, int] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if len(self.sentences) != len(self.tags):
            raise InputError(
                f"{self.source}: sentences and tags must be as many, found {len(self.sentences)} and {len(self.tags)}"
            )
        for number, (words, tags) in enumerate(zip(self.sentences, self.tags, strict=True)):
            check_words(words, f"{self.source}: sentence {number}")
            if isinstance(tags, str) or len(words) != len(tags):
                raise InputError(
                    f"{self.source}: sentence {number} must have a tag for each word, found {len(words)} words and "
                    + (f"the text {tags!r}" if isinstance(tags, str) else f"{len(tags)} tags")
                )

    @property
    def n_words(self) -> int:
        """The number of words of all sentences."""
        return sum(len(words) for words in self.sentences)

    @property
    def texts(self) -> list[str]:
        """The sentences as texts, with spaces between the words."""
        return [" ".join(words) for words in self.sentences]

    def tag_names(self) -> tuple[str, ...]:
        """Return the tags that occur, sorted."""
        return tuple(sorted({tag for tags in self.tags for tag in tags}))


def check_words(words: Sequence[str], place: str) -> None:
    """Raise `InputError` unless a sentence is a sequence of words."""
    if isinstance(words, str):
        raise InputError(f"{place}: give a list of words, found the one text {words[:40]!r}")
    for word in words:
        if not isinstance(word, str) or not word:
            raise InputError(f"{place}: a word is a text that is not empty, found {word!r}")
        if has_lone_surrogate(word):
            raise InputError(f"{place}: the word {word!r} holds half of a surrogate pair, which is no character")


def read_tagged(source: str | Path, *, tag: str | int | None = None, word: int = 1) -> TaggedText:
    """Read a tagged file into memory; the parameters are those of `read_conll`."""
    sentences, tags = [], []
    first_lines: dict[str, int] = {}
    for sentence in read_conll(source, tag=tag, word=word, first_lines=first_lines):
        sentences.append(sentence.words)
        tags.append(sentence.tags)
    return TaggedText(sentences, tags, str(source), first_lines)


def check_tags(tagged: TaggedText) -> None:
    """Check that there are two tags or more.

    Raises:
        InputError: a tag is missing (None or NaN), no word, or one tag only (the column may be another).

    Example:
        >>> check_tags(TaggedText([["Yes"]], [["_"]], "a.conllu"))
        Traceback (most recent call last):
        mt2st.errors.InputError: a.conllu: all words have the one tag '_'; a tagger needs two tags or more: ...
    """
    check_present((tag for tags in tagged.tags for tag in tags), "tags", tagged.source)
    names = tagged.tag_names()
    if not names:
        raise InputError(f"{tagged.source}: no tagged word; give at least two")
    if len(names) == 1:
        raise InputError(
            f"{tagged.source}: all words have the one tag '{names[0]}'; a tagger needs two tags or more: "
            f"is the column of the tags the right one?"
        )
