"""The output folder of a run: what is proved before the work, and what is never removed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mt2st import TextClassifier
from mt2st._lock import only_writer
from mt2st.cli.main import main
from mt2st.cli.run_folder import kept
from mt2st.cli.train import _telling_what_is_kept
from mt2st.errors import InputError, NotWrittenError
from mt2st.models.trained_model import TrainedModel
from tests.cli.conftest import run_until

LONG = ["--epochs", "3000", "--tolerance", "1e-30"]


@pytest.mark.parametrize(
    "own", ["figures/plot.svg", "checkpoint/weights.pt", "report.html", "report.json", "metrics.jsonl", "model/a.bin"]
)
def test_files_of_the_user_are_no_run_s_whatever_their_names(
    own: str, train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run" / own
    path.parent.mkdir(parents=True)
    path.write_text("mine", encoding="utf-8")
    for options in ([], ["--overwrite"]):
        assert main([*train_arguments, *options]) == 2
        assert path.read_text(encoding="utf-8") == "mine"
    assert "holds files that are no run's" in capsys.readouterr().err


def test_what_a_user_put_into_a_run_survives_overwrite(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(train_arguments) == 0
    notes = tmp_path / "run" / "model" / "notes.md"
    notes.write_text("mine", encoding="utf-8")
    assert main([*train_arguments, "--overwrite"]) == 2
    assert "model/notes.md" in capsys.readouterr().err
    notes.unlink()
    (tmp_path / "run" / "figures").mkdir()
    assert main([*train_arguments, "--overwrite"]) == 2
    assert (tmp_path / "run" / "figures").is_dir()
    (tmp_path / "run" / "figures").rmdir()
    assert main([*train_arguments, "--overwrite"]) == 0


def test_a_second_writer_is_refused(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_writer(tmp_path / "run", "first"):
        assert main(train_arguments) == 2
        assert "another process writes into" in capsys.readouterr().err
        assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["a" * 300, "\udcff", "link", "link/below", "file", "file/below"])
@pytest.mark.parametrize("option", ["--output", "--fallback"])
def test_a_place_that_cannot_be_is_refused_before_the_data_are_read(
    name: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    before = sorted(tmp_path.iterdir())
    assert main(["train", "missing.csv", "--output", str(tmp_path / "run"), option, str(tmp_path / name)]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"mt2st: {option} ")
    assert "missing.csv" not in message
    assert sorted(tmp_path.iterdir()) == before


def test_an_empty_folder_of_the_user_stays_if_the_data_are_refused(tmp_path: Path) -> None:
    for name in ("run", "elsewhere"):
        (tmp_path / name).mkdir()
    places = ["--output", str(tmp_path / "run"), "--fallback", str(tmp_path / "elsewhere")]
    assert main(["train", "missing.csv", *places]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "run"]


def test_a_second_place_that_is_taken_is_refused_before_the_data_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "notes.md").write_text("mine", encoding="utf-8")
    places = ["--output", str(tmp_path / "run"), "--fallback", str(tmp_path / "elsewhere")]
    assert main(["train", "missing.csv", *places, "--overwrite"]) == 2
    assert "holds files that are no run's (notes.md)" in capsys.readouterr().err
    assert (tmp_path / "elsewhere" / "notes.md").read_text(encoding="utf-8") == "mine"


def test_a_run_that_is_kept_in_the_second_place_goes_on_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "checkpoint" / "training").mkdir(parents=True)
    (tmp_path / "checkpoint" / "training" / "progress.json").touch()
    (tmp_path / ".mt2st.json").write_text('["checkpoint/training/progress.json"]', encoding="utf-8")
    places = ["--fallback", str(tmp_path), "--resume", "--output", str(tmp_path)]
    assert main(["train", "missing.csv", *places]) == 2
    assert "missing.csv" in capsys.readouterr().err


def test_a_run_does_not_go_on_with_another_test_part(
    train_arguments: list[str], reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = tmp_path / "test.csv"
    test.write_text(reviews.read_text(encoding="utf-8"), encoding="utf-8")
    arguments = [*train_arguments, *LONG, "--test", str(test)]
    assert run_until("epoch 3,", signal.SIGINT, arguments)[0] == 130
    test.write_text(test.read_text(encoding="utf-8").replace("warm", "worm", 1), encoding="utf-8")
    assert main([*arguments, "--resume"]) == 2
    assert "the data have changed (data.test part" in capsys.readouterr().err


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf"])
def test_a_time_between_checkpoints_is_above_0(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "missing.csv", "--checkpoint-minutes", minutes]) == 2
    assert "--checkpoint-minutes must be above 0" in capsys.readouterr().err


def test_a_run_that_is_killed_goes_on_from_the_last_epoch(train_arguments: list[str], tmp_path: Path) -> None:
    code = "import sys; from mt2st.cli.main import main; sys.exit(main(sys.argv[1:]))"
    arguments = [*train_arguments, *LONG, "--checkpoint-minutes", "0.0001"]
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "epoch 5," in line:
                process.kill()
    progress = json.loads((tmp_path / "run" / "checkpoint" / "training" / "progress.json").read_text(encoding="utf-8"))
    assert progress["progress"]["epoch"] >= 5
    assert main(train_arguments) == 2  # it is in the way of a plain command, and says so
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments, "--resume"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        first = next(line for line in process.stderr if " epoch " in line)
        process.kill()
    assert int(first.split("epoch ")[1].split(",")[0]) >= 5
    assert main([*train_arguments, "--overwrite"]) == 0


def fill(disk: Path) -> None:
    with (disk / "full").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096) == 4096:
            pass


@pytest.mark.parametrize("fallback", [False, True])
def test_a_model_that_the_disk_refuses_goes_elsewhere(
    fallback: bool,
    reviews: Path,
    small_disk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tests.cli.conftest import FAST

    save = TrainedModel.save

    def save_on_a_full_disk(self: TrainedModel, folder: Path, **named: object) -> None:  # type: ignore[type-arg]
        if not (small_disk / "full").exists():
            with pytest.raises(OSError, match="No space"):
                fill(small_disk)
        save(self, folder, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainedModel, "save", save_on_a_full_disk)
    source = [str(reviews), "--text", "review", "--label", "sentiment"]
    more = ["--fallback", str(tmp_path / "elsewhere")] if fallback else []
    assert main(["train", *source, "--output", str(small_disk / "run"), *FAST, *more]) == (0 if fallback else 2)
    printed = capsys.readouterr()
    message = next(line for line in printed.err.splitlines() if "No space left on device" in line)
    assert f"cannot write {small_disk / 'run' / 'model'}" in message
    assert "MB are needed" in message or "MB is needed" in message
    assert "Traceback" not in printed.err
    if fallback:
        assert TextClassifier.load(tmp_path / "elsewhere" / "model").classes_.tolist() == ["neg", "pos"]
        assert main(["train", *source, "--output", str(tmp_path / "elsewhere"), *FAST, "--overwrite"]) == 0


def test_a_disk_without_room_for_checkpoints_is_refused_before_the_training(
    reviews: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.cli.conftest import FAST

    source = [str(reviews), "--text", "review", "--label", "sentiment", *FAST]
    assert main(["train", *source, "--output", str(small_disk / "run"), "--vector-size", "100000"]) == 2
    printed = capsys.readouterr().err
    assert "No space left on device" in printed
    assert "epoch 1" not in printed
    assert not (small_disk / "run").exists()


def test_a_result_is_written_to_the_first_place_that_takes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(place: Path) -> Path:
        if place.name != "good":
            raise NotWrittenError(f"cannot write {place}")
        return place

    assert kept(write, Path("bad"), Path("good")) == Path("good")
    with pytest.raises(NotWrittenError):
        kept(write, Path("bad"), None)
    assert "cannot write bad; good is tried" in capsys.readouterr().err


def test_a_full_disk_leaves_the_checkpoint_before_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for checkpoint in (tmp_path / "none", tmp_path):
        with pytest.raises(NotWrittenError), _telling_what_is_kept(checkpoint):
            raise NotWrittenError("No space left on device")
    assert capsys.readouterr().err == f"{tmp_path} is kept: the same command with --resume goes on from there\n"


def test_at_a_terminal_the_person_is_asked_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    def write(place: Path) -> Path:
        if place.name != "good":
            raise (NotWrittenError if place.name == "bad" else InputError)(f"cannot write {place}")
        return place

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(sys, "stdin", Terminal("taken\ngood\n"))
    assert kept(write, Path("bad"), None) == Path("good")
    monkeypatch.setattr(sys, "stdin", Terminal("\n"))
    with pytest.raises(NotWrittenError):
        kept(write, Path("bad"), None)


def test_a_run_that_is_killed_in_its_first_word_vectors_goes_on(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import sys; from mt2st.cli.main import main; sys.exit(main(sys.argv[1:]))"
    first = ["--init", "skipgram", "--init-epochs", "3000", "--no-final-fit"]
    arguments = [*train_arguments, *first, "--checkpoint-minutes", "0.0001"]
    state = tmp_path / "run" / "checkpoint" / "vectors" / "position.json"
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE) as process:
        while not state.is_file():
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    assert not (tmp_path / "run" / "checkpoint" / "training").exists()
    assert main(arguments) == 2
    assert "go on with its interrupted run by --resume" in capsys.readouterr().err
    assert main([*arguments, "--resume", "--context.window", "3"]) == 2
    assert "is of another run: settings.window was" in capsys.readouterr().err
    assert main([*arguments, "--resume"]) == 0
    assert not (tmp_path / "run" / "checkpoint").exists()
    assert main([*train_arguments, "--overwrite"]) == 0
