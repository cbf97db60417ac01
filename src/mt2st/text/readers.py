"""Labelled and unlabelled sources of text: which format a source has, and its rows as a stream.

Rows with values by name are read here: JSON Lines, Parquet (extra ``parquet``), data sets of the hub (extra ``hf``). A
row is bad if it cannot be read or holds a value that is neither text nor number.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from mt2st.errors import DataWarning, InputError, MissingExtraError, listed, shortened, suggestion
from mt2st.text.lines import check_regular, is_fasttext, read_folder, read_lines, read_plain
from mt2st.text.rows import BadRow, Dialect, OnBadRow, Record, Wanted, has_lone_surrogate
from mt2st.text.table import read_table

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
PLAIN = ".txt"
PARQUET = ".parquet"
COMPRESSED = ".gz"
KNOWN_EXTENSIONS = tuple(
    [extension + end for end in ("", COMPRESSED) for extension in (*DELIMITERS, *JSON_LINES, PLAIN)] + [PARQUET]
)


def read_records(
    source: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    skip_bad_rows: bool = False,
    keep: Sequence[str] = (),
    dialect: Dialect | None = None,
) -> Iterator[Record]:
    r"""Stream the rows of a source, in its order and in flat memory.

    | source | what it is |
    | --- | --- |
    | ``.csv``, ``.tsv``, also ``.gz`` | a table with a header |
    | ``.jsonl``, ``.ndjson``, also ``.gz`` | JSON Lines, one object per line |
    | ``.parquet`` | a table (extra ``parquet``) |
    | ``.txt``, also ``.gz`` | one text per line, no labels; or fastText's supervised form, ``__label__x text`` |
    | a folder | a sub-folder per class with ``.txt`` files; the labels are the sub-folders' names |
    | ``hf:owner/name[:split]`` | a data set of the Hugging Face hub (extra ``hf``) |

    Text files are UTF-8, with or without a byte order mark. A missing label gives a record with the label None, an
    empty text a record with an empty text: the caller decides whether they will do.

    Args:
        source: a file, a folder, or ``hf:`` and the name of a hub data set.
        text: the column of the texts; None for the column ``text``, or the only one. Ignored where there are no
            columns (plain text, folders).
        label: the column of the labels; None to read no labels. Ignored likewise.
        skip_bad_rows: go on without the rows that cannot be read (a wrong number of fields, broken JSON).
        keep: further columns, whose values come with each record.
        dialect: delimiter, encoding and quoting of a text file, where they are not those of its name.

    Raises:
        InputError: what is wrong with the source: file, line, column, what was found and what to do. A missing file
            and an unknown extension are reported by the call, all else by the iteration.
        MissingExtraError: the source needs an extra that is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "reviews.csv"
        ...     _ = path.write_text('review,stars\n"Long, and dull",1\nFine,5\n', encoding="utf-8")
        ...     for record in read_records(path, text="review", label="stars"):
        ...         print(record)
        Record(text='Long, and dull', label='1', line=2, kept=())
        Record(text='Fine', label='5', line=3, kept=())
    """
    wanted = Wanted(text, label, keep, dialect or Dialect())
    if not skip_bad_rows:
        return stream_records(source, wanted)
    bad: list[BadRow] = []
    return _some(stream_records(source, replace(wanted, on_bad_row=bad.append)), bad, str(source))


def _some(records: Iterator[Record], bad: list[BadRow], source: str) -> Iterator[Record]:
    """Pass records on, and warn of the rows that are left out; raise if these are all, with the first of them."""
    empty, left_out = True, 0
    for record in records:
        empty = False
        left_out += len(bad[1:])
        del bad[1:]
        yield record
    if empty and bad:
        raise InputError(f"{source}: no row can be used. The first: {bad[0].message}")
    if bad:
        count = left_out + len(bad)
        rows = "a row that cannot be read is" if count == 1 else f"{count:,} rows that cannot be read are"
        warnings.warn(f"{source}: {rows} left out. The first: {bad[0].message}", DataWarning, stacklevel=2)


def iterate_texts(
    source: str | Path, *, text: str | None = None, skip_bad_rows: bool = False, dialect: Dialect | None = None
) -> Iterator[str]:
    """Stream the texts of a source without labels, as `read_records` does; rows with an empty text are skipped."""
    records = read_records(source, text=text, skip_bad_rows=skip_bad_rows, dialect=dialect)
    return (record.text for record in records if record.text.strip())


def stream_records(source: str | Path, wanted: Wanted) -> Iterator[Record]:
    """Stream rows as `read_records` does."""
    if str(source).startswith(HUB_PREFIX):
        return read_hub(str(source), wanted)
    path = Path(source)
    check_exists(source)
    if wanted.keep and (path.is_dir() or is_plain(path)):
        raise InputError(f"{path}: has no columns to keep: {listed(wanted.keep)} cannot be kept")
    if path.is_dir():
        return read_folder(path)
    extension = _extension(path)
    if extension in DELIMITERS:
        return read_table(path, DELIMITERS[extension], wanted)
    if extension in JSON_LINES:
        return read_json_lines(path, wanted)
    if extension == PLAIN:
        return read_plain(path, wanted.dialect.encoding)
    if path.name.lower().endswith(PARQUET):
        return read_parquet(path, wanted)
    found = f"extension '{''.join(path.suffixes[-2:])}'" if path.suffix else "no extension"
    raise InputError(
        f"{path}: {found} says nothing of the format; the known ones are {listed(KNOWN_EXTENSIONS)}, "
        f"a folder per class, and hf:owner/name"
    )


def has_no_labels(source: str | Path, dialect: Dialect | None = None) -> bool:
    """Return whether a source is a plain text file that is not in fastText's supervised form."""
    return is_plain(source) and not is_fasttext(Path(source), None if dialect is None else dialect.encoding)


