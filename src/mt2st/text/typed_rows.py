"""Readers of rows with typed values by name: JSON Lines, Parquet (extra ``parquet``), hub data sets (extra ``hf``).

`mt2st.text.read_records` explains the parameters that all readers share. A row is bad if it cannot be read or holds a
value that is neither text nor number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from mt2st.errors import InputError, MissingExtraError
from mt2st.text.lines import read_lines
from mt2st.text.missing import has_lone_surrogate
from mt2st.text.rows import BadRow, Columns, OnBadRow, Record

OBJECTS_WITH_EVERY_KEY = 100
"""Writers leave out keys whose value is null: a column is missing only if none of the first objects has it."""
ROWS_PER_BATCH = 1024
HUB_PREFIX = "hf:"
DEFAULT_SPLIT = "train"


def read_json_lines(
    path: Path,
    text: str | None,
    label: str | None,
    on_bad_row: OnBadRow,
    keep: Sequence[str] = (),
    encoding: str | None = None,
) -> Iterator[Record]:
    """Yield the objects of a JSON Lines file; blank lines are skipped."""
    bad: list[BadRow] = []

    def noted(row: BadRow) -> None:
        bad[:] = bad or [row]
        on_bad_row(row)

    objects = _objects(path, noted, encoding)
    first = list(islice(objects, OBJECTS_WITH_EVERY_KEY))
    if not first and bad:
        return
    if not first:
        raise InputError(f"{path}: holds no JSON object; give one on each line")
    keys = list(dict.fromkeys(key for _, found in first for key in found))
    columns = Columns.found(text, label, keys, str(path), keep)
    for line, found in chain(first, objects):
        place = f"{path}, line {line}"
        record = columns.record(found, line, place, on_bad_row)
        if record is None:
            continue
        if any(map(has_lone_surrogate, (record.text, record.label or "", *(record.labels or ())))):
            message = f"{place}: holds half of a surrogate pair (\\ud800 to \\udfff), which is no character"
            on_bad_row(BadRow(line, "with half of a surrogate pair", message))
            continue
        yield record


def _objects(path: Path, on_bad_row: OnBadRow, encoding: str | None) -> Iterator[tuple[int, dict[str, object]]]:
    for line, content in enumerate(read_lines(path, encoding), 1):
        if not content.strip():
            continue
        place = f"{path}, line {line}"
        try:
            found = json.loads(content)
        except json.JSONDecodeError as error:
            message = f"{place}, column {error.colno}: not JSON: {error.msg}; write one object per line"
            on_bad_row(BadRow(line, "that are not JSON", message))
        except (ValueError, RecursionError) as error:  # a number of too many digits; brackets nested too deep
            on_bad_row(BadRow(line, "that are not JSON", f"{place}: not usable JSON: {error}"))
        else:
            if isinstance(found, dict):
                yield line, found
                continue
            message = f'{place}: expected a JSON object {{"...": ...}} and found a {type(found).__name__}'
            on_bad_row(BadRow(line, "that are not a JSON object", message))


def read_parquet(
    path: Path, text: str | None, label: str | None, on_bad_row: OnBadRow, keep: Sequence[str] = ()
) -> Iterator[Record]:
    """Yield the rows of a Parquet file in batches; only the columns that are asked for are read."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("reading Parquet files", "parquet") from error
    line = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            columns = Columns.found(text, label, list(file.schema_arrow.names), str(path), keep)
            for batch in file.iter_batches(batch_size=ROWS_PER_BATCH, columns=columns.names, use_threads=False):
                for line, row in enumerate(batch.to_pylist(), line + 1):  # noqa: B020 - goes on counting
                    record = columns.record(row, line, f"{path}, row {line}", on_bad_row)
                    if record is not None:
                        yield record
    except InputError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not a Parquet file, or a damaged one ({reason}); write it again") from error
    if line == 0:
        raise InputError(f"{path}: has columns and no row; give at least one")


def read_hub(
    source: str, text: str | None, label: str | None, on_bad_row: OnBadRow, keep: Sequence[str] = ()
) -> Iterator[Record]:
    """Yield the rows of a Hugging Face hub data set, ``hf:owner/name`` or ``hf:owner/name:split``.

    It is downloaded on first use. Labels of a ``ClassLabel`` column come by name.
    """
    name, _, split = source.removeprefix(HUB_PREFIX).partition(":")
    split = split or DEFAULT_SPLIT
    if not name:
        raise InputError(f"{source}: no data set is named; write hf:owner/name or hf:owner/name:split")
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("reading data sets of the Hugging Face hub", "hf") from error
    try:
        rows = datasets.load_dataset(name, split=split)
    except Exception as error:  # of half a dozen libraries, all for one thing: this data set cannot be had here and now
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(
            f"{source}: cannot load split '{split}' of data set '{name}': {reason}. Check the name, the split and the "
            f"network connection; without a network, load it once on a connected machine and copy its cache folder "
            f"(~/.cache/huggingface), or give a local file"
        ) from error
    columns = Columns.found(text, label, list(rows.column_names), source, keep)
    feature = None if columns.label is None else rows.features[columns.label]
    names = getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None)
    line = 0
    for line, row in enumerate(rows.select_columns(columns.names), 1):
        if names is not None:
            row = {**row, columns.label: _named(row[columns.label], names)}
        record = columns.record(row, line, f"{source}, row {line}", on_bad_row)
        if record is not None:
            yield record
    if line == 0:
        raise InputError(f"{source}: split '{split}' has no row")


def _named(value: object, names: Sequence[str]) -> object:
    """Return the names of a number or of a list of numbers; the hub marks a row without a label by -1."""
    if isinstance(value, list):
        return [_named(each, names) for each in value]
    return (names[value] if value >= 0 else None) if isinstance(value, int) else value
