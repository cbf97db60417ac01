from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import get_args

import pytest

from mt2st.cli.main import main
from mt2st.cli.options import _options, given
from mt2st.cli.strategy_options import (
    ALL_STRATEGIES,
    EncoderOptions,
    ModelOptions,
    StrategyOptions,
    readers_of_options,
    strategy_options,
    with_strategies,
)
from mt2st.cli.without_effect import READERS, TASK, warn_of_unused
from mt2st.models.groups import AuxiliaryName
from mt2st.models.settings import ModelSettings


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (
            ["--strategy", "switch", "--decay", "0.3", "--sensitivity", "5", "--signal", "gain"],
            ["--decay 0.3 (read by the strategy diminish or", "--sensitivity 5.0", "--signal gain"],
        ),
        (["--word-tasks.gamma", "3"], ["--word-tasks.gamma 3.0 (read by the auxiliary task misalignment)"]),
        (["--plateau-factor", "0.3"], ["--plateau-factor 0.3 (read with --plateau-patience)"]),
        (["--minimum-gain", "0.1"], ["--minimum-gain 0.1 (read by the convergence validation-loss)"]),
        (["--convergence", "never", "--patience", "5"], ["--patience 5"]),
        (["--feedback-every", "3"], ["--feedback-every 3", "adaptive-diminish or adaptive-switch"]),
        (["--strategy", "single-task", "--unit", "step"], ["--unit step"]),
        (
            ["--encoder", "mean", "--hidden-size", "9", "--pooling", "max"],
            ["--hidden-size 9 (read by the encoder bilstm or cnn)", "--pooling max"],
        ),
        (["--init-epochs", "9"], ["--init-epochs 9 (read with --init skipgram or"]),
        (
            ["--auxiliaries", "analogy", "--context.passes", "2", "--context.window", "9"],
            ["--context.passes 2.0 (read by the auxiliary task context)", "--context.window 9"],
        ),
        (["--context.x-max", "50"], ["--context.x-max 50.0 (read by the context method glove)"]),
        (["--context.glove-sample", "1e-4"], ["--context.glove-sample 0.0001 (read by the context method glove)"]),
        (
            ["--context.method", "glove", "--context.negative", "9"],
            ["--context.negative 9 (read by the context method skipgram or cbow"],
        ),
        (
            ["--strategy", "single-task", "--context.block", "4", "--context.window", "9"],
            ["--context.block 4 (read by the auxiliary task context)", "--context.window 9"],
        ),
    ],
)
def test_train_warns_once_of_what_its_run_does_not_read(
    words: list[str], named: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(tmp_path / "missing.csv"), "--output", str(tmp_path / "run"), *words]) == 2
    (warning,) = [line for line in capsys.readouterr().err.splitlines() if "change nothing here" in line]
    assert warning.startswith("mt2st: warning: these options change nothing here: ")
    assert [each for each in named if each not in warning] == []


def test_single_task_training_runs_with_options_of_the_context_task(
    train_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*train_arguments, "--strategy", "single-task", "--context.block", "4"]) == 0
    assert "--context.block 4" in capsys.readouterr().err


def test_compare_warns_only_of_what_none_of_its_strategies_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> str:
        assert main(["compare", str(tmp_path / "missing.csv"), "--output", str(tmp_path / "study"), *words]) == 2
        return capsys.readouterr().err

    assert "--sensitivity 5.0 (read by" in said("--sensitivity", "5")
    assert "change nothing" not in said("--decay", "0.7", "--switch-at", "3")
    nothing = said("--strategies", "single-task", "multi-task", "--transition.task-layer")
    assert "(single-task: no auxiliary task is ever on; multi-task: the" in nothing
    message = said("--switch-at", "9", "--transition.task-layer")
    assert "switch: no transition to single-task training within 8 epochs" in message
    assert "change nothing" not in message  # the layer has its transition in diminish
    assert "--search-epochs 3 (read with --search)" in said("--search-epochs", "3")


@dataclass(frozen=True, kw_only=True)
class Options(ModelOptions):
    schedule: StrategyOptions


def warned(
    capsys: pytest.CaptureFixture[str],
    model: ModelSettings,
    schedule: StrategyOptions | None = None,
    **choices: list[str],
) -> str:
    """Return what is said of a choice of strategies, auxiliaries, encoders and embeddings."""

    groups = {each.name: getattr(model, each.name) for each in fields(model)}
    groups["encoder"] = EncoderOptions(**asdict(model.encoder))
    chosen = {"strategies": ["diminish"], "auxiliaries": [], **choices}
    options = with_strategies(Options, [])(schedule=schedule or strategy_options()(), **groups)
    warn_of_unused(options, model, **chosen)
    return capsys.readouterr().err


def test_the_defaults_and_what_is_read_pass(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ALL_STRATEGIES:
        assert not warned(capsys, ModelSettings(), strategies=[name])
    schedule, model = (
        strategy_options()(decay={"context": 0.1}, switch_at=3),
        ModelSettings().updated(word_tasks__gamma=2.0),
    )
    tasks = ["misalignment"]
    assert not warned(capsys, model, schedule, strategies=["switch", "diminish"], auxiliaries=tasks)
    assert "--switch-at 3" in warned(capsys, model, schedule, auxiliaries=tasks)


def test_what_one_encoder_start_or_set_of_tasks_of_a_comparison_reads_passes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not warned(
        capsys, ModelSettings().updated(encoder__name="mean", encoder__pooling="max"), encoders=["mean", "cnn"]
    )
    starts, glove = ["random", "glove"], ModelSettings().updated(context__x_max=50, context__negative=3)
    assert not warned(capsys, ModelSettings().updated(embedding__init_epochs=9, context__window=3), embeddings=starts)
    assert not warned(capsys, glove, auxiliaries=["context"], embeddings=starts)
    assert not warned(capsys, ModelSettings().updated(context__alpha=0.1), auxiliaries=["context", "analogy"])
    assert "--pooling max" in warned(capsys, ModelSettings().updated(encoder__pooling="max"), encoders=["mean"])
    alpha = warned(capsys, ModelSettings().updated(context__alpha=0.1, context__window=3), embeddings=["glove"])
    assert "--context.alpha 0.1" in alpha
    assert "window" not in alpha


def test_every_option_of_the_strategies_has_its_readers() -> None:
    readers = readers_of_options()
    assert {flag[2:].replace("-", "_") for flag in readers} == {each.name for each in fields(strategy_options())}
    assert readers["--decay"] == ("diminish", "adaptive-diminish")
    assert readers["--switch-at"] == ("switch", "pretrain-finetune")
    assert {task for what, tasks in READERS.values() for task in tasks if what == TASK} <= set(get_args(AuxiliaryName))


def test_every_name_of_the_tables_is_an_option() -> None:
    flags = {each.flag for each in _options(Options)}
    assert set(READERS) <= flags
    assert given(strategy_options()(decay=0.1)) == {"--decay": 0.1}
