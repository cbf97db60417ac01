"""Data sets of the Hugging Face hub: ``hf:owner/name`` or ``hf:owner/name:split`` (extra ``hf``)."""

from __future__ import annotations

from collections.abc import Iterator

from mt2st.errors import InputError, MissingExtraError
from mt2st.text.columns import find_column, record_of
from mt2st.text.record import Complain, Record

PREFIX = "hf:"
DEFAULT_SPLIT = "train"


def read_hub(source: str, text: str | None, label: str | None, complain: Complain) -> Iterator[Record]:
    """Yield the rows of a hub data set, downloading it on first use.

    The labels of a ``ClassLabel`` column come by their names.

    Args:
        source: ``hf:owner/name`` or ``hf:owner/name:split``; the split is ``train`` when none is named.
        text: the column of the texts; None for ``text``, or the only column.
        label: the column of the labels; None for none.
        complain: called for a row that holds a value that is neither text nor number.

    Raises:
        MissingExtraError: the ``datasets`` package is not installed.
        InputError: the data set cannot be had (unknown, offline, no such split), no row, or no such column.
    """
    name, _, split = source.removeprefix(PREFIX).partition(":")
    split = split or DEFAULT_SPLIT
    if not name:
        raise InputError(f"{source}: no data set is named; write hf:owner/name or hf:owner/name:split")
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("reading data sets of the Hugging Face hub", "hf") from error
    try:
        rows = datasets.load_dataset(name, split=split)
    except Exception as error:
        # The package raises errors of half a dozen libraries for one and the same thing: the user cannot have this
        # data set here and now.
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(
            f"{source}: cannot load split '{split}' of data set '{name}': {reason}. Check the name, the split and the "
            f"network connection; without a network, load it once on a connected machine and copy its cache folder "
            f"(~/.cache/huggingface), or give a local file"
        ) from error
    columns = list(rows.column_names)
    text = find_column(text, columns, role="text", place=source)
    names: list[str] | None = None
    if label is not None:
        label = find_column(label, columns, role="label", place=source)
        names = getattr(rows.features[label], "names", None)
    line = 0
    for line, row in enumerate(rows.select_columns([text] if label is None else list({text: None, label: None})), 1):
        if names is not None and label is not None and isinstance(row[label], int):
            # The hub marks a row without a label by -1.
            row = {**row, label: names[row[label]] if row[label] >= 0 else None}
        record = record_of(row, text, label, line=line, place=f"{source}, row {line}", complain=complain)
        if record is not None:
            yield record
    if line == 0:
        raise InputError(f"{source}: split '{split}' has no row")
