"""One row of a user's data, and what a reader says about a row it cannot use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from mt2st.errors import InputError


class Record(NamedTuple):
    """One text of a source, with its label where the source has one.

    Attributes:
        text: the text as it stands in the source; may be empty.
        label: the label without surrounding white space; None when no label was asked for or the row has none.
        line: where the row starts, from 1: the line of a text file, the row of a Parquet file or a hub data set, the
            number of the file in the sorted order of a folder per class.

    Example:
        >>> Record("A fine film.", "positive", 2).label
        'positive'
    """

    text: str
    label: str | None
    line: int


@dataclass(frozen=True)
class BadRow:
    """A row that a reader cannot turn into a `Record`.

    Attributes:
        line: where the row starts, from 1.
        kind: what is wrong in words that many rows can share, to follow a number: ``"broken JSON"``.
        message: the whole story of this row alone: file, line, what was found, what to do.
    """

    line: int
    kind: str
    message: str


Complain = Callable[[BadRow], None]
"""What a reader calls for each bad row; the reader goes on with the next row when the call returns."""


def refuse(bad: BadRow) -> None:
    """Stop at the first bad row: the `Complain` of a strict reading."""
    raise InputError(bad.message)


def ignore(bad: BadRow) -> None:
    """Go on without the bad row: the `Complain` of ``skip_bad_rows=True``."""
