"""Options: help, wrong words, what people try."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mt2st.cli.main import main
from mt2st.cli.options import parse, read_config
from mt2st.errors import InputError

NEEDED = ["x.csv", "--output", "o"]


@dataclass(frozen=True)
class Group:
    """A group."""

    size: int = 3
    """How large,
    in a sentence of two lines."""
    names: tuple[str, ...] = ()
    """Names."""


@dataclass(frozen=True)
class Options:
    """Options."""

    place: Path
    """A place."""
    label: str = "x"
    """A text."""
    group: Group = field(default_factory=Group)


def parsed(*words: str, common: tuple[str, ...] = ()) -> Options:
    return parse(Options, words, program="mt2st try", description="Try it.", common=common)


@pytest.mark.parametrize(
    ("words", "expected"),
    {
        "of our own type": (["train", *NEEDED, "--decay", "a=x"], "--decay"),
        "unknown, with the nearest": (["train", *NEEDED, "--learning-rat", "1"], "--learning-rate"),
        "nothing": (["train"], "DATA"),
        "no words": (["vectors", "neighbours"], "VECTORS"),
    }.values(),
    ids=str,
)
def test_the_parser_names_a_wrong_word_and_ends_with_2(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert expected in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--lr", "1"], "--learning-rate"),
        (["--lr=1"], "--learning-rate"),
        (["--dim", "50"], "--vector-size"),
        (["--gpu"], "there is no option --gpu: --device chooses where networks are trained: --device cuda"),
        (["--device", "gpu"], "--device: should be 'auto', 'cpu', 'cuda', 'cuda:1' (a number) or 'mps', found 'gpu'"),
        (["--device", "cuda:99"], "device 'cuda:99' is not there: torch"),
        (["--task", "taging"], "--task is one of 'classification', 'multilabel', 'tagging', found 'taging'. Did you"),
        (["--signal=gan"], "Did you mean 'gain'?"),
        (["--auxiliaries", "context", "analgy"], "found 'analgy'. Did you mean 'analogy'?"),
        (["--epochs", "many"], "--epochs takes a whole number, found 'many'"),
        (["--dropout", "x"], "--dropout takes a number, found 'x'"),
        (["--threads", "None"], "found 'None'; leave the option out for its default"),
        (["--epochs", "0"], "--epochs: should be greater than or equal to 1, found 0"),
        (["--init", "no.vec"], "--init: 'no.vec' is no file"),
        (["--strategy", "switch", "--switch-at", "0"], "--switch-at must be a whole number of at least 1, found 0"),
        (["--decay", "context=-1"], "--decay['context'] must be a finite number of at least 0, found -1.0"),
        (["--auxiliaries", "context,analogy"], "--auxiliaries context analogy"),
    ],
)
def test_words_that_people_try_are_answered_with_ours(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *NEEDED, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line


def test_commas_are_answered_and_a_file_with_a_comma_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *NEEDED, "--strategies", "diminish,switch"]) == 2
    assert "--strategies diminish switch" in capsys.readouterr().err
    (tmp_path / "a,b.txt").touch()
    assert parsed("--place", "p", "--names", str(tmp_path / "a,b.txt")).group.names == (str(tmp_path / "a,b.txt"),)


def test_help_shows_the_common_options_and_help_all_shows_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    shown = {}
    for flag in ("--help", "-h", "--help-all"):
        with pytest.raises(SystemExit) as end:
            parsed(flag, common=("size",))
        assert end.value.code == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        shown[flag] = printed.out
    assert "in a sentence of two lines" in " ".join(shown["--help"].replace("│", "").split())
    assert "--place" in shown["--help"]  # it is required
    assert "--names" not in shown["--help"]
    assert "mt2st try --help-all shows all 4" in shown["--help"]
    assert shown["-h"] == shown["--help"]
    assert "--names" in shown["--help-all"]


@pytest.mark.parametrize("command", ["train", "compare"])
def test_the_help_of_a_command_has_examples_and_at_most_twenty_odd_options(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    printed = capsys.readouterr().out
    assert "Examples:" in printed
    groups = re.findall(r"^╭─ (.*?) options ─", printed, re.MULTILINE)
    assert groups[0] == "source"
    assert sum(line.startswith("│ --") for line in printed.splitlines()) <= 25


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


def test_a_file_gives_defaults_and_leaves_what_is_required_to_the_command_line(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("label = 0.5\n[group]\nsize = 7\nnames = ['a', 'b']\n", encoding="utf-8")
    options = parsed("--config", str(settings), "--place", "p", "--size", "8")
    assert options == Options(Path("p"), "0.5", Group(8, ("a", "b")))


def test_all_errors_of_a_file_come_at_once_with_their_keys(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "label = true\nsize = 3\nlabl = 'x'\n[group]\nsize = 'large'\nnames = ['a', 3]\n", encoding="utf-8"
    )
    with pytest.raises(InputError) as error:
        read_config(Options, settings)
    problems = str(error.value).splitlines()
    assert all(problem.startswith(f"{settings}: ") for problem in problems)
    assert [problem.split(": ")[1] for problem in problems] == [
        "label",
        "group.size",
        "group.names.1",
        "size",
        "labl",
    ]
    assert "found 'large'" in problems[1]
    assert "It belongs into the section [group]" in problems[3]
    assert "Did you mean 'label'?" in problems[4]
    settings.write_text("group = 3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"group: must be a section \[group\], found 3"):
        read_config(Options, settings)


def test_mistakes_of_kind_and_of_range_in_a_file_come_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "checkpoint_minutes = 0\nautotune = -1\nseed = -1\n[source]\nvalidation = 1.5\ntest = '-0.2'\ntrain_size = 0\n"
        "split_seed = -1\nword = 0\n[optimisation]\nepochs = 'x'\n[schedule]\ndecay = -1\n",
        encoding="utf-8",
    )
    assert main(["train", "missing.csv", "--config", str(settings)]) == 2
    said = capsys.readouterr().err
    for part in (
        "optimisation.epochs: Input should be a valid integer, found 'x'",
        "source.validation must be a share between 0 and 1, or a file, found 1.5",
        "source.test must be a share between 0 and 1, or a file, found '-0.2'",
        "source.train_size must be at least 1, found 0",
        "source.split_seed must be 0 to 4294967295, found -1",
        "source.word must be at least 1, found 0",
        "checkpoint_minutes must be above 0, found 0",
        "autotune must be minutes above 0, found -1",
        "seed: Input should be greater than or equal to 0, found -1",
        "schedule.decay",
    ):
        assert part in said


def test_rules_hold_on_the_command_line_too_and_are_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "missing.csv", "--test", "2", "--train-size", "0", "--checkpoint-minutes", "nan"]) == 2
    said = {line.removeprefix("mt2st: ").split()[0] for line in capsys.readouterr().err.splitlines()}
    assert said == {
        "--test",
        "--train-size",
        "--checkpoint-minutes",
    }


def test_a_value_for_each_name_is_asked_for_with_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "reviews.csv", "--strategy", "switch", "--switch-at", "3,4"]) == 2
    assert "--switch-at takes one value, or one for each name with spaces between" in capsys.readouterr().err


def test_help_shows_no_empty_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    printed = " ".join(capsys.readouterr().out.replace("│", "").split())
    assert "(default: None)" not in printed
    assert "(default: )" not in printed
    assert "(default: 8)" in printed
    assert "--encoder" in printed
