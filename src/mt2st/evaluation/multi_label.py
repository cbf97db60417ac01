"""How good predicted sets of labels are."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MultiLabelReport:
    """Measures of predictions with any number of labels a text, each in [0, 1]; 0 where there is nothing to divide by.

    Attributes:
        subset_accuracy: share of the texts whose labels are all right, none missing and none too many.
        micro_precision: of all predicted labels, the share that is right.
        micro_recall: of all true labels, the share that is predicted.
        micro_f1: their harmonic mean.
        macro_f1: the mean over labels of each one's F1.
    """

    subset_accuracy: float
    micro_precision: float
    micro_recall: float
    micro_f1: float
    macro_f1: float

    def as_dict(self) -> dict[str, float]:
        """Return the measures by name."""
        return asdict(self)


def multi_label_report(targets: NDArray[np.bool_], predictions: NDArray[np.bool_]) -> MultiLabelReport:
    """Compare predicted with true sets of labels.

    Args:
        targets: ``[n, n_labels]`` true where a text has a label.
        predictions: ``[n, n_labels]`` true where it is predicted.

    Raises:
        ValueError: when the arrays differ in shape or are empty.

    Example:
        >>> truth = np.array([[True, False], [True, True]])
        >>> report = multi_label_report(truth, np.array([[True, False], [False, True]]))
        >>> report.subset_accuracy, report.micro_f1
        (0.5, 0.8)
    """
    if targets.shape != predictions.shape or targets.size == 0:
        raise ValueError(
            f"need predictions of the targets' shape and at least one, found {predictions.shape}, {targets.shape}"
        )
    hits = (targets & predictions).sum(axis=0)
    true, predicted = targets.sum(axis=0), predictions.sum(axis=0)
    return MultiLabelReport(
        subset_accuracy=float((targets == predictions).all(axis=1).mean()),
        micro_precision=float(_share(hits.sum(), predicted.sum())),
        micro_recall=float(_share(hits.sum(), true.sum())),
        micro_f1=float(_share(2 * hits.sum(), true.sum() + predicted.sum())),
        macro_f1=float(_share(2 * hits, true + predicted).mean()),
    )


def _share(part: NDArray[np.int64] | np.int64, whole: NDArray[np.int64] | np.int64) -> NDArray[np.float64]:
    return np.asarray(part / np.maximum(whole, 1), dtype=np.float64)
