"""What the measures of a model are called in tables, and which of them stand beside each other there."""

from __future__ import annotations

from collections.abc import Mapping

MEASURES = {
    "accuracy": "accuracy",
    "subset_accuracy": "all labels right",
    "entity_precision": "entity precision",
    "entity_recall": "entity recall",
    "entity_f1": "entity F1",
    "micro_f1": "micro F1",
    "macro_f1": "macro F1",
}
"""The measures that are shown, of those that a model has, and what they are called."""

SECOND = {"accuracy": "macro_f1", "micro_f1": "macro_f1", "entity_f1": "accuracy"}
"""For each measure that models are chosen by, the one that a narrow table shows beside it."""


AUXILIARY_HEADER = ["auxiliary task", "on held-out words", "which way", "before", "after", "change"]
"""What the cells of `auxiliary_rows` are."""

LESS_IS_BETTER = {("misalignment", "misaligned"), ("misalignment", "error")}
"""Auxiliary tasks' measures of what should be low; all others should be high."""


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


def auxiliary_rows(
    task: str, before: Mapping[str, float], after: Mapping[str, float], *, digits: int = 3
) -> list[list[str]]:
    """Return a row for each measure of an auxiliary task: which way is better, its values, what became of it.

    Args:
        task: its name.
        before: its measures before the training.
        after: the same after it.
        digits: behind the point; what differs by less is the same.

    Returns:
        Cells as in `AUXILIARY_HEADER`. One row that says so where nothing was measured.

    Example:
        >>> auxiliary_rows("misalignment", {"aligned": 0.1, "error": 0.5}, {"aligned": 0.4, "error": 0.625})
        [['misalignment', 'aligned', 'more is better', '0.100', '0.400', 'better'], \
['misalignment', 'error', 'less is better', '0.500', '0.625', 'WORSE']]
        >>> auxiliary_rows("spearman", {}, {})
        [['spearman', 'nothing was held out', '', '', '', '']]
    """
    if not after:
        return [[task, "nothing was held out", "", "", "", ""]]
    rows = []
    for measure, value in after.items():
        less = (task, measure) in LESS_IS_BETTER
        first, last = f"{before[measure]:.{digits}f}", f"{value:.{digits}f}"
        change = (
            "the same" if float(first) == float(last) else "better" if (value < before[measure]) == less else "WORSE"
        )
        rows.append([task, measure, f"{'less' if less else 'more'} is better", first, last, change])
    return rows
