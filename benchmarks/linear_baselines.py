"""What linear models on bags of words reach on the parts that ``benchmarks/imdb_protocol.py`` cuts.

    python benchmarks/imdb_protocol.py ../shared/data/imdb5k/imdb5k.csv.gz PARTS
    python benchmarks/linear_baselines.py PARTS [PARTS ...] [--output results/baselines.csv]

The methods are TF-IDF with logistic regression, NB-SVM and fastText's classifier (skipped where it is not installed).
Each fits all its candidate settings on ``train.csv`` and keeps those with the best accuracy on ``validation.csv``; ties
go to the first, the most regularised. ``test.csv`` is measured once. Nothing is refitted on training and validation
together, as the networks are not either, and no unlabelled text is used.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from mt2st.errors import InputError, MissingExtraError
from mt2st.evaluation import classification_report
from mt2st.text import LabelledText, Tokeniser, check_classes, read_labelled

COLUMNS = ("method", "parts", "accuracy", "macro_f1", "validation_accuracy", "settings", "tried")
"""Columns of the file that ``--output`` writes."""
REGULARISATION = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""Inverse strengths of the L2 penalty that are tried (scikit-learn's C)."""
BETAS = (0.25, 0.5, 1.0)
"""NB-SVM's shares of the learned weights that are tried; its authors found 1/4 to 1/2 to be good."""
EPOCHS, RATES, NGRAMS = (5, 25, 50), (0.1, 0.5, 1.0), (1, 2)
"""Settings that are tried. With the first of each, fastText's defaults, it learns nothing from a thousand texts."""
BUCKETS = 200_000
"""Hash buckets for pairs of words: room for those of thousands of texts in a tenth of the default's 800 MB."""
PREFIX = "__label__"
SMOOTHING = 1.0
"""Added to every feature's count, the authors' alpha."""

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
    return LinearResult(method.name, dict(chosen), accuracy, tried, report, seconds)


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
        vectorizer = TfidfVectorizer(analyzer=_ngrams_of(self.tokeniser), sublinear_tf=True, min_df=self.min_count)
        features = vectorizer.fit_transform(texts)
        for strength in self.regularisation:
            model = LogisticRegression(C=strength, max_iter=1000).fit(features, labels)

            def predict(more: Sequence[str], model: LogisticRegression = model) -> NDArray[np.int64]:
                return np.asarray(model.predict(vectorizer.transform(more)), dtype=np.int64)

            yield {"C": strength}, predict


@dataclass(frozen=True)
class NaiveBayesSVM:
    """NB-SVM on words and pairs of neighbours (`NBSVM`).

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
        vectorizer = CountVectorizer(analyzer=_ngrams_of(self.tokeniser), binary=True)
        features = vectorizer.fit_transform(texts)
        for strength, beta in product(self.regularisation, self.betas):
            model = NBSVM(C=strength, beta=beta).fit(features, labels)

            def predict(more: Sequence[str], model: NBSVM = model) -> NDArray[np.int64]:
                return model.predict(vectorizer.transform(more))

            yield {"C": strength, "beta": beta}, predict


class NBSVM(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""The classifier of Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification".

    (ACL 2012.) With :math:`p` and :math:`q` the counts of the features in the texts of a class and of all others, each
    plus 1, the log-count ratio is

    .. math:: r = \log \frac{p / \lVert p \rVert_1}{q / \lVert q \rVert_1}

    A linear machine with weights :math:`w` and bias :math:`b` is fitted on the features times :math:`r`, and used with
    the weights :math:`(1 - \beta) \bar w + \beta w`, where :math:`\bar w` is the mean magnitude of :math:`w`: between
    naive Bayes and the machine alone. As in the paper, the machine is an L2-loss support vector machine. More than two
    classes are told apart one against the rest.

    Args:
        C: inverse strength of the L2 penalty, above 0.
        beta: share of the learned weights, in (0, 1]; at 1 the machine alone.

    Raises:
        InputError: when a parameter is out of its range.
    """

    def __init__(self, *, C: float = 1.0, beta: float = 0.25) -> None:
        if not (np.isfinite(C) and C > 0):
            raise InputError(f"C must be a finite number above 0, found {C!r}")
        if not 0 < beta <= 1:
            raise InputError(f"beta must be above 0 and at most 1, found {beta!r}")
        self.C, self.beta = C, beta

    def fit(self, features: csr_matrix, labels: NDArray[np.int64]) -> Self:
        """Fit on ``[n, features]`` presences (0 or 1) of features and ``[n]`` class numbers from 0, each occurring."""
        n_classes = int(labels.max()) + 1
        self.classes_ = np.arange(n_classes)
        machines = [1] if n_classes == 2 else range(n_classes)
        rows: list[tuple[Any, float]] = []
        for each in machines:
            belongs = labels == each
            ratio = log_count_ratio(features, belongs)
            machine = LinearSVC(C=self.C, random_state=0, max_iter=10_000).fit(features.multiply(ratio), belongs)
            weights, bias = machine.coef_[0], float(machine.intercept_[0])
            blended = (1 - self.beta) * np.abs(weights).mean() + self.beta * weights
            rows.append((ratio * blended, bias))
        self.weights_ = np.stack([weights for weights, _ in rows])
        self.biases_ = np.array([bias for _, bias in rows])
        return self

    def decision_function(self, features: csr_matrix) -> NDArray[np.float64]:
        """Return ``[n, classes]`` scores of ``[n, features]`` presences."""
        scores = features @ self.weights_.T + self.biases_
        return np.hstack([-scores, scores]) if scores.shape[1] == 1 else np.asarray(scores)

    def predict(self, features: csr_matrix) -> NDArray[np.int64]:
        """Return ``[n]`` class numbers of ``[n, features]`` presences."""
        return np.asarray(self.decision_function(features).argmax(axis=1), dtype=np.int64)


