"""How good predicted labels are: accuracy and averaged precision, recall and F1, the paper's columns."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassificationReport:
    """The measures of the paper's tables, each in [0, 1]. A class that is never predicted has precision 0."""

    accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float

    def as_dict(self) -> dict[str, float]:
        """Return the measures by name."""
        return asdict(self)


def classification_report(
    targets: NDArray[np.int64], predictions: NDArray[np.int64], n_classes: int
) -> ClassificationReport:
    """Compare predicted with true classes.

    Args:
        targets: ``[n]`` true class numbers, from 0.
        predictions: ``[n]`` predicted class numbers.
        n_classes: number of classes; a class without a target counts in the macro average, with 0.

    Raises:
        ValueError: when the arrays differ in length or are empty.

    Example:
        >>> report = classification_report(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
        >>> report.accuracy, round(report.macro_f1, 4)
        (0.75, 0.7333)
    """
    if len(targets) != len(predictions) or len(targets) == 0:
        raise ValueError(
            f"need as many predictions as targets and at least one, found {len(predictions)}, {len(targets)}"
        )
    from sklearn.metrics import precision_recall_fscore_support  # half a second to import

    averages = {
        average: precision_recall_fscore_support(
            targets, predictions, labels=np.arange(n_classes), average=average, zero_division=0.0
        )
        for average in ("macro", "weighted")
    }
    return ClassificationReport(
        accuracy=float(np.mean(targets == predictions)),
        **{
            f"{average}_{measure}": float(values[index])
            for average, values in averages.items()
            for index, measure in enumerate(("precision", "recall", "f1"))
        },
    )
