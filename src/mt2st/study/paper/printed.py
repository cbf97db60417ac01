"""The figures that the paper prints in its Tables I to III (arXiv 2406.18038v2)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

MEASURES = (
    "accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
)
"""The columns of the paper's tables, in their order."""
ORIGINAL = "original"
"""What the tables call the run without an auxiliary task."""
UNNUMBERED = "update"
"""What Tables II and III call a row of Skip-gram, without a number."""
TABLES = {"I": "multi-task", "II": "diminish", "III": "switch"}
"""What each table is about."""
LESS_TIME = {"single-task": 0.67, "multi-task": 0.13}
"""The share of training time that MT2ST saves by the paper's abstract, against each."""


@dataclass(frozen=True)
class PrintedCell:
    """A row of a table of the paper.

    Attributes:
        table: I, II or III.
        mode: multi-task, diminish or switch.
        embedding: CBOW, SkipGram, CBOWFastText, SkipGramFastText or GloveTwitter.
        update: original, or update0 to update3. Tables II and III have a row 'update' of Skip-gram before update0,
            without a number: in Table II beside all four, in Table III in place of update3. What was run for it is not
            told, so nothing repeats it: by its place it may be an update0 whose followers are numbered one too low.
        epochs: the number of epochs.
        values: the measures (`MEASURES`), in [0, 1]; printed as whole percents.
    """

    table: str
    mode: str
    embedding: str
    update: str
    epochs: int
    values: Mapping[str, float]


@cache
def printed_cells() -> tuple[PrintedCell, ...]:
    """Return all rows, in the paper's order.

    Example:
        >>> best = max(printed_cells(), key=lambda cell: cell.values["accuracy"])
        >>> best.table, best.embedding, best.update, best.values["accuracy"]
        ('II', 'SkipGram', 'update3', 0.77)
    """
    lines = files(__package__).joinpath("printed.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        PrintedCell(
            row["table"],
            row["mode"],
            row["embedding"],
            row["update"],
            int(row["epochs"]),
            {name: int(row[name]) / 100 for name in MEASURES},
        )
        for row in csv.DictReader(lines)
    )
