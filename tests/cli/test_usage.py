"""Wrong words on the command line: one line that says what is wrong, exit code 2."""

from __future__ import annotations

import pytest

from mt2st.cli.main import main
from mt2st.cli.usage import explained

NEEDED = ["x.csv", "--output", "o"]
COMPLAINTS = {
    "no whole number": (["train", *NEEDED, "--epochs", "many"], "train: --epochs: needs a whole number, found 'many'."),
    "no whole number or none": (["train", *NEEDED, "--max-vocabulary=x"], "--max-vocabulary: needs a whole number, fo"),
    "no number": (["train", *NEEDED, "--dropout", "x"], "train: --dropout: needs a number, found 'x'."),
    "no numbers": (["train", *NEEDED, "--analogy-coefficients", "1", "2", "x"], "--analogy-coefficients: cannot be re"),
    "too few numbers": (["train", *NEEDED, "--analogy-coefficients", "1"], "--analogy-coefficients: needs 3 values."),
    "no value": (["train", *NEEDED, "--seed"], "train: --seed: needs a value."),
    "no choice": (["train", *NEEDED, "--signal", "x"], "--signal: must be one of 'cosine', 'gain', found 'x'."),
    "of our own type": (["train", *NEEDED, "--decay", "a=x"], "--decay: 'a=x' is neither a number nor TASK=NUMBER."),
    "unknown": (
        ["train", *NEEDED, "--learning-rat", "1"],
        "unknown option --learning-rat. Did you mean '--learn",
    ),
    "unknown to all": (["train", *NEEDED, "--zzzzzzzzzz", "1"], "train: unknown option --zzzzzzzzzz. See mt2st train"),
    "misplaced": (["train", *NEEDED, "--beside", "maybe"], "train: cannot place 'maybe'."),
    "nothing": (["train"], "train: missing: DATA, --output."),
    "no output": (
        ["train", "x.csv", "--outptu", "o"],
        "missing: --output; unknown option --outptu. Did you mean",
    ),
    "no model": (["predict"], "mt2st predict: missing: MODEL."),
    "no words": (["vectors", "neighbours"], "mt2st vectors neighbours: missing: VECTORS."),
    "no target": (["vectors", "convert", "a"], "mt2st vectors convert: missing: TARGET."),
}


@pytest.mark.parametrize("columns", ["40", "200"])
@pytest.mark.parametrize("name", COMPLAINTS)
def test_wrong_words_are_answered_in_one_line(
    name: str, columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    arguments, expected = COMPLAINTS[name]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("mt2st ")
    assert expected in line
    assert line.endswith(" --help")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["train"], ["DATA"]),
        (["compare"], ["DATA"]),
        (["predict"], ["MODEL", "[TEXT ...]"]),
        (["vectors", "train"], ["CORPUS"]),
        (["vectors", "evaluate"], ["VECTORS"]),
        (["vectors", "neighbours"], ["VECTORS", "WORD ..."]),
        (["vectors", "convert"], ["SOURCE", "TARGET"]),
    ],
    ids=lambda each: " ".join(each),
)
def test_help_calls_arguments_by_what_they_are(
    words: list[str], names: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    (heading,) = [line for line in printed.out.splitlines() if line.startswith("usage: ")]
    assert " ".join(names) in heading
    assert "STR" not in heading


def test_a_box_without_lines_of_its_own_and_with_colours_is_read_too() -> None:
    box = "+- Missing -+\n| \x1b[1mMissing value for argument '--seed'. Expected 1 values.\x1b[0m |\n| -- |\n+--+"
    assert explained(box, []) == "--seed: needs a value"


def test_what_is_not_understood_is_told_on_one_line() -> None:
    assert explained("╭─ Odd ─╮\n│ This    │\n│ is odd. │\n│ ─────── │\n│ help    │\n╰────╯", []) == "This is odd"
    assert explained("", []) == "wrong usage"
