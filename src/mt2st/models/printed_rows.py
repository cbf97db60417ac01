"""Predictions as rows of a CSV file, by compiled code: Python takes longer to print a text's than to predict them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO

import numpy as np
from numpy.typing import NDArray

from mt2st._native import F32, I64, U8, helper, native

_MILLION = 1_000_000
_ZERO, _POINT, _COMMA, _LINE_END, _E, _MINUS = 48, 46, 44, 10, 101, 45
_LONGEST = 9
"""Characters of a comma and a probability of six decimals."""


def csv_rows(classes: Sequence[str], probabilities: NDArray[np.float32]) -> str:
    r"""Return a row for each text: its most probable class, and all probabilities, rounded to six decimals.

    Args:
        classes: ``[n_classes]`` names.
        probabilities: ``[n_texts, n_classes]``.

    Example:
        >>> csv_rows(["yes", "no, thanks"], np.array([[0.25, 0.75], [0.9999994, 6e-7]], np.float32))
        '"no, thanks",0.25,0.75\nyes,0.999999,1e-06\n'
    """
    found = np.ascontiguousarray(probabilities, np.float32)
    labels = [_field(name) for name in classes]
    starts = np.cumsum([0, *map(len, labels)])
    most = max(map(len, labels)) + len(classes) * _LONGEST + 1
    rows = np.empty(len(found) * most, np.uint8)
    best = found.argmax(axis=1)
    size = write_rows(np.frombuffer(b"".join(labels), np.uint8), starts, best, found, len(found), found.shape[1], rows)
    return str(rows[:size].data, "utf-8")


def _field(name: str) -> bytes:
    field = StringIO()
    csv.writer(field, lineterminator="\n").writerow([name, ""])
    return field.getvalue().removesuffix(",\n").encode()


@helper
def _write_digits(value: int, n_digits: int, into: U8, at: int) -> int:
    """Write the last digits of a number without the zeros at their end, but one digit at least; return the end."""
    while n_digits > 1 and value % 10 == 0:
        value //= 10
        n_digits -= 1
    for place in range(at + n_digits - 1, at - 1, -1):
        into[place] = _ZERO + value % 10
        value //= 10
    return at + n_digits


@helper
def _write_share(value: int, into: U8, at: int) -> int:
    """Write millionths as Python prints the number; return the end."""
    if 0 < value < 100:  # with an exponent
        small = 1 if value < 10 else 0
        first = value if small else value // 10
        into[at] = _ZERO + first
        at += 1
        if not small and value % 10:
            into[at] = _POINT
            into[at + 1] = _ZERO + value % 10
            at += 2
        into[at] = _E
        into[at + 1] = _MINUS
        into[at + 2] = _ZERO
        into[at + 3] = _ZERO + 5 + small
        return at + 4
    into[at] = _ZERO + value // _MILLION
    into[at + 1] = _POINT
    return _write_digits(value % _MILLION, 6, into, at + 2)


@native
def write_rows(labels: U8, starts: I64, best: I64, probabilities: F32, n_texts: int, n_classes: int, into: U8) -> int:
    """Write rows of labels and probabilities; return their length.

    Args:
        labels: the classes as fields of a row, one after the other.
        starts: ``[n_classes + 1]``: where each begins.
        best: ``[n_texts]`` numbers of the classes that come first in the rows.
        probabilities: ``[n_texts, n_classes]``, from 0 to 1.
        n_texts: number of texts.
        n_classes: number of classes.
        into: written; long enough.
    """
    at = 0
    for text in range(n_texts):
        for place in range(starts[best[text]], starts[best[text] + 1]):
            into[at] = labels[place]
            at += 1
        for k in range(n_classes):
            exact = np.float64(probabilities[n_classes * text + k]) * _MILLION  # in full: 24 bits times 14
            value = np.int64(exact)
            if exact - value > 0.5 or (exact - value == 0.5 and value % 2 == 1):
                value += 1
            into[at] = _COMMA
            at = _write_share(value, into, at + 1)
        into[at] = _LINE_END
        at += 1
    return at
