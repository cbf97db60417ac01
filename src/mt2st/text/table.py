"""CSV and TSV files with a header, with quotes around fields or without."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mt2st.errors import InputError, shortened
from mt2st.text.lines import read_lines
from mt2st.text.rows import BadRow, Dialect, Oddities, Record, Wanted, clean_label

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars ('|')"}
"""What tables come with, and what it is called."""
ENDINGS = {",": ".csv", "\t": ".tsv"}
"""The delimiters that a file's name can ask for."""

LONGEST_FIELD = 1 << 24
"""Characters (16 Mi): far beyond any text, and little enough to hold while looking for the end of an open quote."""


LINES_UNQUOTED = 100
"""Lines that are whole rows each, inside one quoted field: by then the quote is none."""
LINES_OF_A_FIELD = 20
"""A field of more lines is told, also where fields of several lines are usual."""
_EXCEL = re.compile(r'sep=([^"\r\n])\r?\n?')
_NO_NAME = re.compile(r"[-+]?\d*\.?\d+|(?:\S+\s+){3,}\S+|")
"""What is no name of a column: a number, four words or more, nothing."""


@dataclass
class _Rows:
    """The rows of a table, each with the line that it starts on; a row that cannot be read is a `BadRow`.

    Attributes:
        n_columns: fields of a row, once the header is read.
        quoted: whether quotes may stand around fields.
    """

    path: Path
    delimiter: str
    dialect: Dialect
    n_columns: int = 0
    quoted: bool = True

    def __post_init__(self) -> None:
        self.quoted = self.dialect.quoting != "none"
        # The csv module knows this limit only as a setting of the whole process; it is raised, never lowered.
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_FIELD))

    def __iter__(self) -> Iterator[tuple[int, list[str] | BadRow]]:
        oddities = Oddities(str(self.path))
        current = _Line()
        one_line = csv.reader(current, delimiter=self.delimiter, strict=True)
        lines = enumerate(read_lines(self.path, self.dialect.encoding), 1)
        for number, line in lines:
            if number == 1 and self.dialect.delimiter is None and (excel := _EXCEL.fullmatch(line)):
                self.delimiter = excel[1]
                one_line = csv.reader(current, delimiter=self.delimiter, strict=True)
                continue
            if not self.quoted or '"' not in line:
                if row := self._unquoted(number, line):
                    yield number, row
                continue
            if line.count('"') % 2 == 0:  # most rows end on their line
                current.line = line
                with suppress(csv.Error):
                    yield number, next(one_line)
                    continue
            taken = [line]
            found = self._quoted(number, taken, lines)
            if found is None:
                self.quoted = False
                oddities.add(
                    "quotes that are no quotes around fields, so that none are from there on", self._at(number)
                )
                for at, each in enumerate(taken, number):
                    if row := self._unquoted(at, each):
                        yield at, row
            else:
                if not isinstance(found, BadRow) and self._are_odd(taken):
                    oddities.add("fields that span lines, by their quotes (--quoting none)", self._at(number))
                yield number, found
        oddities.warn()

    def _at(self, line: int) -> str:
        return f"{self.path}, line {line}"

    def _fields(self, line: str) -> list[str]:
        return line.rstrip("\r\n").split(self.delimiter)

    def _unquoted(self, number: int, line: str) -> list[str] | BadRow | None:
        """Return the row of a line without quotes, None if it is blank."""
        content = line.removesuffix("\n").removesuffix("\r")
        if "\r" in content:
            return _broken_row(self.path, "a line break within the line", number, [line])
        return content.split(self.delimiter) if content else None

    def _quoted(self, number: int, taken: list[str], lines: Iterator[tuple[int, str]]) -> list[str] | BadRow | None:
        """Return the row that begins on a line with quotes; None if the quotes are none. Takes the lines it needs."""

        def feed() -> Iterator[str]:
            yield taken[0]
            for _, line in lines:
                taken.append(line)
                if len(taken) == LINES_UNQUOTED and self._are_rows(taken):
                    raise _NoQuotesError
                yield line

        try:
            row = next(csv.reader(feed(), delimiter=self.delimiter, strict=True))
        except _NoQuotesError:
            return None
        except csv.Error as error:
            if self._are_rows(taken):
                return None
            return _broken_row(self.path, str(error), number + len(taken) - 1, taken)
        return None if len(taken) > 1 and self._are_rows(taken) else row

    def _are_rows(self, taken: list[str]) -> bool:
        """Return whether each line is a row by itself: then a quote that spans them, or breaks one, is none.

        Between commas, as in texts, chance makes a few lines such rows.
        """
        certain = self.delimiter == "\t" or len(taken) >= LINES_UNQUOTED
        return certain and self.dialect.quoting == "auto" and self._have_all_columns(taken)

    def _have_all_columns(self, taken: list[str]) -> bool:
        return self.n_columns > 1 and all(len(self._fields(line)) == self.n_columns for line in taken)

    def _are_odd(self, taken: list[str]) -> bool:
        """Return whether the lines of one row are to be told."""
        if len(taken) == 1:
            return False
        return self.delimiter == "\t" or len(taken) > LINES_OF_A_FIELD or self._have_all_columns(taken)


