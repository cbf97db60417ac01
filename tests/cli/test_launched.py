"""Commands as several processes of a launcher."""

from __future__ import annotations

import csv
import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mt2st.cli.launched import launched
from mt2st.cli.main import main
from mt2st.cli.vectors.train import _texts
from mt2st.cli.vectors.train_options import VectorsTrainOptions
from mt2st.embedding import load_vectors

WORDS = ["the", "film", "plot", "of", "it", "cast", "scene"]
ALONE = [sys.executable, "-m"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
SETTINGS = [
    *("--encoder", "mean", "--epochs", "2", "--strategy", "single-task"),
    *("--dropout", "0", "--average", "0", "--no-final-fit", "--no-linear"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    path = tmp_path / "reviews.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(500):
            word = ["bad", "good"][number % 2]
            writer.writerow([" ".join(rng.choice([*WORDS, word, word], 8)), word])
    return path


def mt2st(launcher: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    command = [*launcher, "mt2st", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)


def losses(folder: Path) -> list[float]:
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [each["losses"]["primary"] for each in records if each["event"] == "evaluation"]


@pytest.mark.slow
def test_two_processes_train_the_model_of_one_and_the_first_alone_writes_and_tells(data: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    found = mt2st(TORCHRUN, "train", str(data), "--output", str(two), *SETTINGS)
    assert found.returncode == 0, found.stderr
    alone = mt2st(ALONE, "train", str(data), "--output", str(one), *SETTINGS)
    assert losses(two) == pytest.approx(losses(one), rel=1e-3)
    assert found.stdout.replace(str(two), str(one)) == alone.stdout
    told = [line for line in found.stderr.splitlines() if line.startswith("train: ")]
    assert len(told) == len([line for line in alone.stderr.splitlines() if line.startswith("train: ")])
    assert sorted(each.name for each in two.iterdir()) == sorted(each.name for each in one.iterdir())


@pytest.mark.slow
def test_an_error_of_each_process_is_told_with_its_number(tmp_path: Path) -> None:
    found = mt2st(TORCHRUN, "train", str(tmp_path / "missing.csv"), "--output", str(tmp_path / "run"))
    lines = [line for line in found.stderr.splitlines() if line.startswith("mt2st: ")]
    assert found.returncode != 0
    assert lines
    assert all("missing.csv" in line or "another process of this training has ended" in line for line in lines)
    assert not any(line.startswith("mt2st: process 0") for line in lines)


def corpus(folder: Path) -> str:
    rng = np.random.default_rng(0)
    for number in range(3):
        lines = (
            " ".join(f"{'ab'[topic]}{word}" for word in rng.integers(0, 20, 15)) for topic in rng.integers(0, 2, 400)
        )
        (folder / f"news-{number}.txt").write_text("\n".join(lines))
    return str(folder / "news-*.txt")


@pytest.mark.slow
def test_two_processes_train_word_vectors_on_shares_of_the_files(tmp_path: Path) -> None:
    text, output = corpus(tmp_path), tmp_path / "words.txt"
    options = ["--vector-size", "16", "--window", "3", "--epochs", "6", "--sample", "0", "--alpha", "0.05"]
    found = mt2st(TORCHRUN, "vectors", "train", text, "--output", str(output), *options)
    assert found.returncode == 0, found.stderr
    assert found.stdout == f"{output}: 40 vectors of 16 dimensions\n"
    assert "2 processes; this one has:" in found.stderr
    assert "training: 108,000 words" in found.stderr
    vectors = load_vectors(output)
    assert vectors.similarity("a1", "a2") > vectors.similarity("a1", "b2") + 0.3
    assert sorted(each.name for each in tmp_path.iterdir()) == [*(f"news-{n}.txt" for n in range(3)), "words.txt"]


def test_a_pattern_stands_for_its_files_in_one_process_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vectors", "train", corpus(tmp_path), "--output", str(tmp_path / "words.txt"), "--epochs", "1"]) == 0
    assert "1,200 documents, 18,000 tokens" in capsys.readouterr().err
    assert main(["vectors", "train", str(tmp_path / "no-*.txt"), "--output", str(tmp_path / "no.txt")]) == 2
    assert "no file matches the pattern" in capsys.readouterr().err


class Three:
    count = 3

    def __init__(self, rank: int) -> None:
        self.rank = rank


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"WORLD_SIZE": "many"}, "WORLD_SIZE is the number of processes, found 'many'"),
        ({"WORLD_SIZE": "2", "RANK": ""}, "the processes cannot connect"),
    ],
)
def test_a_wrong_environment_is_told(
    variables: dict[str, str],
    told: str,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    for name, value in variables.items():
        if value:
            monkeypatch.setenv(name, value)
    assert main(["train", str(data), "--output", str(tmp_path / "run"), *SETTINGS]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "vectors"])
def test_standard_input_is_not_shared(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each process would read what the others have not."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    words = [command, *(["train"] * (command == "vectors")), "-", "--output", str(tmp_path / "out.txt")]
    assert main(words) == 2
    assert "standard input, which several processes cannot share: give a file" in capsys.readouterr().err


def test_files_are_shared_by_size_and_too_few_by_documents(tmp_path: Path) -> None:
    for name, lines in (("a", 90), ("b", 50), ("c", 40), ("d", 10)):
        (tmp_path / f"{name}.txt").write_text("\n".join(f"{name} line {number:03d}" for number in range(lines)))

    def of_each(pattern: str) -> list[list[str]]:
        options = VectorsTrainOptions(corpus=str(tmp_path / pattern), output=tmp_path / "words.txt")
        return [list(_texts(options, Three(rank))) for rank in range(3)]  # type: ignore[arg-type]

    first, second, third = of_each("*.txt")
    assert [{text[0] for text in each} for each in (first, second, third)] == [{"a"}, {"b"}, {"c", "d"}]
    parts = of_each("[ab].txt")
    assert [len(each) for each in parts] == [47, 47, 46]
    assert [text for row in zip(*parts, strict=False) for text in row][:4] == [f"a line {n:03d}" for n in range(4)]


def test_a_disk_that_refuses_is_told_with_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from contextlib import contextmanager
    from types import SimpleNamespace

    @contextmanager
    def second() -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(rank=1, count=2)

    def run(_: object) -> int:
        with launched():
            raise OSError(errno.ENOSPC, "No space left on device", "/tmp/corpus/ids.bin")

    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("mt2st.training.processes.connected", second)
    monkeypatch.setattr("mt2st.cli.report.run", run)
    assert main(["report", "folder"]) == 2
    assert capsys.readouterr().err == "mt2st: /tmp/corpus/ids.bin: No space left on device (process 1)\n"
