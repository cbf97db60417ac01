"""What linear models of scikit-learn reach on the same data in a second: the least that a network has to beat."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from mt2st.evaluation import classification_report
from mt2st.study.study import Study
from mt2st.study.summary import Row
from mt2st.study.tables import Table
from mt2st.text import LabelledText

BASELINES = "baselines"
"""Name of the baselines in a study's description."""
STRENGTHS, SMOOTHING = (0.1, 1.0, 10.0, 100.0), (0.01, 0.1, 1.0)
"""The values of C and of alpha that are tried; the best on validation is kept."""


def linear_baselines(train: LabelledText, validation: LabelledText, test: LabelledText) -> list[dict[str, Any]]:
    """Train TF-IDF with logistic regression and with complement naive Bayes, and measure each once on the test part.

    Returns:
        For each its ``name``, ``accuracy`` and ``macro_f1`` on the test part in [0, 1], and ``seconds`` of training,
        with the choice of its setting by the validation part.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import ComplementNB

    classes = sorted(set(train.labels))
    candidates = {
        "TF-IDF + logistic regression": [LogisticRegression(C=each, max_iter=1000) for each in STRENGTHS],
        "TF-IDF + complement naive Bayes": [ComplementNB(alpha=each) for each in SMOOTHING],
    }
    found = []
    for name, models in candidates.items():
        start = time.perf_counter()
        vectoriser = TfidfVectorizer(sublinear_tf=True)
        features, chosen_by = vectoriser.fit_transform(train.texts), vectoriser.transform(validation.texts)
        fitted = [model.fit(features, train.labels) for model in models]
        best = max(fitted, key=lambda model: model.score(chosen_by, validation.labels))
        seconds = time.perf_counter() - start
        true, predicted = (
            np.array([classes.index(label) for label in labels])
            for labels in (test.labels, best.predict(vectoriser.transform(test.texts)))
        )
        report = classification_report(true, predicted, len(classes))
        found.append({"name": name, "accuracy": report["accuracy"], "macro_f1": report["macro_f1"], "seconds": seconds})
    return found


def baselines_table(study: Study) -> Table:
    """Return the baselines that a study's description has in a table; of most studies, without a row."""
    rows = [
        [each["name"], f"{100 * each['accuracy']:.1f} %", f"{100 * each['macro_f1']:.1f} %", f"{each['seconds']:.2f}"]
        for each in study.about.get(BASELINES, ())
    ]
    notes = "Trained on the same labelled texts; C and alpha are chosen by the validation part."
    return Table("baselines", ["scikit-learn", "accuracy", "macro F1", "training s"], rows, notes=notes)


def baselines_verdict(study: Study, rows: Sequence[Row]) -> str:
    """Return a sentence that compares the best baseline with the best strategy; empty without baselines."""
    best = max(study.about.get(BASELINES, ()), key=lambda each: float(each["accuracy"]), default=None)
    if best is None:
        return ""
    first = max(rows, key=lambda row: row.score.mean)
    points = 100 * (first.score.mean - best["accuracy"])
    apart = f"{abs(points):.1f} points {'below' if points > 0 else 'above'}" if abs(points) >= 0.05 else "as much as"
    return (
        f"{best['name']} of scikit-learn reached {100 * best['accuracy']:.1f} % on the same data in "
        f"{best['seconds']:.2f} s, {apart} {first.group.title(study.varying)}."
    )
