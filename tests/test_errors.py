"""Messages: of bounded length, and without what steers a terminal."""

from __future__ import annotations

import pickle

import pytest

from mt2st.cli.terminal import say
from mt2st.errors import MOST_CHARACTERS, InputError, printable
from mt2st.evaluation.tables import aligned

STEERING = "a\x1b[2J\r\x08\x9b\u202e\udce9\u2066"
SPELLED = r"a\x1b[2J\r\x08\x9b\u202e\udce9\u2066"


def test_control_characters_of_data_are_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert str(InputError(STEERING)) == SPELLED
    say(STEERING)
    assert capsys.readouterr().err == SPELLED + "\n"
    assert SPELLED in aligned([["word"], [STEERING]])


@pytest.mark.parametrize(
    "text", ["two\nlines", "na\u00efve \u65e5\u672c \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f600"]
)
def test_other_characters_stay(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("length", [10, MOST_CHARACTERS, MOST_CHARACTERS + 1, 10**6])
def test_a_message_has_a_bounded_length(length: int) -> None:
    message = "the beginning" + "x" * (length - 20) + "the end"
    found = str(InputError(message))
    assert len(found) == min(len(message), MOST_CHARACTERS)
    assert found.startswith("the beginning"[:length])
    assert found.endswith("the end")
    assert str(pickle.loads(pickle.dumps(InputError(message)))) == found
