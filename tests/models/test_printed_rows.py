"""Rows of a CSV file are those that Python writes."""

from __future__ import annotations

import csv
from io import StringIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt2st.models.printed_rows import csv_rows


def by_python(classes: list[str], probabilities: np.ndarray) -> str:
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    for row in probabilities:
        writer.writerow([classes[row.argmax()], *(round(float(value), 6) for value in row)])
    return written.getvalue()


@given(st.integers(1, 9).flatmap(lambda n: st.lists(st.lists(st.floats(0, 1, width=32), min_size=n, max_size=n))))
@settings(max_examples=200, deadline=None)
def test_any_probabilities(rows: list[list[float]]) -> None:
    classes = ["a", 'say "so"', "1,5", "é\n", "", "x y", " ", "\u2028", "z"][: len(rows[0])] if rows else ["a"]
    found = np.array(rows, dtype=np.float32).reshape(-1, len(classes))
    assert csv_rows(classes, found) == by_python(classes, found)


@pytest.mark.parametrize("start", range(0, 1_000_001, 250_000))
def test_every_rounded_value_and_its_neighbours(start: int) -> None:
    values = (np.arange(start, min(start + 250_000, 1_000_001)) / 1e6).astype(np.float32)
    halves = ((np.arange(start, start + 2000) + 0.5) / 1e6).astype(np.float32)
    for some in (
        values[:: 1 + len(values) // 20_000],
        values[:1000],
        halves[halves <= 1],
        np.float32(2.0) ** -np.arange(40),
    ):
        column = some.astype(np.float32)[:, np.newaxis]
        assert csv_rows(["x"], column) == by_python(["x"], column)
