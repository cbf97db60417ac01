"""``mt2st train`` as several processes of a launcher."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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
