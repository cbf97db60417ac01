"""Whether the rows that the paper prints (Tables I to III, arXiv 2406.18038v2) can be of one run's predictions.

All that a row tells follows from four counts: how many reviews of each class were classified rightly and how many
wrongly. So for 250 test reviews, the published code's number, this goes through all counts there are, with any share of
the classes, and says by how many points the nearest ones miss the row: by half a point at most, which is rounding, if
the row is of one run. (Weighted recall is the accuracy, always; where the classes are alike in size, weighted F1 is
never above it.)

    python benchmarks/printed_rows.py [--reviews 250]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from mt2st.study.paper.tables import MEASURES, printed_cells

POSSIBLE = 1.0
"""Points by which the nearest counts may miss a row that is called possible: twice what rounding explains."""


def measured(reviews: int) -> Iterator[np.ndarray]:
    """Yield the measures of all counts, [counts, 7], in per cent; at a time those of one number of positive reviews."""
    for positive in range(1, reviews):
        negative = reviews - positive
        right = np.arange(positive + 1)[:, None]
        rejected = np.arange(negative + 1)[None, :]
        called = right + negative - rejected
        recalls = np.stack(np.broadcast_arrays(right / positive, rejected / negative), -1)
        precisions = np.stack(
            [right / np.maximum(called, 1), rejected / np.maximum(reviews - called, 1)],
            -1,
        )
        f1 = 2 * precisions * recalls / np.maximum(precisions + recalls, 1e-12)
        shares = np.array([positive, negative]) / reviews
        columns = [(right + rejected) / reviews]
        columns += [each.mean(-1) for each in (precisions, recalls, f1)]
        columns += [each @ shares for each in (precisions, recalls, f1)]
        yield 100 * np.stack(columns, -1).reshape(-1, len(MEASURES))


def nearest(rows: np.ndarray, reviews: int) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much the nearest counts miss each row ([rows, 7], in per cent) at most, and their measures."""
    misses, found = np.full(len(rows), np.inf), np.zeros_like(rows)
    for each in measured(reviews):
        for place, row in enumerate(rows):
            off = np.abs(each - row).max(-1)
            best = off.argmin()
            if off[best] < misses[place]:
                misses[place], found[place] = off[best], each[best]
    return misses, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviews", type=int, default=250, help="of the test")
    options = parser.parse_args()
    cells = printed_cells()
    rows = np.array([[100 * cell.values[name] for name in MEASURES] for cell in cells])
    misses, found = nearest(rows, options.reviews)
    print("| table | row | printed | nearest | missed by | |\n| --- | --- | --- | --- | ---: | --- |")
    for cell, row, miss, counts in zip(cells, rows, misses, found, strict=True):
        printed, possible = " ".join(f"{value:.0f}" for value in row), "" if miss <= POSSIBLE else "not of one run"
        there = " ".join(f"{value:.1f}" for value in counts)
        print(f"| {cell.table} | {cell.embedding} {cell.update} | {printed} | {there} | {miss:.2f} | {possible} |")
    print(f"\n{(misses > POSSIBLE).sum()} of {len(rows)} rows are missed by more than {POSSIBLE:g} point.")


if __name__ == "__main__":
    main()
