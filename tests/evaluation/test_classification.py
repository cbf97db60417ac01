from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from mt2st.evaluation import classification_report
from mt2st.evaluation.classification import calibration_error

N_CLASSES = 4


@given(st.lists(st.tuples(st.integers(0, N_CLASSES - 1), st.integers(0, N_CLASSES - 1)), min_size=1, max_size=40))
def test_every_measure_equals_scikit_learns_own_function(pairs: list[tuple[int, int]]) -> None:
    targets, predictions = (np.array(each, dtype=np.int64) for each in zip(*pairs, strict=True))
    report = classification_report(targets, predictions, N_CLASSES)
    expected = {"accuracy": accuracy_score(targets, predictions)}
    for average in ("macro", "weighted"):
        for name, score in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
            expected[f"{average}_{name}"] = score(
                targets, predictions, labels=range(N_CLASSES), average=average, zero_division=0
            )
    assert report == pytest.approx(expected, abs=1e-12)


def test_a_class_that_is_never_predicted_counts_with_zero_and_without_a_warning() -> None:
    report = classification_report(np.array([0, 0, 1]), np.array([0, 0, 0]), 2)
    assert report["macro_precision"] == pytest.approx((2 / 3 + 0) / 2)
    assert report["macro_recall"] == pytest.approx((1 + 0) / 2)
    assert report["macro_f1"] == pytest.approx((0.8 + 0) / 2)


def test_a_class_without_a_target_counts_in_the_macro_average() -> None:
    perfect = classification_report(np.array([0, 1]), np.array([0, 1]), 4)
    assert (perfect["accuracy"], perfect["macro_f1"], perfect["weighted_f1"]) == (1.0, 0.5, 1.0)


@pytest.mark.parametrize(("targets", "predictions"), [([0, 1], [0]), ([], [])])
def test_arrays_that_do_not_fit_are_refused(targets: list[int], predictions: list[int]) -> None:
    with pytest.raises(ValueError, match="as many predictions as targets"):
        classification_report(np.array(targets, dtype=np.int64), np.array(predictions, dtype=np.int64), 2)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_calibration_error_is_the_mean_gap_of_the_bins(predictions: list[tuple[float, bool]]) -> None:
    certain, right = (np.array(each) for each in zip(*predictions, strict=True))
    expected = 0.0
    for number in range(15):
        last = number == 14
        inside = (certain * 15 >= number) & ((certain * 15 < number + 1) | last)
        if inside.any():
            expected += inside.mean() * abs(certain[inside].mean() - right[inside].mean())
    assert calibration_error(certain, right) == pytest.approx(expected, abs=6e-5)


def test_sure_predictions_that_are_wrong_have_the_largest_calibration_error() -> None:
    assert calibration_error(np.ones(4), np.zeros(4, dtype=np.bool_)) == 1.0
    assert calibration_error(np.ones(4), np.ones(4, dtype=np.bool_)) == 0.0
