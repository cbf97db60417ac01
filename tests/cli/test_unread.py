from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from mt2st.cli.main import main
from mt2st.cli.strategy_options import ALL_STRATEGIES, StrategyOptions
from mt2st.cli.unread import READING_STRATEGIES, READING_TASKS, refuse_unread
from mt2st.errors import InputError
from mt2st.models.settings import AUXILIARIES, ClassifierSettings


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (
            [
                "--strategy",
                "switch",
                "--decay",
                "0.3",
                "--sensitivity",
                "5",
                "--switch-patience",
                "4",
                "--signal",
                "gain",
            ],
            ["--decay (0.3)", "--sensitivity (5.0)", "--switch-patience (4)", "--signal (gain)", "'switch'"],
        ),
        (["--gamma", "3"], ["--gamma (3.0) would change nothing: it is read only by the auxiliary task misalignment"]),
        (["--plateau-factor", "0.3"], ["--plateau-factor (0.3)", "only with --plateau-patience"]),
        (["--word-ngram-buckets", "99"], ["--word-ngram-buckets (99)", "only with --word-ngrams"]),
        (["--no-word-ngram-ratios"], ["--no-word-ngram-ratios would change nothing", "only with --word-ngrams"]),
        (["--minimum-gain", "0.1"], ["--minimum-gain (0.1)", "--convergence validation-loss", "'gradient-norm'"]),
        (["--convergence", "never", "--patience", "5"], ["--patience (5)", "'never'"]),
        (["--feedback-every", "3"], ["--feedback-every (3)", "adaptive-diminish or adaptive-switch"]),
        (["--strategy", "single-task", "--unit", "step"], ["--unit (step)"]),
        (
            ["--encoder", "mean", "--hidden-size", "9"],
            ["--hidden-size (9)", "only by the encoder bilstm or cnn", "'mean'"],
        ),
        (["--encoder", "mean", "--pooling", "max"], ["--pooling (max)", "only by the encoder bilstm or cnn"]),
        (["--start-epochs", "9"], ["--start-epochs (9)", "only with --embedding skipgram or"]),
        (
            ["--auxiliary", "analogy", "--context-passes", "2", "--context-window", "9"],
            ["--context-passes (2.0)", "--context-window (9)", "only by the auxiliary task context", "'analogy'"],
        ),
        (["--context-x-max", "50"], ["--context-x-max (50.0)", "only by the context method glove", "'skipgram'"]),
        (["--glove-sample", "1e-4"], ["--glove-sample (0.0001)", "only by the context method glove", "'skipgram'"]),
        (
            ["--context-method", "glove", "--context-negative", "9", "--context-sample", "1e-4"],
            [
                "--context-negative (9)",
                "--context-sample (0.0001)",
                "by the context method skipgram or cbow",
                "'glove'",
            ],
        ),
        (
            ["--strategy", "single-task", "--context-min-alpha", "0.01", "--context-window", "9"],
            [
                "--context-min-alpha (0.01)",
                "--context-window (9)",
                "by the auxiliary task context, and none is trained",
            ],
        ),
    ],
)
def test_train_refuses_what_its_run_does_not_read(
    words: list[str], named: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(tmp_path / "missing.csv"), "--output", str(tmp_path / "run"), *words]) == 2
    message = capsys.readouterr().err
    assert [each for each in named if each not in message] == []


def test_compare_refuses_only_what_none_of_its_strategies_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", str(tmp_path / "missing.csv"), "--output", str(tmp_path / "study")]
    assert main([*words, "--sensitivity", "5"]) == 2
    assert "--sensitivity (5.0) would change nothing" in capsys.readouterr().err
    assert main([*words, "--decay", "0.7", "--switch-at", "3"]) == 2
    assert "missing.csv" in capsys.readouterr().err
    assert main([*words, "--strategies", "single-task", "multi-task", "--task-layer"]) == 2
    assert "(single-task: no auxiliary task is ever on; multi-task: the" in capsys.readouterr().err
    assert main([*words, "--switch-at", "9", "--task-layer"]) == 2
    message = capsys.readouterr().err
    assert "switch: no transition to single-task training within 8 epochs" in message
    assert "missing.csv" in message  # the layer has its transition in diminish


def test_the_defaults_and_what_is_read_pass() -> None:
    for name in ALL_STRATEGIES:
        refuse_unread(StrategyOptions(), ClassifierSettings(), strategies=[name], auxiliaries=[])
    schedule = StrategyOptions(decay={"context": 0.1}, switch_at=3)
    model = ClassifierSettings(gamma=2.0)
    refuse_unread(schedule, model, strategies=["switch", "diminish"], auxiliaries=["misalignment"])
    with pytest.raises(InputError, match="--switch-at"):
        refuse_unread(schedule, model, strategies=["diminish"], auxiliaries=["misalignment"])


def test_what_one_encoder_start_or_set_of_tasks_of_a_comparison_reads_passes() -> None:
    def check(model: ClassifierSettings, auxiliaries: list[str], **others: list[str]) -> None:
        refuse_unread(StrategyOptions(), model, strategies=["diminish"], auxiliaries=auxiliaries, **others)

    check(ClassifierSettings(encoder="mean", pooling="max"), [], encoders=["mean", "cnn"])
    check(ClassifierSettings(start_epochs=9, context_window=3), ["analogy"], embeddings=["random", "glove"])
    check(ClassifierSettings(context_x_max=50, context_negative=3), ["context"], embeddings=["random", "glove"])
    check(ClassifierSettings(context_window=3, context_alpha=0.1), ["context", "analogy"])
    with pytest.raises(InputError, match="--pooling"):
        check(ClassifierSettings(pooling="max"), [], encoders=["mean"])
    check(ClassifierSettings(context_block=4), ["context"])
    with pytest.raises(InputError, match=r"--context-block \(4\) would change nothing"):
        check(ClassifierSettings(context_block=4), ["analogy"])
    with pytest.raises(InputError, match=r"--context-alpha \(0.1\)[^;]*$"):
        check(ClassifierSettings(context_alpha=0.1, context_window=3), [], embeddings=["glove"])


def test_every_option_of_the_strategies_has_its_readers() -> None:
    assert list(READING_STRATEGIES) == [field.name for field in fields(StrategyOptions)]
    assert {name for readers in READING_STRATEGIES.values() for name in readers} <= set(ALL_STRATEGIES)
    assert {task for readers in READING_TASKS.values() for task in readers} <= set(AUXILIARIES)