class _Line:
    """One line at a time for a reader, which cannot go on to another: a row that needs more is a `csv.Error`."""

    line: str | None = None

    def __iter__(self) -> _Line:
        return self

    def __next__(self) -> str:
        if self.line is None:
            raise csv.Error("the row does not end on its line")
        line, self.line = self.line, None
        return line


class _NoQuotesError(Exception):
    """Quotes are no quotes around fields."""


def read_table(path: Path, delimiter: str, wanted: Wanted) -> Iterator[Record]:
    """Yield the rows of a CSV or TSV file.

    Blank lines are skipped. Quotes work in TSV files as they do in CSV files (`Dialect`). A row is bad with too many or
    too few fields, or with text after a closing quote. A first line of ``sep=;``, as Excel reads it, names the
    delimiter.
    """
    dialect = wanted.dialect
    rows = _Rows(path, dialect.delimiter or delimiter, dialect)
    numbered = iter(rows)
    first = next(numbered, None)
    if first is None:
        raise InputError(f"{path}: is empty; give a file with a header and at least one row")
    if isinstance(first[1], BadRow):  # without a header no row can be read
        header = next(islice(read_lines(path, dialect.encoding), first[1].line - 1, None))
        hint = _other_delimiter(header, rows.delimiter)
        raise InputError(f"{first[1].message}. This is the header row.{hint}")
    place = f"{path}, line {first[0]}"
    columns = [name.strip() for name in first[1]]
    rows.n_columns = len(columns)
    _check_delimiter(columns, rows.delimiter, wanted, place=place)
    try:
        found = wanted.among(columns, place)
    except InputError as error:
        if not any(_NO_NAME.fullmatch(name) for name in columns):
            raise
        raise InputError(
            f"{error}. This line looks like a row of data: is the header missing? Put a line of names above it, such "
            f"as label and text, with the delimiter in between"
        ) from None
    text_at = columns.index(found.text)
    label_at = None if found.label is None else columns.index(found.label)
    kept_at = [columns.index(name) for name in found.keep]
    found_a_row = False
    for line, row in numbered:
        found_a_row = True
        if isinstance(row, BadRow):
            wanted.on_bad_row(row)
        elif len(row) != len(columns):
            message = (
                f"{path}, line {line}: expected {len(columns)} fields, as the header has, and found {len(row)}; "
                f"quote a field that holds the delimiter"
            )
            wanted.on_bad_row(BadRow(line, f"with a number of fields other than the header's {len(columns)}", message))
        else:
            label_found = None if label_at is None else clean_label(row[label_at])
            yield Record(row[text_at], label_found, line, tuple(row[at] for at in kept_at))
    if not found_a_row:
        raise InputError(f"{path}: has a header and no row; give at least one")


def _check_delimiter(columns: list[str], delimiter: str, wanted: Wanted, *, place: str) -> None:
    """Raise when the header's only column is several with another delimiter, and is not what was asked for."""
    if len(columns) > 1 or (wanted.text == columns[0] and wanted.label in (None, wanted.text)):
        return
    hint = _other_delimiter(columns[0], delimiter)
    if hint:
        raise InputError(f"{place}: the header is the one column '{shortened(columns[0])}'.{hint}")


def _other_delimiter(header: str, delimiter: str) -> str:
    """Return what to do about a header that seems to be written with another delimiter, or an empty text."""
    found = max(DELIMITERS, key=header.count)
    if header.count(found) <= header.count(delimiter):
        return ""
    other = "commas in place of them" + ("" if delimiter == "," else " and a name that ends in .csv")
    end = "a name that ends in " + ENDINGS[found] if found in ENDINGS else other
    expected = DELIMITERS.get(delimiter, repr(delimiter))
    here = f" The columns seem to be separated by {DELIMITERS[found]}, where {expected} are expected"
    return f"{here}: save the file with {end}, or name the delimiter by --delimiter (delimiter=)"


def _broken_row(path: Path, error: str, line: int, row_lines: list[str]) -> BadRow:
    """Say what the csv module could not read; raise when the rows after it cannot be trusted either."""
    start = line - len(row_lines) + 1
    opened_on, inside = start, False
    for number, content in enumerate(row_lines, start):
        if not inside:
            opened_on = number
        inside ^= content.count('"') % 2 == 1
    opening = f"{path}, line {opened_on}: the quoted field that opens on this line"
    if "end of data" in error or "field limit" in error:
        raise InputError(f"{opening} is never closed; close it, or double the quotes that belong to the text")
    if "expected after" in error:
        message = f"{opening} is followed by text after its closing quote"
        if opened_on != line:
            raise InputError(f"{message}, on line {line}; is the quote that closes it missing on line {opened_on}?")
        message += "; double the quotes that belong to the text"
    else:
        message = f"{path}, line {line}: not a row of a table ({error}); end lines with LF or CRLF"
    return BadRow(start, "with quotes or line ends out of place", message)
