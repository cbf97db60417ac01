"""Auxiliary tasks on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mt2st.cli.main import main
from tests.cli.conftest import FAST

WORDS = ["warm", "witty", "fine", "bright", "dull", "long", "weak", "grey"]


@pytest.fixture
def lexicon(tmp_path: Path) -> list[str]:
    """Options for the task misalignment, with files of which the reviews have every word."""
    (tmp_path / "agree.txt").write_text("warm witty\nfine bright\ndull long\nweak grey\nhot warm\n", encoding="utf-8")
    (tmp_path / "disagree.txt").write_text("warm grey\nfine weak\n", encoding="utf-8")
    return [
        "--auxiliary-data.agree",
        str(tmp_path / "agree.txt"),
        "--auxiliary-data.disagree",
        str(tmp_path / "disagree.txt"),
    ]


@pytest.mark.filterwarnings("default")
def test_coverage_warning_and_measures_are_printed_and_kept(
    train_arguments: list[str], lexicon: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = [
        "--auxiliaries",
        "context",
        "misalignment",
        *lexicon,
        "--decay",
        "misalignment=0.1",
        "--auxiliary-data.held-out",
        "0.1",
    ]
    assert main([*train_arguments, *more]) == 0
    printed = capsys.readouterr()
    assert "train: misalignment: 6 different of 7 word pairs have all their words in the vocabulary" in printed.err
    assert "mt2st: warning: misalignment: 6 different of 7 word pairs" in printed.err
    assert "misalignment 0.90" in printed.err, "the weight of epoch 1"
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["auxiliaries"]["misalignment"]["coverage"]["total"] == 7
    for measure in report["auxiliaries"]["misalignment"]["after"]:
        assert measure in printed.out


def test_a_schedule_by_task_is_read_from_a_file(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text("[schedule]\ninitial = 0.5\n[schedule.decay]\ncontext = 0.2\n", encoding="utf-8")
    assert main([*train_arguments, "--config", str(config)]) == 0
    assert "weights context 0.41" in capsys.readouterr().err


def test_glove_counts_and_trains(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*train_arguments, "--context.method", "glove", "--context.x-max", "5"]) == 0
    printed = capsys.readouterr()
    assert "train: co-occurrences of 304 words counted" in printed.err
    assert "context 0." in printed.err, "its loss"
    config = json.loads((tmp_path / "run" / "model" / "config.json").read_text(encoding="utf-8"))
    assert (config["settings"]["context"]["method"], config["settings"]["context"]["x_max"]) == ("glove", 5.0)


def test_words_made_of_n_grams_are_trained_saved_and_read_when_unseen(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*train_arguments, "--context.method", "cbow-fasttext", "--bucket", "5000", "--min-n", "2"]
    assert main(arguments) == 0
    assert ", context " in capsys.readouterr().err, "its loss"
    assert main(["predict", str(tmp_path / "run" / "model"), "warmish", "wittyish", "dullness"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len({row.split(",", 1)[1] for row in rows[-3:]}) == 3, "each unseen word has a vector of its own"


def test_strategies_are_compared_on_words_made_of_n_grams(
    reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", str(reviews), "--text", "review", "--label", "sentiment", *FAST, "--seeds", "1"]
    arguments += ["--output", str(tmp_path / "study"), "--strategies", "single-task", "switch"]
    assert main([*arguments, "--context.method", "skipgram-fasttext"]) == 0
    assert "switch" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--context.method", "cbow", "--bucket", "9"],
            "bucket' cannot be given with --context.method 'cbow'",
        ),
        (["--context.method", "cbow-fasttext", "--init", "cbow"], "--init 'cbow' has no n-grams"),
        (["--context.method", "glove", "--context.x-max", "0"], "--context.x-max: should be greater than 0, found 0.0"),
        (["--auxiliaries", "spearman"], "the auxiliary task 'spearman' needs data"),
        (["--auxiliary-data.analogies", "q.txt"], "analogies names files, but no auxiliary task reads them"),
        (["--auxiliaries", "analogy", "--auxiliary-data.analogies", "gone.txt"], "gone.txt: cannot be read"),
        (["--decay", "spearman=0.2"], "--decay names 'spearman', which is not among the auxiliary tasks of this run"),
        (
            ["--auxiliaries", "analogy", "--auxiliary-data.analogies", "{foreign}"],
            "none of its 2 analogy questions can be used",
        ),
    ],
)
def test_what_cannot_be_used_is_one_message(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    foreign = tmp_path / "foreign.txt"
    foreign.write_text("mot mots\nville villes\n", encoding="utf-8")
    assert main([*train_arguments, *(word.format(foreign=foreign) for word in more)]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_word_that_is_no_number_is_refused(train_arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*train_arguments, "--decay", "fast"])
    assert end.value.code == 2
    assert "fast" in capsys.readouterr().err
