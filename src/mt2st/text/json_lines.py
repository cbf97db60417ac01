"""JSON Lines files: one object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from mt2st.errors import InputError
from mt2st.text.columns import find_column, record_of
from mt2st.text.lines import read_lines
from mt2st.text.record import BadRow, Complain, Record

OBJECTS_WITH_EVERY_KEY = 100
"""Writers leave out keys whose value is null: a column is missing only when none of the first objects has it."""


def read_json_lines(path: Path, text: str | None, label: str | None, complain: Complain) -> Iterator[Record]:
    """Yield the objects of a JSON Lines file; blank lines are passed over.

    Args:
        path: the file.
        text: the key of the texts; None for ``text``, or the only key.
        label: the key of the labels; None for none.
        complain: called for a line that is not JSON or no object, or holds a value that is neither text nor number.

    Raises:
        InputError: an empty file, no such key, or a file that is no text.
    """
    objects = _objects(path, complain)
    first = list(islice(objects, OBJECTS_WITH_EVERY_KEY))
    if not first:
        raise InputError(f"{path}: holds no JSON object; give one on each line")
    columns = list(dict.fromkeys(key for _, found in first for key in found))
    text = find_column(text, columns, role="text", place=str(path))
    if label is not None:
        label = find_column(label, columns, role="label", place=str(path))
    for line, found in chain(first, objects):
        record = record_of(found, text, label, line=line, place=f"{path}, line {line}", complain=complain)
        if record is None:
            continue
        if _has_lone_surrogate(record.text) or _has_lone_surrogate(record.label or ""):
            message = f"{path}, line {line}: holds half of a surrogate pair (\\ud800 to \\udfff), which is no character"
            complain(BadRow(line, "with half of a surrogate pair", message))
            continue
        yield record


def _objects(path: Path, complain: Complain) -> Iterator[tuple[int, dict[str, object]]]:
    for line, content in enumerate(read_lines(path), 1):
        if not content.strip():
            continue
        try:
            found = json.loads(content)
        except json.JSONDecodeError as error:
            message = f"{path}, line {line}, column {error.colno}: not JSON: {error.msg}; write one object per line"
            complain(BadRow(line, "that are not JSON", message))
            continue
        except (ValueError, RecursionError) as error:  # a number of too many digits; brackets nested too deep
            message = f"{path}, line {line}: not usable JSON: {error}"
            complain(BadRow(line, "that are not JSON", message))
            continue
        if isinstance(found, dict):
            yield line, found
            continue
        message = f'{path}, line {line}: expected a JSON object {{"...": ...}} and found a {type(found).__name__}'
        complain(BadRow(line, "that are not a JSON object", message))


def _has_lone_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
