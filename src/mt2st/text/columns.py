"""Columns by name, and the values in them: what every reader of rows with named columns shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from mt2st.errors import InputError, in_brief, shortened, suggestion
from mt2st.text.missing import is_missing
from mt2st.text.record import BadRow, Complain, Record


def find_column(name: str | None, columns: Sequence[str], *, role: Literal["text", "label"], place: str) -> str:
    """Return the column to read.

    Args:
        name: the column asked for; None for the column called like the role, or the only one.
        columns: the columns there are.
        role: what is read from it.
        place: the file (and line) of the column names, for the message.

    Raises:
        InputError: no such column, or several of that name; lists the columns and suggests the nearest.

    Example:
        >>> find_column(None, ["id", "text"], role="text", place="reviews.csv")
        'text'
        >>> find_column("reveiw", ["id", "review"], role="text", place="reviews.csv")
        Traceback (most recent call last):
        mt2st.errors.InputError: reviews.csv: no column 'reveiw'; the columns are 'id', 'review'. Did you mean 'review'?
    """
    shown = in_brief(columns)
    if name is None:
        if role in columns:
            name = role
        elif role == "text" and len(columns) == 1:
            name = columns[0]
        else:
            raise InputError(f"{place}: which column holds the {role}? Name it with --{role}; the columns are {shown}")
    found = columns.count(name)
    if found == 0:
        raise InputError(f"{place}: no column '{name}'; the columns are {shown}.{suggestion(name, columns)}")
    if found > 1:
        raise InputError(f"{place}: {found} columns are called '{shortened(name)}'; rename all but one")
    return name


def clean_label(value: str | None) -> str | None:
    """Return a label without surrounding white space, None when nothing is left of it."""
    return (value.strip() or None) if value is not None else None


def record_of(
    row: Mapping[str, object], text: str, label: str | None, *, line: int, place: str, complain: Complain
) -> Record | None:
    """Return the record in a row of typed values (JSON, Parquet, hub), None after a complaint.

    A number or a boolean is taken as its text (``True``, ``3``); null, NaN and a key that is not there as a missing
    value.
    """
    values: list[str | None] = []
    for column in (text, label):
        value = row.get(column) if column is not None else None
        if is_missing(value):
            values.append(None)
        elif isinstance(value, str | int | float):
            values.append(str(value))
        else:
            found = type(value).__name__
            message = f"{place}: column '{column}' holds a value of type {found}; give a text or a number"
            complain(BadRow(line, f"with neither a text nor a number in column '{column}'", message))
            return None
    return Record(values[0] or "", clean_label(values[1]), line)
