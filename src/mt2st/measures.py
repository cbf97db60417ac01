"""What the measures of a model are called in tables, and which of them stand beside each other there."""

from __future__ import annotations

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
