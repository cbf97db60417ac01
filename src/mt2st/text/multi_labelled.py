"""Texts with any number of labels each, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mt2st.errors import InputError
from mt2st.text.readers import is_plain, read_records
from mt2st.text.rows import check_present

SEPARATOR = ";"


@dataclass(frozen=True)
class MultiLabelledText:
    """Texts and the labels of each, in the order of their source.

    Attributes:
        texts: n texts, none of them empty.
        labels: for each text its different labels, sorted; maybe none.
        source: where they come from, for messages and model cards.
        weights: n weights of the texts in the loss, or None.

    Example:
        >>> data = MultiLabelledText(["long and funny", "hm"], [("comedy", "long"), ()])
        >>> data.label_names(), data.select([1]).labels
        (('comedy', 'long'), [()])
    """

    texts: Sequence[str]
    labels: Sequence[Sequence[str]]
    source: str = "the labelled texts"
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise InputError(
                f"{self.source}: texts and lists of labels must be as many, "
                f"found {len(self.texts)} and {len(self.labels)}"
            )
        for number, labels in enumerate(self.labels):
            if isinstance(labels, str):
                raise InputError(f"{self.source}: give a list of labels for each text, found {labels!r} for {number}")

    def __len__(self) -> int:
        return len(self.texts)

    def select(self, indices: Iterable[int]) -> MultiLabelledText:
        """Return the rows of these indices, in their order."""
        chosen = [int(index) for index in indices]
        texts = [self.texts[index] for index in chosen]
        weights = None if self.weights is None else [self.weights[index] for index in chosen]
        return MultiLabelledText(texts, [self.labels[index] for index in chosen], self.source, weights)

    def label_names(self) -> tuple[str, ...]:
        """Return the labels that occur, sorted."""
        return tuple(sorted({label for labels in self.labels for label in labels}))


def split_labels(value: str | None, separator: str) -> tuple[str, ...]:
    """Return the different labels in a field, sorted.

    Example:
        >>> split_labels("war; drama;;war", ";")
        ('drama', 'war')
        >>> split_labels(None, ";")
        ()
    """
    parts = (part.strip() for part in (value or "").split(separator))
    return tuple(sorted({part for part in parts if part}))


def read_multi_labelled(
    source: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    separator: str = SEPARATOR,
    skip_bad_rows: bool = False,
) -> MultiLabelledText:
    """Read a source whose label column holds several labels a row into memory; an empty one is a text without any.

    Args:
        source: as for `read_records`, whose errors are raised.
        text: the column of the texts; None for the column ``text``, or the only one.
        label: the column of the labels; None for the column ``label``.
        separator: text between two labels.
        skip_bad_rows: skip rows that cannot be read or have an empty text.

    Raises:
        InputError: a separator without a character, or a row with an empty text.
    """
    if not separator.strip() and separator != "\t":
        raise InputError(f"the separator of labels must be a character, found {separator!r}")
    if is_plain(source):
        raise InputError(f"{source}: a .txt file has no labels; give a table with a column of them")
    texts, labels = [], []
    for record in read_records(source, text=text, label=label or "label", skip_bad_rows=skip_bad_rows):
        if record.text.strip():
            texts.append(record.text)
            labels.append(split_labels(record.label, separator))
        elif not skip_bad_rows:
            raise InputError(
                f"{source}, line {record.line}: the text is empty; correct it, or go on without such rows by "
                f"--skip-bad-rows (skip_bad_rows=True)"
            )
    return MultiLabelledText(texts, labels, str(source))


def check_labels(labelled: MultiLabelledText) -> None:
    """Raise `InputError` if a text or label is missing (None or NaN), or no text has a label."""
    check_present(labelled.texts, "texts", labelled.source)
    check_present((label for labels in labelled.labels for label in labels), "labels", labelled.source)
    if not labelled.label_names():
        raise InputError(f"{labelled.source}: no text has a label; is the label column the right one?")
