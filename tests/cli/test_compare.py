from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mt2st._lock import cell_lock
from mt2st.cli.main import main
from mt2st.cli.run_folder import check_output
from mt2st.cli.strategy_options import strategy_options
from mt2st.cli.study_runs import StudyProgress, with_earlier
from mt2st.strategy import (
    DWA,
    MGDA,
    Bloop,
    CAGrad,
    GradientCosine,
    PCGrad,
    PretrainFinetune,
    UncertaintyWeighting,
)
from mt2st.study import Study
from tests.cli.conftest import FAST, run_until, table_of, write_reviews
from tests.cli.test_tagging import write_tagged
from tests.study.results import with_scores


@pytest.fixture
def arguments(reviews: Path, tmp_path: Path) -> list[str]:
    return ["compare", str(reviews), "--text", "review", "--label", "sentiment", "--output", str(tmp_path / "study"),
            "--seeds", "1", "2", *FAST]  # fmt: skip


def test_the_table_has_a_row_a_strategy_with_its_number_of_seeds(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    header, rows = table_of(capsys.readouterr().out)
    assert header.startswith("strategy  seeds  accuracy")
    assert [row.split()[:2] for row in rows] == [
        ["single-task", "2"], ["multi-task", "2"], ["diminish", "2"], ["switch", "2"]
    ]  # fmt: skip
    assert len(list((tmp_path / "study").glob("*/result.json"))) == 8


def test_finished_cells_are_not_run_again(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    table = capsys.readouterr().out
    result = tmp_path / "study" / "switch-seed2" / "result.json"
    before = result.stat().st_mtime_ns
    assert main(arguments) == 0
    assert result.stat().st_mtime_ns == before
    assert capsys.readouterr().out == table


def test_a_study_of_other_settings_is_not_mixed_in(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert main([*arguments, "--epochs", "3"]) == 2
    assert "result of other settings (--epochs is 2 there and 3 here)" in capsys.readouterr().err


def test_other_strategies_are_added_to_the_same_experiment_alone(
    arguments: list[str], reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--strategies", "single-task"]) == 0
    more = [*arguments, "--strategies", "multi-task"]
    other = write_reviews(tmp_path / "other.csv", rows=80)
    for changed, message in (
        (
            [*more, "--epochs", "3"],
            "other settings (--epochs is 2 there and 3 here), and runs of both would stand",
        ),
        ([str(other) if word == str(reviews) else word for word in more], "is the result of other data, and runs of"),
    ):
        assert main(changed) == 2
        said = capsys.readouterr().err
        assert f"{tmp_path / 'study'} holds another experiment: " in said
        assert message in said
    assert not (tmp_path / "study" / "multi-task-seed1").exists()
    assert main([*more, "--encoders", "mean", "cnn", "--hidden-size", "128", "--seeds", "1"]) == 0
    assert main(["report", str(tmp_path / "study")]) == 0
    assert "cnn" in (tmp_path / "study" / "tables" / "results.txt").read_text(encoding="utf-8")


def test_a_result_that_was_cut_off_is_named_and_what_to_do(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments += ["--strategies", "single-task"]
    assert main(arguments) == 0
    capsys.readouterr()
    result = tmp_path / "study" / "single-task-seed1" / "result.json"
    result.write_bytes(result.read_bytes()[:100])
    assert main(["report", str(tmp_path / "study")]) == 2
    assert f"mt2st: {result} is not the result of a cell" in capsys.readouterr().err
    assert main(arguments) == 2
    assert f"delete {result.parent} to run the cell again" in capsys.readouterr().err
    shutil.rmtree(result.parent)
    assert main(arguments) == 0
    assert "\n2 of 2: single-task, seed 1: " in capsys.readouterr().err
    assert main(["report", str(tmp_path / "study")]) == 0


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--strategies", "swich"], "Did you mean 'switch'?"),
        (["--seeds", "1", "1"], "the seeds must differ"),
        (["--test", "0"], "needs a test part"),
        (["--jobs", "0"], "--jobs must be at least 1"),
        (["--cell", "4/3"], "--cell takes a share such as 3/8, the third of eight, one of 1/n to n/n, found '4/3'"),
        (["--cell", "one"], "--cell takes a share such as 3/8"),
        (["--encoders", "men"], "Did you mean 'mean'?"),
        (["--auxiliary-sets", "context+analogi"], "Did you mean 'analogy'?"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    arguments: list[str], more: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, *more]) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_other_unlabelled_text_makes_another_study(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = tmp_path / "more.txt"
    more.write_text("a film\n", encoding="utf-8")
    arguments += ["--strategies", "switch", "--unlabelled", str(more)]
    assert main(arguments) == 0
    more.write_text("a longer film\n", encoding="utf-8")
    assert main(arguments) == 2
    assert "result of other data" in capsys.readouterr().err


def test_a_place_that_is_no_studys_is_refused_before_anything_is_trained(
    arguments: list[str], reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "thesis.doc").touch()
    assert main(arguments) == 2
    assert "thesis.doc" in capsys.readouterr().err
    assert main([*arguments, "--output", str(reviews)]) == 2
    assert "is a file" in capsys.readouterr().err
    assert (tmp_path / "study" / "thesis.doc").exists()


def test_figures_of_the_user_are_no_study_s(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "study" / "figures" / "mine.svg"
    own.parent.mkdir(parents=True)
    own.touch()
    assert main(arguments) == 2
    assert "holds files that are no study's (figures)" in capsys.readouterr().err
    assert own.is_file()


def test_a_study_on_a_full_disk_is_no_fault_of_the_program(
    arguments: list[str], small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments += ["--strategies", "single-task", "--vector-size", "20000", "--output", str(small_disk / "study")]
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert "No space left on device" in printed
    assert "error.json" not in printed
    assert "Traceback" not in printed


def test_a_link_that_leads_nowhere_is_refused(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study").symlink_to("nowhere")
    assert main(arguments) == 2
    assert "is a symbolic link that leads nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(("inside", "output"), [("", "."), ("vectors", "..")])
def test_a_study_may_be_in_the_current_folder(
    inside: str,
    output: str,
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = tmp_path / "study"
    (study / inside).mkdir(parents=True)
    monkeypatch.chdir(study / inside)
    arguments = [*arguments, "--strategies", "single-task", "--seeds", "1", "--output", output]
    assert main(arguments) == 0
    result = study / "single-task-seed1" / "result.json"
    before = result.read_bytes()
    assert main(arguments) == 0
    assert result.read_bytes() == before


def test_the_other_runs_of_a_folder_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *gone = with_scores("switch", [0.5, 0.6, 0.7, 0.8])
    for result in (first, second):
        (tmp_path / f"switch-seed{result.seed}").mkdir()
        result.write(tmp_path / f"switch-seed{result.seed}")
    with_earlier(Study([first, *gone]), tmp_path)
    assert "with 1 other run of this study" in capsys.readouterr().err
    with_earlier(Study([first, second, *gone]), tmp_path)
    assert not capsys.readouterr().err


def test_a_study_grows_by_seeds_and_its_table_has_all_of_them(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments += ["--strategies", "single-task"]
    assert main(arguments) == 0
    assert main([*arguments, "--seeds", "3"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].split()[:2] == ["single-task", "3"]
    assert "with 2 other runs of this study, which earlier commands left in" in printed.err
    assert "Earlier ones" in (tmp_path / "study" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("left", [".mt2st-x1y2z3w4"])
def test_what_a_killed_run_left_half_written_is_in_nobodys_way(left: str, tmp_path: Path) -> None:
    (tmp_path / left).mkdir()
    check_output(tmp_path)


def test_embeddings_encoders_and_auxiliary_tasks_are_compared_in_shares(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments += ["--strategies", "single-task", "switch", "--seeds", "1", "--encoders", "mean", "cnn"]
    arguments += ["--auxiliary-sets", "context", "none", "--hidden-size", "4"]
    assert main([*arguments, "--cell", "1/2"]) == 0
    printed = capsys.readouterr()
    assert not printed.out
    assert "3 of 6 runs are finished" in printed.err
    assert main([*arguments, "--cell", "2/2"]) == 0
    table = capsys.readouterr().out
    assert main(arguments) == 0
    assert capsys.readouterr().out == table
    assert (tmp_path / "study" / "switch.auxiliary=none.encoder=cnn-seed1" / "result.json").is_file()
    assert [line.split()[:4] for line in table_of(table)[1]] == [
        ["single-task", "mean", "context", "1"],
        ["switch", "mean", "context", "1"],
        ["switch", "mean", "none", "1"],
        ["single-task", "cnn", "context", "1"],
        ["switch", "cnn", "context", "1"],
        ["switch", "cnn", "none", "1"],
    ]


def test_a_failed_run_is_told_with_the_table_of_the_others(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "words.vec").write_text("1 3\nfilm 1 2 3\n", encoding="utf-8")
    arguments += ["--strategies", "single-task", "--embeddings", "random", str(tmp_path / "words.vec")]
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 3
    assert "its vectors have 3 dimensions, but vector_size is 8" in printed.err
    assert "(2 failed: single-task, embedding" in printed.err


@pytest.mark.parametrize("jobs", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_waiting_for_another_process_ends_by_a_signal(jobs: str, arguments: list[str], tmp_path: Path) -> None:
    arguments = [*arguments, "--strategies", "single-task", "--jobs", jobs]
    with cell_lock(tmp_path / "study" / "single-task-seed1"):
        code, last = run_until("warning: another process works on single-task, seed 1", signal.SIGTERM, arguments)
    assert code == 143
    assert "1 finished run in" in last or last == "mt2st: ended by signal 15\n"
    assert (tmp_path / "study" / "single-task-seed2" / "result.json").is_file()


@pytest.mark.slow
def test_the_same_command_given_twice_does_each_run_once(arguments: list[str], tmp_path: Path) -> None:
    arguments = [*arguments, "--strategies", "single-task", "switch", "--seeds", "1", "2", "3", "--epochs", "150"]
    arguments += ["--tolerance", "1e-30"]
    code = "import sys; from mt2st.cli.main import main; sys.exit(main(sys.argv[1:]))"
    files = [tmp_path / "one.log", tmp_path / "other.log"]
    processes = []
    for path in files:
        with path.open("w") as file:
            processes.append(subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=file, stderr=file))
    assert [each.wait() for each in processes] == [0, 0]
    said = [path.read_text(encoding="utf-8") for path in files]
    trained = [run for each in said for run in re.findall(r"\] (\S+, seed \d): epoch 1,", each)]
    assert sorted(trained) == [f"{name}, seed {seed}" for name in ("single-task", "switch") for seed in (1, 2, 3)]
    assert all("\n6 of 6: " in each for each in said)


@pytest.mark.slow
def test_several_processes_are_stopped_by_a_signal(arguments: list[str], tmp_path: Path) -> None:
    arguments = [*arguments, "--strategies", "single-task", "--epochs", "20000", "--tolerance", "1e-30", "--jobs", "2"]
    code, last = run_until("2 runs in other processes, 2 at a time", signal.SIGTERM, arguments)
    assert code == 143
    assert last.startswith("interrupted: ")
    assert not list((tmp_path / "study").glob(".stop-*"))


def test_runs_elsewhere_can_be_stopped_as_soon_as_they_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[bool] = []
    progress = StudyProgress(0, due=2, jobs=2)
    monkeypatch.setattr("mt2st.cli.study_runs.say", lambda _: stopped.append(progress.stop()))
    for name in ("first pool", "its smaller successor"):
        progress.on_stop_file(tmp_path / name)
    assert stopped == [True]
    assert (tmp_path / "first pool").exists()


def test_an_interrupted_study_says_what_it_keeps_and_goes_on_from_there(arguments: list[str], tmp_path: Path) -> None:
    arguments = [*arguments, "--strategies", "single-task", "--epochs", "400", "--tolerance", "1e-30"]
    code, last = run_until("[2/2] single-task, seed 2: epoch 3,", signal.SIGTERM, arguments)
    assert code == 143
    assert "1 finished run and 1 checkpoint in" in last
    assert (tmp_path / "study" / "single-task-seed2" / "checkpoint").is_dir()
    assert main(arguments) == 0
    log = json.loads((tmp_path / "study" / "single-task-seed2" / "result.json").read_text())["result"]["run"]
    assert [each["epoch"] for each in log["evaluations"]] == list(range(1, 401))
    assert not (tmp_path / "study" / "single-task-seed2" / "checkpoint").exists()


def test_taggers_are_compared_by_the_accuracy_of_tags_or_by_f1_of_entities(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for spans, header in ((False, "accuracy  vs single-task  macro F1"), (True, "entity F1  vs single-task  accuracy")):
        data = write_tagged(tmp_path / f"{spans}.conll", spans=spans)
        study = ["--output", str(tmp_path / f"study {spans}"), "--strategies", "single-task", "switch", "--seeds", "1"]
        assert main(["compare", str(data), "--task", "tagging", *study, *FAST]) == 0
        printed = capsys.readouterr()
        names, rows = table_of(printed.out)
        assert header in names
        assert [line.split()[0] for line in rows] == ["single-task", "switch"]
        assert f"best validation {header.partition('  vs')[0]} of the same seed" in printed.err


@pytest.mark.parametrize("words", [["--linear"], ["--transition.probe-head", "0.1"]])
def test_what_taggers_have_not_is_refused_before_any_run(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_tagged(tmp_path / "tagged.conll", spans=False)
    study = ["--output", str(tmp_path / "study"), "--strategies", "single-task", "switch", "--switch-at", "2"]
    assert main(["compare", str(data), "--task", "tagging", *study, *FAST, *words]) == 2
    assert "a tagger's labels are of words: leave it" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_classifiers_of_several_labels_are_compared_by_micro_f1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "a film,\nfunny film,comedy\nguns,war\nfunny guns,comedy;war\n" * 12
    (tmp_path / "films.csv").write_text("text,label\n" + rows, encoding="utf-8")
    study = ["--output", str(tmp_path / "study"), "--strategies", "single-task", "switch", "--seeds", "1"]
    assert main(["compare", str(tmp_path / "films.csv"), "--task", "multilabel", *study, *FAST]) == 0
    assert "micro F1  vs single-task  macro F1" in table_of(capsys.readouterr().out)[0]


BASELINES = (
    "pretrain-finetune", "uncertainty", "dwa", "pcgrad", "mgda", "cagrad", "gradient-cosine", "bloop",
)  # fmt: skip


@pytest.mark.slow
def test_the_baselines_run_by_name(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cvxpy", reason="the extra baselines is not installed")
    assert main([*arguments, "--seeds", "1", "--strategies", *BASELINES, "--switch-at", "2"]) == 0
    _, rows = table_of(capsys.readouterr().out)
    assert [row.split()[0] for row in rows] == list(BASELINES)


def test_settings_of_the_baselines_reach_their_strategies() -> None:
    options = strategy_options()(
        auxiliary_weight={"context": 0.5}, switch_at=3, uncertainty_rate=0.1, dwa_temperature=3.0, cagrad_radius=0.2,
        cosine_gate=True, bloop_memory=0.99,
    )  # fmt: skip
    weight = {"context": 0.5}
    assert [options.build(name, ["context"]) for name in BASELINES] == [
        PretrainFinetune(3, weight=weight), UncertaintyWeighting(0.1, initial=weight), DWA(3.0), PCGrad(weight),
        MGDA(weight), CAGrad(weight, radius=0.2), GradientCosine(weight, gate=True), Bloop(weight, memory=0.99),
    ]  # fmt: skip


def test_a_baseline_without_its_extra_is_refused_before_anything_is_written(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchjd", None)
    assert main([*arguments, "--strategies", "mgda"]) == 2
    assert "the strategy MGDA needs the extra 'baselines'" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_a_schedule_in_steps_is_measured_by_the_steps_that_there_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--strategies", "switch", "--unit", "step", "--switch-at", "7", "--epochs", "2", "--batch-size", "16"]
    assert main([*arguments, *words, "--transition.task-layer"]) == 0  # 38 texts make 3 steps an epoch
    said = capsys.readouterr().err
    assert "switch: no transition to single-task training within 2 epochs: the last" in said
    assert "within 2 epochs (switch: the last auxiliary task goes off at step 7, and the training ends with" in said


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["--encoders", "bulstm"], "--encoders: unknown encoder 'bulstm'"),
        (["--embeddings", "nowhere"], "--embeddings: 'nowhere' is no file"),
        (["--auxiliary-sets", "contxt"], "--auxiliary-sets: should be 'context'"),
        (["--epochs", "0"], "--epochs: should be"),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_errors_name_the_option_that_was_given(
    words: list[str], start: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, *words]) == 2
    assert f"\nmt2st: {start}" in "\n" + capsys.readouterr().err
