"""What a linear model on bags of words reaches on the same parts of the data: what any network has to beat.

TF-IDF with logistic regression and NB-SVM are here, fastText's classifier in `mt2st.study.fasttext_baseline`; none
knows of tasks or strategies. Each fits every one of its candidate settings on the training part and keeps the one with
the best accuracy on validation (of equals the first, which is the most regularised); the test part is measured once.
Nothing is refitted on training and validation together, as the networks are not either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.evaluation import classification_report
from mt2st.study.nb_svm import NBSVM
from mt2st.text import LabelledText, Tokeniser, check_classes

REGULARISATION = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""Inverse strengths of the L2 penalty that are tried (scikit-learn's C)."""
BETAS = (0.25, 0.5, 1.0)
"""NB-SVM's shares of the learned weights that are tried; its authors found 1/4 to 1/2 to be good."""

Choice = Mapping[str, float]
Predict = Callable[[Sequence[str]], NDArray[np.int64]]
"""From texts to the numbers of their classes."""


class LinearMethod(Protocol):
    """A way to make a classifier of labelled texts."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def candidates(self, texts: Sequence[str], labels: NDArray[np.int64]) -> Iterator[tuple[Choice, Predict]]:
        """Yield settings and the classifier fitted with them, the most regularised first."""


@dataclass(frozen=True)
class LinearResult:
    """What a method reached.

    Attributes:
        name: the method's name.
        chosen: the settings that were best on validation.
        validation: accuracy on validation with them, in [0, 1].
        tried: how many settings were tried.
        test: accuracy and averaged precision, recall and F1 on the test part.
        seconds: spent on fitting and choosing.
    """

    name: str
    chosen: Choice
    validation: float
    tried: int
    test: Mapping[str, float]
    seconds: float


def run_linear_baseline(
    method: LinearMethod, train: LabelledText, validation: LabelledText, test: LabelledText
) -> LinearResult:
    """Fit a method on the training part, choose its settings on validation, measure it once on the test part.

    Raises:
        InputError: when there is nothing to learn, or a label of validation or test is not in the training part.
        MissingExtraError: when the method's package is not installed.
    """
    check_classes(train)
    classes = sorted(set(train.labels))
    targets, of_validation, of_test = (_numbers(part, classes) for part in (train, validation, test))
    start = time.perf_counter()
    best: tuple[float, Choice, Predict] | None = None
    tried = 0
    for chosen, predict in method.candidates(train.texts, targets):
        accuracy = float(np.mean(predict(validation.texts) == of_validation))
        tried += 1
        if best is None or accuracy > best[0]:
            best = accuracy, chosen, predict
    assert best is not None, "a method has at least one candidate"
    accuracy, chosen, predict = best
    seconds = time.perf_counter() - start
    report = classification_report(of_test, predict(test.texts), len(classes))
    return LinearResult(method.name, dict(chosen), accuracy, tried, report.as_dict(), seconds)


@dataclass(frozen=True)
class TfIdfLogistic:
    """TF-IDF of words and pairs of neighbours, with logistic regression.

    Attributes:
        tokeniser: cuts the texts; the networks' own by default.
        regularisation: inverse strengths of the L2 penalty to try, rising.
        min_count: texts that a feature must occur in.
    """

    tokeniser: Tokeniser = field(default_factory=Tokeniser)
    regularisation: Sequence[float] = REGULARISATION
    min_count: int = 2
    name: str = "TF-IDF + logistic regression"

    def candidates(self, texts: Sequence[str], labels: NDArray[np.int64]) -> Iterator[tuple[Choice, Predict]]:
        """Yield a regression for each strength of the penalty."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        vectorizer = TfidfVectorizer(analyzer=_ngrams_of(self.tokeniser), sublinear_tf=True, min_df=self.min_count)
        features = vectorizer.fit_transform(texts)
        for strength in self.regularisation:
            model = LogisticRegression(C=strength, max_iter=1000).fit(features, labels)

            def predict(more: Sequence[str], model: LogisticRegression = model) -> NDArray[np.int64]:
                return np.asarray(model.predict(vectorizer.transform(more)), dtype=np.int64)

            yield {"C": strength}, predict


@dataclass(frozen=True)
class NaiveBayesSVM:
    """NB-SVM on words and pairs of neighbours (`mt2st.study.nb_svm.NBSVM`).

    Attributes:
        tokeniser: cuts the texts; the networks' own by default.
        regularisation: inverse strengths of the L2 penalty to try, rising.
        betas: shares of the learned weights to try, in (0, 1].
    """

    tokeniser: Tokeniser = field(default_factory=Tokeniser)
    regularisation: Sequence[float] = REGULARISATION
    betas: Sequence[float] = BETAS
    name: str = "NB-SVM"

    def candidates(self, texts: Sequence[str], labels: NDArray[np.int64]) -> Iterator[tuple[Choice, Predict]]:
        """Yield a machine for each pair of settings."""
        from sklearn.feature_extraction.text import CountVectorizer

        vectorizer = CountVectorizer(analyzer=_ngrams_of(self.tokeniser), binary=True)
        features = vectorizer.fit_transform(texts)
        for strength, beta in product(self.regularisation, self.betas):
            model = NBSVM(C=strength, beta=beta).fit(features, labels)

            def predict(more: Sequence[str], model: NBSVM = model) -> NDArray[np.int64]:
                return model.predict(vectorizer.transform(more))

            yield {"C": strength, "beta": beta}, predict


def _numbers(part: LabelledText, classes: Sequence[str]) -> NDArray[np.int64]:
    number_of = {label: number for number, label in enumerate(classes)}
    unknown = sorted(set(part.labels) - set(classes))
    if unknown:
        raise InputError(f"{part.source}: the label '{unknown[0]}' does not occur in the training part")
    return np.array([number_of[label] for label in part.labels], dtype=np.int64)


def _ngrams_of(tokeniser: Tokeniser) -> Callable[[str], list[str]]:
    """Return what cuts a text into its words and its pairs of neighbours."""

    def ngrams(text: str) -> list[str]:
        words = tokeniser(text)
        return [*words, *(f"{first} {second}" for first, second in pairwise(words))]

    return ngrams
