"""CSV and TSV files with a header."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from mt2st.errors import InputError, shortened
from mt2st.text.lines import read_lines
from mt2st.text.rows import BadRow, Columns, OnBadRow, Record, clean_label

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars ('|')"}
"""What tables come with, and what it is called."""
ENDINGS = {",": ".csv", "\t": ".tsv"}
"""The delimiters that a file's name can ask for."""

LONGEST_FIELD = 1 << 24
"""Characters (16 Mi): far beyond any text, and little enough to hold while looking for the end of an open quote."""


def read_table(
    path: Path,
    delimiter: str,
    text: str | None,
    label: str | None,
    on_bad_row: OnBadRow,
    keep: Sequence[str] = (),
) -> Iterator[Record]:
    """Yield the rows of a CSV or TSV file (RFC 4180: quoted fields may hold delimiters, line ends and doubled quotes).

    Blank lines are skipped. Quotes work in TSV files as they do in CSV files. A row is bad with too many or too few
    fields, or with text after a closing quote.
    """
    row_lines: list[str] = []  # of the row being read, to say where a quote was opened

    def remembered() -> Iterator[str]:
        for line in read_lines(path):
            row_lines.append(line)
            yield line

    columns: list[str] | None = None
    # The csv module knows this limit only as a setting of the whole process; it is raised, never lowered.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_FIELD))
    rows = csv.reader(remembered(), delimiter=delimiter, strict=True)

    def next_row() -> tuple[int, list[str]] | None:
        """The next row that is well formed and not blank, with the line it starts on; None at the end."""
        while True:
            row_lines.clear()
            try:
                row = next(rows, None)
            except csv.Error as error:
                broken = _broken_row(path, str(error), rows.line_num, row_lines)
                if columns is None:  # without a header no row can be read
                    hint = _other_delimiter(row_lines[0], delimiter)
                    raise InputError(f"{broken.message}. This is the header row.{hint}") from error
                on_bad_row(broken)
                continue
            if row is None:
                return None
            if row:
                return rows.line_num - len(row_lines) + 1, row

    first = next_row()
    if first is None:
        raise InputError(f"{path}: is empty; give a file with a header and at least one row")
    place = f"{path}, line {first[0]}"
    columns = [name.strip() for name in first[1]]
    _check_delimiter(columns, delimiter, text, label, place=place)
    found = Columns.found(text, label, columns, place, keep)
    text_at = columns.index(found.text)
    label_at = None if found.label is None else columns.index(found.label)
    kept_at = [columns.index(name) for name in found.keep]
    found_a_row = False
    while (numbered := next_row()) is not None:
        found_a_row = True
        line, row = numbered
        if len(row) != len(columns):
            message = (
                f"{path}, line {line}: expected {len(columns)} fields, as the header has, and found {len(row)}; "
                f"quote a field that holds the delimiter"
            )
            on_bad_row(BadRow(line, f"with a number of fields other than the header's {len(columns)}", message))
            continue
        label_found = None if label_at is None else clean_label(row[label_at])
        yield Record(row[text_at], label_found, line, tuple(row[at] for at in kept_at))
    if not found_a_row:
        raise InputError(f"{path}: has a header and no row; give at least one")


def _check_delimiter(columns: list[str], delimiter: str, text: str | None, label: str | None, *, place: str) -> None:
    """Raise when the header's only column is several with another delimiter, and is not what was asked for."""
    if len(columns) > 1 or (text == columns[0] and label in (None, text)):
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
    here = f" The columns seem to be separated by {DELIMITERS[found]}, where {DELIMITERS[delimiter]} are expected"
    return f"{here}: save the file with {end}"


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
