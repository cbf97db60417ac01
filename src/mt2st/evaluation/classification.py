"""Metrics of predicted labels: accuracy, precision, recall and F1, for one label a text or any number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

THRESHOLD = 0.5
"""Of several labels a text, each is predicted from this probability on: more likely than not."""


def classification_report(
    targets: NDArray[np.int64], predictions: NDArray[np.int64], n_classes: int
) -> dict[str, float]:
    """Compare predicted with true classes, by the metrics of the paper's tables.

    Args:
        targets: ``[n]`` true class numbers, from 0.
        predictions: ``[n]`` predicted class numbers.
        n_classes: number of classes; a class without a target counts in the macro average, with 0.

    Returns:
        ``accuracy``, and ``precision``, ``recall`` and ``f1`` after ``macro_`` and ``weighted_``, each in [0, 1]. A
        class that is never predicted has precision 0.

    Raises:
        ValueError: the arrays differ in length or are empty.

    Example:
        >>> report = classification_report(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
        >>> report["accuracy"], round(report["macro_f1"], 4)
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
    return {"accuracy": float(np.mean(targets == predictions))} | {
        f"{average}_{metric}": float(values[index])
        for average, values in averages.items()
        for index, metric in enumerate(("precision", "recall", "f1"))
    }


def multi_label_report(targets: NDArray[np.bool_], predictions: NDArray[np.bool_]) -> dict[str, float]:
    """Compare predicted with true sets of labels.

    Args:
        targets: ``[n, n_labels]`` true where a text has a label.
        predictions: ``[n, n_labels]`` true where it is predicted.

    Returns:
        Metrics in [0, 1]; 0 where the denominator is 0. ``subset_accuracy`` is the share of the texts whose set of
        labels is exactly right, ``micro_precision`` of the predicted labels that are right, ``micro_recall`` of the
        true labels that are predicted; ``micro_f1`` is their harmonic mean, ``macro_f1`` the mean of the labels' F1.

    Raises:
        ValueError: the arrays differ in shape or are empty.

    Example:
        >>> truth = np.array([[True, False], [True, True]])
        >>> report = multi_label_report(truth, np.array([[True, False], [False, True]]))
        >>> report["subset_accuracy"], report["micro_f1"]
        (0.5, 0.8)
    """
    if targets.shape != predictions.shape or targets.size == 0:
        raise ValueError(
            f"need predictions of the targets' shape and at least one, found {predictions.shape}, {targets.shape}"
        )
    # By hand: scikit-learn reads one column of labels as two classes, and is slow for hundreds of labels.
    hits = (targets & predictions).sum(axis=0)
    true, predicted = targets.sum(axis=0), predictions.sum(axis=0)
    return {
        "subset_accuracy": float((targets == predictions).all(axis=1).mean()),
        "micro_precision": float(_share(hits.sum(), predicted.sum())),
        "micro_recall": float(_share(hits.sum(), true.sum())),
        "micro_f1": float(_share(2 * hits.sum(), true.sum() + predicted.sum())),
        "macro_f1": float(_share(2 * hits, true + predicted).mean()),
    }


def _share(part: NDArray[np.int64] | np.int64, whole: NDArray[np.int64] | np.int64) -> NDArray[np.float64]:
    return np.asarray(part / np.maximum(whole, 1), dtype=np.float64)


def calibration_error(certain: NDArray[Any], right: NDArray[np.bool_], bins: int = 15) -> float:
    """Return the expected calibration error (Naeini et al. 2015, Guo et al. 2017), in [0, 1].

    The predictions are put into bins of equal width by their probability. The error is the mean over all predictions of
    the difference, in their bin, of the mean probability and the share that is right.

    Args:
        certain: ``[n]`` probabilities of the predictions, n at least 1.
        right: ``[n]``, true where a prediction is right.
        bins: number of bins.

    Example:
        >>> calibration_error(np.array([0.8, 0.8, 0.8, 0.8, 1.0]), np.array([True, True, True, False, True]))
        0.04
    """
    of_bin = np.minimum((np.asarray(certain, dtype=np.float64) * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(of_bin, weights=certain - right.astype(np.float64), minlength=bins)
    return round(float(np.abs(gaps).sum() / len(right)), 4)
