from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mt2st import TextClassifier
from mt2st.cli.data_options import DataOptions
from mt2st.cli.main import main
from mt2st.cli.options import _options
from mt2st.cli.strategy_options import with_strategies
from mt2st.cli.train import TrainOptions
from mt2st.tasks.batch import infer_rows
from tests.cli.conftest import FAST, run_until, write_reviews


def test_a_run_leaves_model_metrics_and_report(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(train_arguments) == 0
    printed = capsys.readouterr()
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == {"model", "metrics.jsonl", "report.json", "report.html", ".mt2st.json"}
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert set(report["metrics"]) == {"validation", "test"}
    assert f"{100 * report['metrics']['test']['accuracy']:.1f} %" in printed.out
    assert "epoch 2" in printed.err
    assert "epoch" not in printed.out  # results to stdout, progress to stderr
    card = (tmp_path / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert "reviews.csv" in card
    assert "vector_size | `8`" in card


def test_an_earlier_run_is_replaced_only_when_asked(train_arguments: list[str], tmp_path: Path) -> None:
    assert main(train_arguments) == 0
    before = (tmp_path / "run" / "model" / "config.json").read_text(encoding="utf-8")
    assert main(train_arguments) == 2
    assert (tmp_path / "run" / "model" / "config.json").read_text(encoding="utf-8") == before
    assert main([*train_arguments, "--overwrite", "--seed", "7"]) == 0
    assert TextClassifier.load(tmp_path / "run" / "model").seed == 7


def test_without_an_output_the_run_is_in_a_folder_of_the_programs_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "data.csv", header=("text", "label"))
    assert main(["train", "data.csv", *FAST]) == 0
    assert TextClassifier.load("mt2st-run/model").classes_.tolist() == ["neg", "pos"]
    assert main(["train", "data.csv", *FAST]) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message == "mt2st: mt2st-run is not empty: replace it by --overwrite, or choose another by --output"


def test_the_test_part_is_predicted_once(train_arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counting(*arguments: Any, n_rows: int, **options: Any) -> Any:
        read.append(n_rows)
        return infer_rows(*arguments, n_rows=n_rows, **options)

    monkeypatch.setattr("mt2st.tasks.classification.infer_rows", counting)
    assert main([*train_arguments, "--test", "0.25", "--validation", "0.4"]) == 0
    assert read == [18, 18, 18, 15]  # the validation part after two epochs and for the ensemble, then the test part


def test_files_can_be_given_for_validation_and_test(reviews: Path, tmp_path: Path) -> None:
    validation, test = write_reviews(tmp_path / "v.csv", 20), write_reviews(tmp_path / "t.csv", 30)
    arguments = ["train", str(reviews), "--text", "review", "--label", "sentiment", "--output", str(tmp_path / "run")]
    assert main([*arguments, *FAST, "--validation", str(validation), "--test", str(test)]) == 0
    card = (tmp_path / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert "60 labelled texts to learn from" in card
    assert "20 labelled texts to choose by" in card
    assert "30 labelled texts for the report" in card


def test_without_a_test_part_the_report_has_none(train_arguments: list[str], tmp_path: Path) -> None:
    assert main([*train_arguments, "--test", "0"]) == 0
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert set(report["metrics"]) == {"validation"}


def test_unlabelled_text_joins_the_vocabulary(train_arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("an unheard word\n", encoding="utf-8")
    assert main([*train_arguments, "--unlabelled", str(tmp_path / "more.txt")]) == 0
    assert "unheard" in TextClassifier.load(tmp_path / "run" / "model").word_vectors


def test_train_size_takes_the_labels_of_the_others_away(train_arguments: list[str], tmp_path: Path) -> None:
    assert main([*train_arguments, "--train-size", "10"]) == 0
    card = (tmp_path / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert "10 labelled texts to learn from" in card
    assert "texts of the same source without their labels" in card


def test_settings_come_from_a_file_and_the_command_line_goes_before_it(reviews: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f"output = '{tmp_path / 'run'}'\nstrategy = 'switch'\nauxiliaries = ['context']\n[schedule]\nswitch_at = 2\n"
        f"[source]\ndata = '{reviews}'\ntext = 'review'\nlabel = 'sentiment'\n"
        "[encoder]\nname = 'mean'\n[embedding]\nvector_size = 6\n[optimisation]\nepochs = 1\n[text]\nmin_count = 1\n"
        "[compute]\nparallel_context = false\n",
        encoding="utf-8",
    )
    assert main(["train", "--config", str(settings), "--vector-size", "5"]) == 0
    config = json.loads((tmp_path / "run" / "model" / "config.json").read_text(encoding="utf-8"))
    assert config["settings"]["embedding"]["vector_size"] == 5
    assert config["settings"]["optimisation"]["epochs"] == 1
    assert config["strategy"]["strategy"] == "switch"
    assert config["strategy"]["settings"]["at"] == 2


def test_all_errors_of_a_settings_file_come_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "schedule = 3\n[encodr]\nname = 'mean'\n[optimisation]\nepochs = 'many'\n[source]\ntext = 3\ndata = ['x']\n",
        encoding="utf-8",
    )
    assert main(["train", f"--config={settings}"]) == 2
    message = capsys.readouterr().err
    assert "encodr: unknown key, found {'name': 'mean'}. Did you mean 'encoder'?" in message
    assert "optimisation.epochs" in message
    assert "'many'" in message
    assert "source.data" in message
    assert "schedule: must be a section [schedule], found 3" in message


def test_the_errors_of_the_strategy_come_with_the_others(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "strategy = 'switch'\nauxiliaries = 3\n[optimisation]\nepochs = -1\n[schedule]\nswitch_at = -3\n",
        encoding="utf-8",
    )
    assert main(["train", "--config", str(settings)]) == 2
    message = capsys.readouterr().err
    assert "optimisation.epochs: " in message
    assert f"{settings}: schedule.switch_at must be a whole number of at least 1, found -3" in message
    assert main([*train_arguments, "--epochs", "0", "--decay", "-1"]) == 2
    message = capsys.readouterr().err
    assert "--epochs: should be greater than or equal to 1, found 0" in message
    assert "--decay must be" in message


@pytest.mark.parametrize("value", ["-1", "1e20", "1e39"])
@pytest.mark.parametrize(
    "option",
    ["--context.alpha", "--context.min-alpha", "--context.passes", "--context.x-max", "--context.memory",
     "--learning-rate", "--embedding-learning-rate", "--head-learning-rate", "--weight-decay", "--clip-norm",
     "--tolerance", "--minimum-gain", "--probe-head", "--freeze-threshold", "--gamma", "--analogy-temperature",
     "--spearman-softness", "--dropout", "--decay", "--initial"],
)  # fmt: skip
def test_numbers_have_bounds_on_both_sides(
    option: str, value: str, train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [each.flag for each in _options(with_strategies(TrainOptions, []))]
    flag = next(each for each in flags if each == option or each.endswith(f".{option[2:]}"))
    assert main([*train_arguments, f"{flag}={value}"]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    assert len(errors) == 1
    assert flag in errors[0]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", ["x = " + "[" * 20_000, "x = 1" + "0" * 5_000, "\xff", "[source]\ndata = nan"])
def test_a_settings_file_of_strange_values_is_an_error_of_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(content, encoding="latin-1")
    assert main(["train", "--config", str(settings)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_files_of_a_setting_may_be_given_beside_the_settings_file(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("auxiliaries = ['spearman']\n", encoding="utf-8")
    similar = tmp_path / "similar.txt"
    assert main([*train_arguments, "--config", str(settings), "--auxiliary-data.similarity", str(similar)]) == 2
    assert "similar.txt" in capsys.readouterr().err  # and not that spearman needs a file


@pytest.mark.parametrize("content", ["[model", None])
def test_a_settings_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    if content is not None:
        settings.write_text(content, encoding="utf-8")
    assert main(["train", "--config", str(settings)]) == 2
    assert str(settings) in capsys.readouterr().err


@pytest.fixture
def model(train_arguments: list[str], tmp_path: Path) -> Path:
    assert main(train_arguments) == 0
    return tmp_path / "run" / "model"


def test_predict_prints_a_row_a_text(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["predict", str(model), "a warm film", "a dull film"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 2
    for row in rows:
        assert set(row) == {"label", "p_neg", "p_pos"}
        assert float(row["p_neg"]) + float(row["p_pos"]) == pytest.approx(1, abs=1e-5)
        assert row["label"] == ("pos" if float(row["p_pos"]) > float(row["p_neg"]) else "neg")


def test_predict_streams_a_file_and_keeps_its_rows_aligned(
    model: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "review,x\n" + "".join(f"a warm film {number},0\n" if number % 3 else ",0\n" for number in range(3000))
    (tmp_path / "many.csv").write_text(rows, encoding="utf-8")
    out = tmp_path / "out.jsonl"
    command = ["predict", str(model), "--file", str(tmp_path / "many.csv"), "--text", "review", "--format", "jsonl"]
    assert main([*command, "--output", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 3000
    assert lines[0]["probabilities"] == lines[3]["probabilities"]  # the empty ones
    assert main([*command, "--output", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "give texts"),
        (["a", "--file", "x.csv"], "found texts and --file x.csv: give one of them"),
        (["--file", "missing.csv"], "missing.csv"),
    ],
)
def test_predict_says_what_is_missing(
    model: Path, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["predict", str(model), *arguments]) == 2
    printed = capsys.readouterr()
    assert expected in printed.err
    assert printed.out == ""


def test_predict_takes_the_folder_of_a_run(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(model.parent), "text"]) == 0
    of_run = capsys.readouterr().out
    assert main(["predict", str(model), "text"]) == 0
    assert capsys.readouterr().out == of_run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_a_checkpoint_and_goes_on_from_it(
    train_arguments: list[str], tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", "import sys; from mt2st.cli.main import main; sys.exit(main(sys.argv[1:]))"]
    arguments = [*train_arguments, "--epochs", "3000", "--tolerance", "1e-30"]
    process = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "epoch 3," in line:
                break
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert "--resume" in errors
    assert (tmp_path / "run" / "checkpoint" / "training" / "manifest.json").is_file()
    assert not (tmp_path / "run" / "model").exists()
    assert main([*arguments, "--resume", "--seed", "2"]) == 2  # not with other settings
    process = subprocess.Popen([*command, *arguments, "--resume"], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        first = next(line for line in process.stderr if " epoch " in line)
        process.send_signal(number)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert int(first.split("epoch ")[1].split(",")[0]) >= 4


def test_a_signal_that_comes_twice_in_a_moment_counts_once(train_arguments: list[str], tmp_path: Path) -> None:
    arguments = [*train_arguments, "--epochs", "3000", "--tolerance", "1e-30"]
    assert run_until("epoch 3,", signal.SIGINT, arguments, times=2)[0] == 130
    assert (tmp_path / "run" / "checkpoint" / "training" / "manifest.json").is_file()


def test_a_run_that_goes_on_with_other_data_names_the_option(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*train_arguments, "--epochs", "3000", "--tolerance", "1e-30"]
    assert run_until("epoch 3,", signal.SIGINT, arguments)[0] == 130
    assert main([*arguments, "--resume", "--split-seed", "3"]) == 2
    assert "is of another run: --split-seed was 0 there and is 3 now" in capsys.readouterr().err


def test_texts_that_two_parts_share_are_counted(
    train_arguments: list[str], reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    switch = ["--strategy", "switch", "--switch-at", "2"]
    assert main([*train_arguments, *switch, "--validation", str(reviews), "--test", str(reviews)]) == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    advice = ", so measures on them are too high: leave them out of one of the two"
    assert warnings == [
        "mt2st: warning: 60 of 60 validation texts are also in the training part" + advice,
        "mt2st: warning: 60 of 60 test texts are also in the training part" + advice,
        "mt2st: warning: 60 of 60 test texts are also in the validation part" + advice,
    ]


def test_parts_that_share_nothing_give_no_warning(
    train_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*train_arguments, "--strategy", "switch", "--switch-at", "2"]) == 0
    assert "warning" not in capsys.readouterr().err


def test_a_resumed_run_has_each_epoch_once_in_its_log(train_arguments: list[str], tmp_path: Path) -> None:
    arguments = [*train_arguments, "--epochs", "300", "--tolerance", "1e-30"]
    assert run_until("epoch 9,", signal.SIGINT, arguments)[0] == 130
    with (tmp_path / "run" / "metrics.jsonl").open("a", encoding="utf-8") as log:  # of a time that was lost
        log.write('{"event": "evaluation", "epoch": 299, "step": 99999}\n{"event": "evalu')
    assert main([*arguments, "--resume"]) == 0
    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [each["epoch"] for each in records if each["event"] == "evaluation"] == list(range(1, 301))


def test_a_diverged_training_is_an_error_that_says_what_to_do(
    train_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rates = ["--learning-rate", "1e12", "--embedding-learning-rate", "1e12"]
    assert main([*train_arguments, *rates, "--epochs", "50"]) == 2
    assert "the training has diverged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "rate"),
    [
        (["--context.alpha", "100"], "'context': "),
        (["--context.method", "cbow", "--context.alpha", "100"], "'context': "),
        (["--context.method", "glove", "--context.alpha", "100"], "'context': 100.0"),
        (["--embedding-learning-rate", "1000"], "'embedding': 1000.0"),
    ],
)
def test_a_context_task_that_diverges_ends_the_training_with_task_step_and_rate(
    options: list[str], rate: str, train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*train_arguments, *options]) == 2
    (line,) = [each for each in capsys.readouterr().err.splitlines() if "has diverged" in each]
    assert re.search(r"the loss of 'context' is .* in step \d+ \(epoch \d\); choose smaller learning rates", line), line
    assert rate in line
    assert not (tmp_path / "run" / "model").exists()


def test_a_context_task_that_diverges_on_a_few_words_shows_it_though_their_mean_loss_is_mostly_that_of_the_start(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_reviews(tmp_path / "reviews.csv", 30)
    assert main([*train_arguments, "--context.alpha", "10"]) == 2
    assert re.search(r"the loss of 'context' is .* on average, above", capsys.readouterr().err)
    assert main([*train_arguments, "--context.alpha", "1", "--overwrite"]) == 0


@pytest.mark.filterwarnings("always::mt2st.errors.DivergenceWarning")
def test_a_run_that_diverges_goes_on_with_half_the_rates_if_it_is_told_to(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*train_arguments, "--context.alpha", "20", "--no-parallel-context", "--no-final-fit"]
    assert main(arguments) == 2
    assert main([*arguments, "--overwrite", "--on-divergence", "halve"]) == 0
    told = [each for each in capsys.readouterr().err.splitlines() if "back to step 0, with half the rate of" in each]
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert len(report["halvings"]) == len(set(told)) > 0
    assert TextClassifier.load(tmp_path / "run").run_.halvings[0].halved == ["context"]


def test_a_run_may_be_resumed_to_halve_its_rates(train_arguments: list[str]) -> None:
    arguments = [*train_arguments, "--epochs", "60", "--tolerance", "1e-30"]
    assert run_until("epoch 3,", signal.SIGINT, arguments)[0] == 130
    assert main([*arguments, "--resume", "--on-divergence", "halve"]) == 0


def test_a_resumed_run_replaces_the_model_that_it_was_told_to_replace(
    train_arguments: list[str], tmp_path: Path
) -> None:
    assert main(train_arguments) == 0
    arguments = [*train_arguments, "--epochs", "200", "--tolerance", "1e-30"]
    assert run_until("epoch 3,", signal.SIGINT, [*arguments, "--overwrite"])[0] == 130
    assert (
        TextClassifier.load(tmp_path / "run" / "model").settings_.optimisation.epochs == 2
    )  # the earlier model stays until then
    assert main([*arguments, "--resume"]) == 0
    assert TextClassifier.load(tmp_path / "run" / "model").settings_.optimisation.epochs == 200


def test_a_signal_that_was_turned_off_stays_off(train_arguments: list[str], tmp_path: Path) -> None:
    assert run_until("epoch 1,", signal.SIGINT, train_arguments, ignoring=True)[0] == 0
    assert (tmp_path / "run" / "model").is_dir()


def test_a_file_that_cannot_be_read_gives_an_error_and_no_header(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.csv").write_text("review\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", str(model), "--file", str(tmp_path / "bad.csv")]) == 2
    printed = capsys.readouterr()
    assert "bad.csv" in printed.err
    assert printed.out == ""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody can write to")
@pytest.mark.parametrize("command", ["train", "compare"])
def test_a_place_that_cannot_be_written_is_refused_before_the_data_are_read(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "missing.csv", "--output", "/proc/run"]) == 2
    assert "--output /proc/run cannot be made" in capsys.readouterr().err


def test_a_metric_that_is_not_there_is_named_with_the_option(
    train_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*train_arguments, "--monitor", "acc"]) == 2
    assert "mt2st: --monitor names the metric 'acc'" in capsys.readouterr().err


@pytest.mark.parametrize(("validation", "split"), [("0.2", True), ("validation.csv", False), ("hf:owner/name", False)])
def test_only_texts_that_are_split_off_are_learned_from_in_the_end(validation: str, split: bool) -> None:
    assert DataOptions("data.csv", validation=validation).splits_validation == split
