"""Rows of a user's data: what readers make of them, which columns they take, and what is missing or wrong in them."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from mt2st.errors import DataWarning, InputError, in_brief, shortened, suggestion

POSITIONS_SHOWN = 5


def is_missing(value: object) -> bool:
    """Return whether a value is None, NaN of any kind (float, numpy, Decimal, pandas' NaT) or pandas.NA.

    Example:
        >>> [is_missing(value) for value in (None, float("nan"), "nan", 0, "")]
        [True, True, False, False, False]
    """
    if value is None:
        return True
    if isinstance(value, str):
        return False
    # NaN alone differs from itself; pandas.NA compares to pandas.NA.
    different = value != value
    return bool(different) if isinstance(different, bool | np.bool_) else different is value


def check_present(values: Iterable[object], what: str, source: str) -> None:
    """Raise `InputError` if a value is missing, with the number of missing values and the first positions, from 0.

    Example:
        >>> check_present(["+", None, "-"], "labels", "reviews")
        Traceback (most recent call last):
        mt2st.errors.InputError: reviews: 1 of 3 labels is missing (None or NaN): number 1, counted from 0. ...
    """
    total, missing = 0, []
    for value in values:
        if is_missing(value):
            missing.append(total)
        total += 1
    if missing:
        shown = ", ".join(map(str, missing[:POSITIONS_SHOWN])) + (", ..." if len(missing) > POSITIONS_SHOWN else "")
        raise InputError(
            f"{source}: {len(missing):,} of {total:,} {what} {'is' if len(missing) == 1 else 'are'} missing (None or "
            f"NaN): number{'s' if len(missing) > 1 else ''} {shown}, counted from 0. Leave these rows out, or fill them"
        )


def has_lone_surrogate(text: str) -> bool:
    """Return whether a text holds half of a surrogate pair, which is no character and cannot be saved."""
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


_PLAIN = str | int | float | None


class Record(NamedTuple):
    """One text of a source, with its label where the source has one.

    Attributes:
        text: the text as in the source; may be empty.
        label: the label without surrounding white space; None if no label was asked for or the row has none.
        line: where the row starts, from 1: the line of a text file, the row of a Parquet file or a hub data set, the
            number of the file in the sorted order of a folder per class.
        kept: the values of further columns that were asked for, as texts; a missing one is empty.
        labels: the labels of a row that holds a list of them; None if it holds none or one.

    Example:
        >>> Record("A fine film.", "positive", 2).label
        'positive'
    """

    text: str
    label: str | None
    line: int
    kept: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        shown = {name: value for name, value in self._asdict().items() if name != "labels" or value is not None}
        return f"Record({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


@dataclass(frozen=True)
class BadRow:
    """A row that cannot become a `Record`.

    Attributes:
        line: line on which the row starts, from 1.
        kind: what is wrong, in words that follow a number of rows: ``"that are not JSON"``.
        message: the error for this row alone: file, line, what was found, what to do.
    """

    line: int
    kind: str
    message: str


OnBadRow = Callable[[BadRow], None]
"""Called by a reader for each bad row; if the call returns, the reader goes on with the next row."""


def refuse(bad: BadRow) -> None:
    """Stop at the first bad row."""
    raise InputError(bad.message)


@dataclass
class Oddities:
    """What a reader passed over in a file of others, for one warning: how often, and where first.

    Attributes:
        source: the file.
        found: by what it is: how often, and the first place.
    """

    source: str
    found: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, what: str, place: str, more: int = 1) -> None:
        """Count more of a kind."""
        count, first = self.found.get(what, (0, place))
        self.found[what] = count + more, first

    def warn(self) -> None:
        """Warn of all of them, if there are any."""
        if self.found:
            each = (
                f"{what}: {count:,} (first {first.removeprefix(f'{self.source}, ')})"
                for what, (count, first) in self.found.items()
            )
            warnings.warn(f"{self.source}: {'; '.join(each)}", DataWarning, stacklevel=2)


Quoting = Literal["auto", "quotes", "none"]


@dataclass(frozen=True)
class Dialect:
    """How a text file is written, where its name does not tell.

    Attributes:
        delimiter: the character between two fields of a table; None for the one of the file's name.
        encoding: Python's name of the encoding, also of plain text and JSON Lines; None for UTF-8.
        quoting: ``"quotes"`` around fields may hold delimiters, line ends and doubled quotes (RFC 4180); with
            ``"none"``, a quote is a character as any other; ``"auto"`` takes them for quotes until rows show that they
            are none.
    """

    delimiter: str | None = None
    encoding: str | None = None
    quoting: Quoting = "auto"

    def __post_init__(self) -> None:
        if self.delimiter is not None:
            named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}.get(self.delimiter, self.delimiter)
            if len(named) != 1 or named in '"\r\n':
                raise InputError(f"a delimiter is one character, such as ';' or tab, found {self.delimiter!r}")
            object.__setattr__(self, "delimiter", named)


class NoColumnError(InputError):
    """There is no column of the name that was asked for."""


def find_column(name: str | None, columns: Sequence[str], *, role: Literal["text", "label"], place: str) -> str:
    """Return the column to read: the one asked for, or the one named like its role, or the only one.

    Raises:
        InputError: there is no such column, or several; lists the columns of ``place`` and suggests the nearest.

    Example:
        >>> find_column(None, ["id", "text"], role="text", place="reviews.csv")
        'text'
        >>> find_column("reveiw", ["id", "review"], role="text", place="reviews.csv")
        Traceback (most recent call last):
        mt2st.text.rows.NoColumnError: reviews.csv: no column 'reveiw'; the columns are 'id', 'review'. Did you mean 'review'?
    """  # noqa: E501
    if name is None:
        if role in columns:
            name = role
        elif role == "text" and len(columns) == 1:
            name = columns[0]
        else:
            raise InputError(
                f"{place}: which column holds the {role}? Name it with --{role}; the columns are {in_brief(columns)}"
            )
    found = columns.count(name)
    if found == 0:
        raise NoColumnError(
            f"{place}: no column '{name}'; the columns are {in_brief(columns)}.{suggestion(name, columns)}"
        )
    if found > 1:
        raise InputError(f"{place}: {found} columns are called '{shortened(name)}'; rename all but one")
    return name


@dataclass(frozen=True)
class Columns:
    """The columns that are read: of the texts, of the labels (or None), and further ones to keep."""

    text: str
    label: str | None
    keep: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names, each once."""
        return list(dict.fromkeys([self.text, *([] if self.label is None else [self.label]), *self.keep]))

    def record(self, row: Mapping[str, object], line: int, place: str, on_bad_row: OnBadRow) -> Record | None:
        """Return the record in a row, None after a bad one.

        A number or a boolean becomes its text (``True``, ``3``); null, NaN and an absent key are missing values. The
        label may be a list of such values.
        """
        values: list[str | None] = []
        labels: tuple[str, ...] | None = None
        for column in (self.text, self.label):
            value = row.get(column) if column is not None else None
            if column == self.label and isinstance(value, list) and all(isinstance(each, _PLAIN) for each in value):
                labels = tuple(name for each in value if not is_missing(each) and (name := clean_label(str(each))))
                values.append(None)
            elif is_missing(value):
                values.append(None)
            elif isinstance(value, str | int | float):
                values.append(str(value))
            else:
                found = type(value).__name__
                message = f"{place}: column '{column}' holds a value of type {found}; give a text or a number"
                on_bad_row(BadRow(line, f"with neither a text nor a number in column '{column}'", message))
                return None
        kept = (row.get(name) for name in self.keep)
        texts = tuple("" if is_missing(value) else str(value) for value in kept)
        return Record(values[0] or "", clean_label(values[1]), line, texts, labels)


@dataclass(frozen=True)
class Wanted:
    """What is read of a source: columns, by `find_column` (a label of None is not read), and what of bad rows.

    ``dialect`` says how a text file is written. A reader goes on behind a bad row if ``on_bad_row`` returns.
    """

    text: str | None = None
    label: str | None = None
    keep: Sequence[str] = ()
    dialect: Dialect = Dialect()
    on_bad_row: OnBadRow = refuse

    def among(self, columns: Sequence[str], place: str) -> Columns:
        """Find the columns."""
        of_text = find_column(self.text, columns, role="text", place=place)
        of_label = None if self.label is None else find_column(self.label, columns, role="label", place=place)
        if of_label == of_text:
            raise InputError(
                f"{place}: texts and labels are both read from column '{shortened(of_text)}'; choose another with "
                f"--text or --label. The columns are {in_brief(columns)}"
            )
        keep = tuple(find_column(name, columns, role="text", place=place) for name in self.keep)
        return Columns(of_text, of_label, keep)


def clean_label(value: str | None) -> str | None:
    """Return a label without surrounding white space, None if nothing is left."""
    return (value.strip() or None) if value is not None else None


def labels_in(value: str) -> tuple[str, ...] | None:
    """Return the labels of a list that was written as text, as pandas does; None for a plain label.

    Raises:
        InputError: it is a container that cannot be read: what it is, and what to do.

    Example:
        >>> labels_in("['x', 'y']"), labels_in("[]"), labels_in("x"), labels_in("[spam]")
        (('x', 'y'), (), None, None)
        >>> labels_in("tensor(0)")
        Traceback (most recent call last):
        mt2st.errors.InputError: 'tensor(0)' is a tensor written as text: write the labels themselves
    """
    if value[-1:] not in _CLOSING:
        return None
    if (written := _WRITTEN.fullmatch(value)) is not None:
        what = "bytes" if written["bytes"] else f"a {written['kind']}" if written["kind"] else "an array"
        raise InputError(f"'{shortened(value)}' is {what} written as text: write the labels themselves")
    if value[:1] + value[-1:] not in ("[]", "()", "{}"):
        return None
    try:
        found = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(found, list | tuple | set):
        return None
    if not all(isinstance(each, _PLAIN) for each in found):
        raise InputError(f"'{shortened(value)}' is a container written as text: write the labels themselves")
    return tuple(str(each) for each in found if not is_missing(each) and str(each).strip())


_CLOSING = frozenset(")]}'\"")
_WRITTEN = re.compile(
    r"""(?P<kind>tensor|array|Series|Index)\(.*\)|(?P<bytes>b(?P<quote>['"]).*(?P=quote))|\[(?:'[^']*'\s+)+'[^']*'\]""",
    re.DOTALL,
)
"""Containers as `str` writes them; an array of texts has no commas."""
