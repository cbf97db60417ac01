"""Cuts the 5,000 IMDB reviews into the parts of the paper's protocol, as files for ``mt2st compare``.

1,000 reviews are sampled, 750 of them to learn from and 250 to choose the epoch by; the 4,000 others are the test. The
unlabelled text is that of all 5,000 reviews (``--unlabelled OUT/all.csv``: transductive, it holds the test reviews'
words, not their labels) or of the 1,000 (``--unlabelled OUT/sample.csv``: inductive; the test text is unseen).

    python benchmarks/imdb_protocol.py ../shared/data/imdb5k/imdb5k.csv.gz OUT [--sample 24]

The paper's published sample has the random state 24; other states are for tuning.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from mt2st.text import LabelledText, read_labelled

SAMPLE, VALIDATION = 1000, 250
SPLIT_STATE = 42
"""The paper's code splits its sample with this random state."""


def write(path: Path, reviews: LabelledText) -> None:
    """Write reviews as CSV with the columns of the original."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "sentiment"])
        writer.writerows(zip(reviews.texts, reviews.labels, strict=True))
    print(f"{path}: {len(reviews):,} reviews")


def cut(reviews: LabelledText, sample: int) -> dict[str, LabelledText]:
    """Return the parts of the protocol by the names of their files; ``sample`` is the random state of the sample."""
    # pandas draws a sample without replacement as the head of a permutation by the same generator.
    sampled = np.random.RandomState(sample).choice(len(reviews), size=SAMPLE, replace=False)
    train, validation = train_test_split(sampled, test_size=VALIDATION, random_state=SPLIT_STATE)
    test = np.setdiff1d(np.arange(len(reviews)), sampled)
    parts = {"train": train, "validation": validation, "test": test, "sample": sampled, "all": np.arange(len(reviews))}
    return {name: reviews.select(indices) for name, indices in parts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reviews", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sample", type=int, default=24, help="random state of the sample")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    reviews = read_labelled(options.reviews, text="review", label="sentiment")
    for name, part in cut(reviews, options.sample).items():
        write(options.out / f"{name}.csv", part)


if __name__ == "__main__":
    main()
