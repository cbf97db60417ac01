"""The options of the transition on the command line and in a settings file."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mt2st import TextClassifier
from mt2st.cli.main import main
from mt2st.training import load_freezes
from tests.cli.conftest import run_until

OPTIONS = [
    "--epochs",
    "5",
    "--strategy",
    "switch",
    "--switch-at",
    "3",
    "--warmup-steps",
    "4",
    "embedding=0",
    "--plateau-patience",
    "2",
    "--plateau-factor",
    "0.5",
    "heads=1",
    "--transition.rate",
    "embedding=drop",
    "rewarm",
    "--head-learning-rate",
    "0.01",
    "--transition.freeze-fraction",
    "0.5",
    "--transition.freeze-over",
    "2",
    "--transition.task-layer",
    "--transition.probe-head",
    "0.1",
    "--transition.probe-texts",
    "10",
    "--convergence",
    "validation-loss",
    "--patience",
    "9",
    "--average",
    "0",
]


def records(run: Path, event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["event"] == event]


def code_of(arguments: list[str]) -> object:
    """Run a command and return its exit code, whether it returns it or ends with it."""
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code


def test_every_option_of_the_transition_reaches_the_run(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*train_arguments, *OPTIONS]) == 0
    run = tmp_path / "run"
    assert {path.name for path in run.iterdir()} == {
        ".mt2st.json", "model", "metrics.jsonl", "report.json", "report.html",
        "frozen_dimensions.json", "frozen_dimensions.png",
    }  # fmt: skip
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    freezes = load_freezes(run / "frozen_dimensions.json")
    assert [(each.epoch, len(each.dimensions), len(each.relevance)) for each in freezes] == [(3, 2, 8), (4, 2, 8)]
    assert report["frozen_dimensions"] == 4
    assert report["transition_step"] == freezes[0].step
    (probe,) = records(tmp_path / "run", "probe")
    assert probe["step"] == freezes[0].step
    assert f"the head was fitted by a linear probe before step {probe['step']}, on 10 texts" in capsys.readouterr().err
    rates = [each["learning_rates"] for each in records(run, "evaluation")]
    embedding = [each["embedding"] for each in rates]  # type: ignore[index]
    assert embedding[2] == pytest.approx(embedding[0] / 10)
    assert [each["heads"] for each in rates][1] == 0.01  # type: ignore[index]
    model = TextClassifier.load(run / "model")
    assert model.run_.freezes == freezes
    assert model.transition.task_layer
    assert "heads.primary.0.up.weight" in load_file(run / "model" / "model.safetensors")
    assert bool(load_file(run / "model" / "model.safetensors")["heads.primary.0.active"])
    assert (report["kept_single_task"], report["frozen_dimensions_kept"]) == (True, len(model.run_.kept_frozen))
    assert json.loads((run / "frozen_dimensions.json").read_text(encoding="utf-8"))["kept"] == model.run_.kept_frozen
    card = (run / "model" / "README.md").read_text(encoding="utf-8")
    assert "They are from after the transition to single-task training." in card
    assert f"frozen in the run, {len(model.run_.kept_frozen)} were frozen by then" in card


def test_a_settings_file_says_the_same(train_arguments: list[str], tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "strategy = 'switch'\n[schedule]\nswitch_at = 3\n[optimisation]\nepochs = 5\nplateau_patience = 2\n"
        "warmup_steps = { others = 4, embedding = 0 }\nplateau_factor = { others = 0.5, heads = 1 }\n"
        "head_learning_rate = 0.01\nconvergence = 'validation-loss'\npatience = 9\naverage = 0\n"
        "[transition]\nrate = { embedding = 'drop', others = 'rewarm' }\n"
        "freeze_fraction = 0.5\nfreeze_over = 2\ntask_layer = true\nprobe_head = 0.1\nprobe_texts = 10\n",
        encoding="utf-8",
    )
    assert main([*train_arguments, *OPTIONS]) == 0
    by_words = load_file(tmp_path / "run" / "model" / "model.safetensors")
    fast = [word for word in train_arguments if word not in ("--epochs", "2")]
    assert main([*fast, "--config", str(settings), "--overwrite"]) == 0
    by_file = load_file(tmp_path / "run" / "model" / "model.safetensors")
    assert all(torch.equal(by_file[name], value) for name, value in by_words.items())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--warmup-steps", "2.5"], "--warmup-steps: '2.5' is neither a whole number nor NAME=NUMBER"),
        (["--warmup-steps", "3", "4"], "--warmup-steps: '4' gives a second whole number for others"),
        (["--warmup-steps"], "--warmup-steps: give a whole number, or NAME=NUMBER"),
        (
            ["--plateau-factor", "head=0.5"],
            "or 'others', found 'head'. Did you mean 'heads'?",
        ),
        (["--transition.rate", "heads=stop"], "transition.rate: should be 'keep', 'rewarm' or 'drop', found 'stop'"),
        (
            ["--transition.rate", "rewarm"],
            "--transition.rate is 'rewarm' for embedding, but --warmup",
        ),
        (
            ["--transition.freeze-fraction", "2"],
            "--transition.freeze-fraction: should be less than or equal to 1, found 2.0",
        ),
        (
            ["--transition.freeze-relevance", "saliency"],
            "freeze-relevance is 'saliency', but nothing is to be",
        ),
        (
            ["--transition.freeze-fraction", "0.5", "--transition.freeze-from", "9"],
            "--transition.freeze-from is 9, but there are 8 epochs: nothing would",
        ),
        (
            [
                "--strategy",
                "multi-task",
                "--transition.task-layer",
                "--transition.freeze-fraction",
                "0.5",
                "--transition.probe-head",
                "0.1",
            ],
            "warning: 'transition.freeze_fraction', 'transition.task_layer', 'transition.probe_head' change nothing "
            "here: they act at the transition, "
            "which does not come within 8 epochs (multi-task: the auxiliary tasks stay on for ever)",
        ),
        (
            ["--negligible", "0.01", "--transition.task-layer"],
            "(diminish: the last auxiliary task goes off at epoch 10, and the training ends with epoch 8",
        ),
        (["--strategy", "single-task", "--transition.rate", "drop"], "(single-task: no auxiliary task is ever on)"),
        (["--convergence", "validation"], "--convergence is one of"),
    ],
)
def test_what_cannot_be_used_is_named_before_anything_is_read(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(tmp_path / "missing.csv"), "--output", str(tmp_path / "run"), *words]
    assert code_of(arguments) == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not (tmp_path / "run").exists()


def test_a_wrong_value_in_a_settings_file_has_its_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "[optimisation]\nwarmup_steps = 2.5\nplateau_factor = { heads = 3 }\n[transition]\nfreeze_which = 'last'\n",
        encoding="utf-8",
    )
    assert main(["train", "--config", str(settings)]) == 2
    printed = capsys.readouterr().err
    assert "optimisation.warmup_steps" in printed
    assert "should be less than or equal to 1, found 3" in printed
    assert "transition.freeze_which: Input should be 'least' or 'most', found 'last'" in printed


def test_options_that_found_no_transition_are_named(
    train_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--strategy",
        "adaptive-switch",
        "--switch-earliest",
        "9",
        "--transition.task-layer",
        "--transition.freeze-fraction",
        "0.5",
    ]
    assert main([*train_arguments, *words]) == 0
    assert (
        "no transition to single-task training took place: "
        "'transition.freeze_fraction', 'transition.task_layer' changed nothing" in capsys.readouterr().err
    )


def test_a_transition_that_does_not_come_is_said_before_the_training(
    train_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(train_arguments) == 0
    first, *others = capsys.readouterr().err.splitlines()
    assert not any("no transition" in line for line in others), "it is said once"
    assert first == (
        "mt2st: warning: diminish: no transition to single-task training within 2 epochs: the last auxiliary task goes "
        "off at epoch 6, and the training ends with epoch 2: train for longer, or choose a faster schedule"
    )


def test_a_schedule_in_steps_is_measured_by_the_steps_that_there_are(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*train_arguments, "--strategy", "switch", "--unit", "step", "--transition.task-layer"]
    assert main([*words, "--switch-at", "7"]) == 0  # 38 texts make 3 steps an epoch
    assert (
        "within 2 epochs (switch: the last auxiliary task goes off at step 7, and the training ends with step 6: train"
        in capsys.readouterr().err
    )
    assert main([*words, "--switch-at", "6", "--overwrite"]) == 0
    assert "change nothing" not in capsys.readouterr().err


def test_a_run_that_ends_by_itself_says_why(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--epochs", "9", "--convergence", "validation-loss", "--minimum-gain", "9", "--patience", "1"]
    assert main([*train_arguments, *words]) == 0
    assert "the run ended by itself: the validation loss has not come past" in capsys.readouterr().err
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert (report["stopped"], len(records(tmp_path / "run", "evaluation"))) == ("converged", 2)
    assert report["cause"].startswith("the validation loss")


def test_an_earlier_runs_frozen_dimensions_do_not_stay(train_arguments: list[str], tmp_path: Path) -> None:
    assert main([*train_arguments, *OPTIONS]) == 0
    assert main([*train_arguments, "--overwrite"]) == 0
    assert not list((tmp_path / "run").glob("frozen*"))


def test_an_interrupted_run_goes_on_to_the_very_same_model(train_arguments: list[str], tmp_path: Path) -> None:
    words = [*OPTIONS, "--epochs", "60", "--switch-at", "20", "--transition.freeze-over", "30", "--patience", "99"]
    words += ["--context.passes", "1"]
    assert run_until("epoch 25,", signal.SIGINT, [*train_arguments, *words])[0] == 130
    assert main([*train_arguments, *words, "--resume"]) == 0
    resumed, freezes = (tmp_path / "run" / each for each in ("model/model.safetensors", "frozen_dimensions.json"))
    parameters, frozen = load_file(resumed), freezes.read_bytes()
    assert main([*train_arguments, *words, "--overwrite"]) == 0
    assert all(torch.equal(parameters[name], value) for name, value in load_file(resumed).items())
    assert frozen == freezes.read_bytes()


def test_compare_takes_the_options(reviews: Path, tmp_path: Path) -> None:
    words = ["--epochs", "3", "--switch-at", "2", "--transition.freeze-fraction", "0.25", "--transition.rate", "drop"]
    arguments = ["compare", str(reviews), "--text", "review", "--label", "sentiment", "--output", str(tmp_path / "s")]
    fast = [
        "--encoder",
        "mean",
        "--vector-size",
        "8",
        "--min-count",
        "1",
        "--no-parallel-context",
        "--strategies",
        "switch",
    ]
    assert main([*arguments, *fast, *words, "--seeds", "1"]) == 0
    run = TextClassifier.load(tmp_path / "s" / "switch-seed1" / "model").run_
    assert [len(freeze.dimensions) for freeze in run.freezes] == [2]
    assert run.evaluations[1].learning_rates["heads"] == pytest.approx(run.evaluations[0].learning_rates["heads"] / 10)
