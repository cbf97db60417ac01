"""Tables as text."""

from __future__ import annotations

from mt2st.evaluation.tables import TERMINAL, aligned


def test_a_header_wider_than_a_terminal_is_broken_between_its_words() -> None:
    names = ["strategy", *["a rather long name of a column"] * 4]
    table = aligned([names, ["diminish", *["75.0 %"] * 4]])
    lines = table.splitlines()
    assert max(map(len, lines)) <= TERMINAL
    assert lines[-1].split() == ["diminish", *["75.0", "%"] * 4]
    assert table.count("rather") == 4


def test_a_header_that_fits_stays_on_one_line() -> None:
    assert aligned([["name of it", "n"], ["a", "10"]]).splitlines()[0] == "name of it   n"


def test_long_labels_are_broken_too() -> None:
    table = aligned([["strategy", "encoder", "accuracy"], ["a" * 90, "b c " * 30, "75.0 %"]], labels=2)
    assert max(map(len, table.splitlines())) <= TERMINAL
    assert table.count("a") > 90
    assert "75.0 %" in table
