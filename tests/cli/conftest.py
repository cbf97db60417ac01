from __future__ import annotations

import csv
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

FAST = ["--encoder", "mean", "--vector-size", "8", "--epochs", "2", "--min-count", "1", "--no-parallel-context"]
"""Model options that make a run a matter of moments."""


def write_reviews(path: Path, rows: int = 60, *, header: tuple[str, str] = ("review", "sentiment")) -> Path:
    """Write separable reviews, half of each label."""
    words = {"pos": ["warm", "witty", "fine", "bright"], "neg": ["dull", "long", "weak", "grey"]}
    rng = random.Random(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in range(rows):
            label = "pos" if row % 2 else "neg"
            writer.writerow([" ".join(["a", "film", *rng.choices(words[label], k=6)]), label])
    return path


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """Undo what a command that a signal ended has done: the program was about to end."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    return write_reviews(tmp_path / "reviews.csv")


@pytest.fixture
def train_arguments(reviews: Path, tmp_path: Path) -> list[str]:
    """A complete, quick ``mt2st train`` command with its output in ``run``."""
    return ["train", str(reviews), "--text", "review", "--label", "sentiment", "--output", str(tmp_path / "run"), *FAST]


def table_of(printed: str) -> tuple[str, list[str]]:
    """Return the header of the first table, in one line with two spaces between the columns, and its rows."""
    header, rule, rows = re.split(r"^(-+(?:  -+)*)$\n", printed, maxsplit=1, flags=re.MULTILINE)
    columns = [each.span() for each in re.finditer("-+", rule)]
    cells = (" ".join(" ".join(line[slice(*span)] for line in header.splitlines()).split()) for span in columns)
    return "  ".join(cells), rows.partition("\n\n")[0].splitlines()


def run_until(
    line: str, number: signal.Signals, arguments: list[str], *, ignoring: bool = False, times: int = 1
) -> tuple[int, str]:
    """Run a command, send it a signal once stderr has shown a line, and return its exit code and last line."""
    first = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); " if ignoring else ""
    code = f"import sys; {first}from mt2st.cli.main import main; sys.exit(main(sys.argv[1:]))"
    last = ""
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for last in process.stderr:
            if line in last:
                for _ in range(times):
                    process.send_signal(number)
                    time.sleep(0.02)
    return process.returncode, last
