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
