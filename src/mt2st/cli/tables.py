"""Plain tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mt2st.measures import MEASURES


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns, the first one left and the others right aligned; the first row is the header.

    Example:
        >>> print(aligned([["name", "n"], ["a", "10"]]))
        name   n
        ----  --
        a     10
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join(
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in
                  enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    )  # fmt: skip


def measures_table(parts: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """Return header and rows of a model's measures: a row for each part of the data.

    Example:
        >>> measures_table({"test": {"loss": 0.5, "accuracy": 0.75, "weighted_f1": 0.7}})
        [['part', 'accuracy', 'loss'], ['test', '75.0 %', '0.500']]
    """
    shown = [name for name in MEASURES if any(name in values for values in parts.values())]
    header = ["part", *(MEASURES[name] for name in shown), "loss"]
    return [
        header,
        *(
            [part, *(f"{100 * values[name]:.1f} %" for name in shown), f"{values['loss']:.3f}"]
            for part, values in parts.items()
        ),
    ]