def log_count_ratio(features: csr_matrix, belongs: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the log-count ratio ``[features]`` of the rows that belong to a class and those that do not."""
    p, q = (SMOOTHING + np.asarray(features[rows].sum(axis=0)).ravel() for rows in (belongs, ~belongs))
    return np.asarray(np.log(p / p.sum()) - np.log(q / q.sum()), dtype=np.float64)


@dataclass(frozen=True)
class FastText:
    """fastText's supervised classifier (Joulin et al. 2016, arXiv 1607.01759), on one thread.

    It has no penalty: what regularises it are few epochs, a small learning rate and single words.

    Attributes:
        tokeniser: cuts the texts; the networks' own by default.
        epochs: passes over the training part to try.
        rates: learning rates to try.
        ngrams: longest runs of words to try as features.
        seed: decides its first vectors and the order of its negative samples.
    """

    tokeniser: Tokeniser = field(default_factory=Tokeniser)
    epochs: Sequence[int] = EPOCHS
    rates: Sequence[float] = RATES
    ngrams: Sequence[int] = NGRAMS
    seed: int = 1
    name: str = "fastText supervised"

    def candidates(self, texts: Sequence[str], labels: NDArray[np.int64]) -> Iterator[tuple[Choice, Predict]]:
        """Yield a model for each triple of settings.

        Raises:
            MissingExtraError: fastText is not installed.
        """
        try:
            from fasttext import train_supervised
        except ImportError as error:
            raise MissingExtraError("the baseline fastText", "fasttext") from error
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "train.txt"
            lines = (f"{PREFIX}{label} {self._line(text)}\n" for text, label in zip(texts, labels, strict=True))
            path.write_text("".join(lines), encoding="utf-8")
            for ngrams, epochs, rate in product(self.ngrams, self.epochs, self.rates):
                model = train_supervised(
                    str(path),
                    lr=rate,
                    epoch=epochs,
                    wordNgrams=ngrams,
                    bucket=BUCKETS,
                    thread=1,
                    seed=self.seed,
                    verbose=0,
                )

                def predict(more: Sequence[str], model: object = model) -> NDArray[np.int64]:
                    found, _ = model.predict([self._line(text) for text in more])  # type: ignore[attr-defined]
                    return np.array([int(each[0].removeprefix(PREFIX)) for each in found], dtype=np.int64)

                yield {"ngrams": ngrams, "epochs": epochs, "rate": rate}, predict

    def _line(self, text: str) -> str:
        return " ".join(self.tokeniser(text))


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


METHODS: tuple[LinearMethod, ...] = (TfIdfLogistic(), NaiveBayesSVM(), FastText())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--text", default="review")
    parser.add_argument("--label", default="sentiment")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    for folder in options.folders:
        parts = [
            read_labelled(folder / f"{name}.csv", text=options.text, label=options.label)
            for name in ("train", "validation", "test")
        ]
        print(f"{folder}: {', '.join(f'{len(part):,}' for part in parts)} texts")
        for method in METHODS:
            try:
                result = run_linear_baseline(method, *parts)
            except MissingExtraError as error:
                print(f"  {method.name}: left out, {error}")
                continue
            chosen = ", ".join(f"{name} = {value:g}" for name, value in result.chosen.items())
            print(
                f"  {result.name}: test accuracy {100 * result.test['accuracy']:.1f} %, macro F1 "
                f"{100 * result.test['macro_f1']:.1f} % (validation {100 * result.validation:.1f} %; {chosen}, the "
                f"best of {result.tried}; {result.seconds:.1f} s)",
                flush=True,
            )
            measures = (result.test["accuracy"], result.test["macro_f1"], result.validation)
            rows.append((result.name, folder.name, *(f"{each:.4f}" for each in measures), chosen, str(result.tried)))
    if options.output:
        with options.output.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


def table(path: Path) -> str:
    """Return the file as a Markdown table: the accuracy of each method on each split, in percent."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    splits = list(dict.fromkeys(row["parts"] for row in rows))
    found = {(row["method"], row["parts"]): f"{100 * float(row['accuracy']):.1f} %" for row in rows}
    methods = dict.fromkeys(row["method"] for row in rows)
    lines = [f"| method | {' | '.join(splits)} |", f"| --- |{' ---: |' * len(splits)}"]
    lines += [f"| {method} | {' | '.join(found.get((method, each), '-') for each in splits)} |" for method in methods]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
