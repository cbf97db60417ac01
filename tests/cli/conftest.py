from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

FAST = ["--encoder", "mean", "--vector-size", "8", "--epochs", "2", "--min-count", "1", "--no-beside"]
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


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    return write_reviews(tmp_path / "reviews.csv")


@pytest.fixture
def train_arguments(reviews: Path, tmp_path: Path) -> list[str]:
    """A complete, quick ``mt2st train`` command with its output in ``run``."""
    return ["train", str(reviews), "--text", "review", "--label", "sentiment", "--output", str(tmp_path / "run"), *FAST]