def is_plain(source: str | Path) -> bool:
    """Return whether a source is a plain text file, which has no columns."""
    return not str(source).startswith(HUB_PREFIX) and _extension(Path(source)) == PLAIN and not Path(source).is_dir()


def _extension(path: Path) -> str:
    """Return the extension that tells the format: in lower case, without ``.gz``."""
    return Path(path.name.lower().removesuffix(COMPRESSED)).suffix


def check_exists(source: str | Path) -> None:
    """Raise `InputError` when there is no such file or folder, with a suggestion from the same folder, or a pipe."""
    path = Path(source)
    if not str(source):
        raise InputError("the name of a file is empty: give one")
    if re.match(r"[a-z][a-z0-9+.-]+://", str(source), re.IGNORECASE):
        raise InputError(f"{source}: is a web address: download it, and give the name of the file")
    try:
        if path.exists():
            check_regular(path)
            return
        # The nearest folder that exists is where a name may be misspelt.
        missing = path
        while not missing.parent.exists():
            missing = missing.parent
        neighbours = [entry.name for entry in missing.parent.iterdir()] if missing.parent.is_dir() else []
    except (OSError, ValueError) as error:  # no permission, a name too long, a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{shortened(str(path))!r}: cannot be read: {reason}") from error
    what = "no such file or folder" if missing == path else f"the folder {missing} does not exist"
    raise InputError(f"{path}: {what}.{suggestion(missing.name, neighbours)}")


OBJECTS_WITH_EVERY_KEY = 100
"""Writers leave out keys whose value is null: a column is missing only if none of the first objects has it."""
ROWS_PER_BATCH = 1024
HUB_PREFIX = "hf:"
DEFAULT_SPLIT = "train"


def read_json_lines(path: Path, wanted: Wanted) -> Iterator[Record]:
    """Yield the objects of a JSON Lines file; blank lines are skipped."""
    bad: list[BadRow] = []

    def noted(row: BadRow) -> None:
        bad[:] = bad or [row]
        wanted.on_bad_row(row)

    objects = _objects(path, noted, wanted.dialect.encoding)
    first = list(islice(objects, OBJECTS_WITH_EVERY_KEY))
    if not first and bad:
        return
    if not first:
        raise InputError(f"{path}: holds no JSON object; give one on each line")
    keys = list(dict.fromkeys(key for _, found in first for key in found))
    columns = wanted.among(keys, str(path))
    for line, found in chain(first, objects):
        place = f"{path}, line {line}"
        record = columns.record(found, line, place, wanted.on_bad_row)
        if record is None:
            continue
        if any(map(has_lone_surrogate, (record.text, record.label or "", *(record.labels or ())))):
            message = f"{place}: holds half of a surrogate pair (\\ud800 to \\udfff), which is no character"
            wanted.on_bad_row(BadRow(line, "with half of a surrogate pair", message))
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


def read_parquet(path: Path, wanted: Wanted) -> Iterator[Record]:
    """Yield the rows of a Parquet file in batches; only the columns that are asked for are read."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("reading Parquet files", "parquet") from error
    line = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            columns = wanted.among(list(file.schema_arrow.names), str(path))
            for batch in file.iter_batches(batch_size=ROWS_PER_BATCH, columns=columns.names, use_threads=False):
                for line, row in enumerate(batch.to_pylist(), line + 1):  # noqa: B020 - goes on counting
                    record = columns.record(row, line, f"{path}, row {line}", wanted.on_bad_row)
                    if record is not None:
                        yield record
    except InputError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not a Parquet file, or a damaged one ({reason}); write it again") from error
    if line == 0:
        raise InputError(f"{path}: has columns and no row; give at least one")


def read_hub(source: str, wanted: Wanted) -> Iterator[Record]:
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
    columns = wanted.among(list(rows.column_names), source)
    feature = None if columns.label is None else rows.features[columns.label]
    names = getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None)
    line = 0
    for line, row in enumerate(rows.select_columns(columns.names), 1):
        if names is not None:
            row = {**row, columns.label: _named(row[columns.label], names)}
        record = columns.record(row, line, f"{source}, row {line}", wanted.on_bad_row)
        if record is not None:
            yield record
    if line == 0:
        raise InputError(f"{source}: split '{split}' has no row")


def _named(value: object, names: Sequence[str]) -> object:
    """Return the names of a number or of a list of numbers; the hub marks a row without a label by -1."""
    if isinstance(value, list):
        return [_named(each, names) for each in value]
    return (names[value] if value >= 0 else None) if isinstance(value, int) else value
