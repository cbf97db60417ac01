"""Progress in a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from mt2st.cli.terminal import Bar, say


class Terminal(io.StringIO):
    """A terminal of 60 columns."""

    def isatty(self) -> bool:
        return True


def in_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in the place of stderr."""
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_a_line_that_is_said_stands_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = in_terminal(monkeypatch)
    bar = Bar()
    bar.show(0.5, "half of it")
    say("a line")
    before, after = terminal.getvalue().split("a line")
    assert "50% |" in before
    assert before.endswith("\r")  # the bar was erased
    assert after.startswith("\n")
    assert "half of it" in after
    bar.end("all of it")
    assert terminal.getvalue().endswith("\rall of it\n")


def test_words_of_a_bar_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = in_terminal(monkeypatch)
    bar = Bar()
    bar.show(0.5, "epoch 3 of 8, validation accuracy 75.1 %, losses primary 0.512")
    shown = terminal.getvalue().split("| ")[-1].strip()
    bar.close()
    assert shown == "epoch 3 of 8, validation accuracy ..."


def test_long_lines_wrap_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = in_terminal(monkeypatch)
    say("a sentence of many words, among them /a/path/that/is/longer/than/the/line/and/that/must/not/be/cut/in/two.txt")
    assert [len(line) < 60 for line in terminal.getvalue().splitlines()] == [True, False]
    assert "two.txt" in terminal.getvalue().splitlines()[1]


def test_nothing_is_drawn_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.show(0.5, "half of it")
    bar.end("all of it")
    assert capsys.readouterr().err == "all of it\n"
