"""Tables of metrics: what each metric is called, and rows that a terminal, a card or a page shows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from mt2st.errors import printable

METRICS = {
    "accuracy": "accuracy",
    "subset_accuracy": "all labels right",
    "entity_precision": "entity precision",
    "entity_recall": "entity recall",
    "entity_f1": "entity F1",
    "micro_f1": "micro F1",
    "macro_f1": "macro F1",
}
"""The metrics that tables show, in their order, and their titles."""

SECOND_METRIC = {"accuracy": "macro_f1", "micro_f1": "macro_f1", "entity_f1": "accuracy"}
"""For each monitored metric, the second one that a narrow table shows."""

AUXILIARY_HEADER = ["auxiliary task", "on held-out words", "which way", "before", "after", "change"]
"""The columns of `auxiliary_rows`."""

TERMINAL = 79
"""Characters of a line in a terminal."""
MOST_OF_LABELS = 52
"""Those of them that the labels of a row may take where the table is too wide."""

LESS_IS_BETTER = {("misalignment", "misaligned"), ("misalignment", "error")}
"""Metrics of auxiliary tasks that should be low; all others should be high."""


def aligned(rows: Sequence[Sequence[str]], *, labels: int = 1) -> str:
    """Return rows as a text table: the first row is the header, the first column is left aligned.

    In a table that is too wide, long headers and cells are wrapped. Columns that still do not fit follow in a table of
    their own, each with the first ``labels`` columns.

    Example:
        >>> print(aligned([["name", "n"], ["a", "10"]]))
        name   n
        ----  --
        a     10
    """
    columns = list(zip(*([printable(cell) for cell in row] for row in rows), strict=True))
    widths = [max(map(len, column)) for column in columns]
    if sum(widths) + 2 * (len(widths) - 1) <= TERMINAL:
        return _lines(columns, widths)
    widths = [max([*map(len, column[1:]), *map(len, column[0].split())]) for column in columns]
    while sum(widths[:labels]) > MOST_OF_LABELS:
        widths[widths.index(max(widths[:labels]))] -= 1
    left = TERMINAL - sum(widths[:labels]) - 2 * labels
    widths = [*widths[:labels], *(min(each, left) for each in widths[labels:])]
    parts: list[list[int]] = []
    for column in range(labels, len(columns)):
        if not parts or sum(widths[each] + 2 for each in (*parts[-1], column)) - 2 > left:
            parts.append([])
        parts[-1].append(column)
    chosen = [[*range(labels), *part] for part in parts]
    return "\n\n".join(_lines([columns[each] for each in part], [widths[each] for each in part]) for part in chosen)


def _lines(columns: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    """Return a table whose cells are wrapped to the widths of their columns."""
    header, *rows = zip(*columns, strict=True)
    lines = []
    for number, row in enumerate([header, ["-" * width for width in widths], *rows]):
        cells = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(row, widths, strict=True)]
        to_left = [place == 0 or (number > 0 and len(cell) > 1) for place, cell in enumerate(cells)]
        for line in zip_longest(*cells, fillvalue=""):
            parts = zip(line, widths, to_left, strict=True)
            lines.append("  ".join(f"{part:{'<' if left else '>'}{width}}" for part, width, left in parts).rstrip())
    return "\n".join(lines)


def metrics_table(parts: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """Return header and rows of a model's metrics: a row for each part of the data.

    Example:
        >>> metrics_table({"test": {"loss": 0.5, "accuracy": 0.75, "weighted_f1": 0.7}})
        [['part', 'accuracy', 'loss'], ['test', '75.0 %', '0.500']]
    """
    shown = [name for name in METRICS if any(name in values for values in parts.values())]
    rows = [["part", *(METRICS[name] for name in shown), "loss"]]
    for part, values in parts.items():
        rows.append([part, *(f"{100 * values[name]:.1f} %" for name in shown), f"{values['loss']:.3f}"])
    return rows


def auxiliary_rows(
    task: str, before: Mapping[str, float], after: Mapping[str, float], *, digits: int = 3
) -> list[list[str]]:
    """Return a row for each metric of an auxiliary task: which way is better, its values, whether it improved.

    The columns are those of `AUXILIARY_HEADER`. Values that agree in ``digits`` decimals count as the same; a single
    row says so if nothing was held out.

    Example:
        >>> auxiliary_rows("misalignment", {"aligned": 0.1, "error": 0.5}, {"aligned": 0.4, "error": 0.625})[1]
        ['misalignment', 'error', 'less is better', '0.500', '0.625', 'WORSE']
        >>> auxiliary_rows("spearman", {}, {})
        [['spearman', 'nothing was held out', '', '', '', '']]
    """
    if not after:
        return [[task, "nothing was held out", "", "", "", ""]]
    rows = []
    for metric, value in after.items():
        less = (task, metric) in LESS_IS_BETTER
        first, last = f"{before[metric]:.{digits}f}", f"{value:.{digits}f}"
        change = (
            "the same" if float(first) == float(last) else "better" if (value < before[metric]) == less else "WORSE"
        )
        rows.append([task, metric, f"{'less' if less else 'more'} is better", first, last, change])
    return rows
