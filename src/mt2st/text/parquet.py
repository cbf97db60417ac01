"""Parquet files, read in batches (extra ``parquet``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mt2st.errors import InputError, MissingExtraError
from mt2st.text.columns import find_column, record_of
from mt2st.text.record import Complain, Record

ROWS_PER_BATCH = 1024


def read_parquet(path: Path, text: str | None, label: str | None, complain: Complain) -> Iterator[Record]:
    """Yield the rows of a Parquet file; only the columns that are asked for are read.

    Args:
        path: the file.
        text: the column of the texts; None for ``text``, or the only column.
        label: the column of the labels; None for none.
        complain: called for a row that holds a value that is neither text nor number.

    Raises:
        MissingExtraError: pyarrow is not installed.
        InputError: a damaged file, no row, or no such column.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("reading Parquet files", "parquet") from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            columns = list(file.schema_arrow.names)
            text = find_column(text, columns, role="text", place=str(path))
            if label is not None:
                label = find_column(label, columns, role="label", place=str(path))
            wanted = [text] if label is None else list({text: None, label: None})
            line = 0
            for batch in file.iter_batches(batch_size=ROWS_PER_BATCH, columns=wanted, use_threads=False):
                for row in batch.to_pylist():
                    line += 1
                    place = f"{path}, row {line}"
                    record = record_of(row, text, label, line=line, place=place, complain=complain)
                    if record is not None:
                        yield record
    except InputError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not a Parquet file, or a damaged one ({reason}); write it again") from error
    if line == 0:
        raise InputError(f"{path}: has columns and no row; give at least one")
