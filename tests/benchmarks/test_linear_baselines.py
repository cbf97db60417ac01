from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from benchmarks.linear_baselines import (
    NBSVM,
    Choice,
    FastText,
    LinearMethod,
    NaiveBayesSVM,
    Predict,
    TfIdfLogistic,
    log_count_ratio,
    run_linear_baseline,
)
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mt2st.errors import InputError, MissingExtraError
from mt2st.text import LabelledText, read_labelled


def sample(n: int, seed: int) -> LabelledText:
    """Texts whose class shows in some of their words, three classes."""
    rng = np.random.default_rng(seed)
    words = {label: [f"{label}{number}" for number in range(30)] for label in ("sport", "art", "law")}
    common = [f"word{number}" for number in range(40)]
    labels = [str(each) for each in rng.choice(list(words), n)]
    texts = [" ".join([*rng.choice(words[label], 3), *rng.choice(common, 12)]) for label in labels]
    return LabelledText(texts, labels, source=f"sample {seed}")


FEW = FastText(epochs=(20,), rates=(0.5,), ngrams=(1,))


@pytest.mark.parametrize(
    "method",
    [TfIdfLogistic(regularisation=(1.0, 10.0)), NaiveBayesSVM(regularisation=(1.0,)), FEW],
    ids=lambda each: each.name,
)
def test_each_method_learns_words_of_three_classes(method: LinearMethod) -> None:
    if isinstance(method, FastText):
        pytest.importorskip("fasttext", reason="the extra fasttext is not installed")
    result = run_linear_baseline(method, sample(240, 1), sample(60, 2), sample(200, 3))
    assert result.test["accuracy"] > 0.9
    assert result.validation > 0.9
    assert set(result.chosen) <= {"C", "beta", "ngrams", "epochs", "rate"}


@dataclass
class Planted:
    """A method of three settings whose predictions on each part are given; it notes what it is asked."""

    name: str = "planted"
    asked: list[tuple[int, int]] = field(default_factory=list)

    def candidates(self, texts: Sequence[str], labels: NDArray[np.int64]) -> Iterator[tuple[Choice, Predict]]:
        right = {2: (1, 2, 2), 4: (4, 1, 4)}  # validation has 2 texts, the test part 4

        for setting in range(3):

            def predict(more: Sequence[str], setting: int = setting) -> NDArray[np.int64]:
                self.asked.append((setting, len(more)))
                return np.array([0] * right[len(more)][setting] + [1] * (len(more) - right[len(more)][setting]))

            yield {"setting": setting}, predict


def test_settings_are_chosen_on_validation_and_the_test_part_is_opened_once() -> None:
    method = Planted()
    parts = [LabelledText(["t"] * n, ["a"] * (n - extra) + ["b"] * extra) for n, extra in ((6, 3), (2, 0), (4, 0))]
    result = run_linear_baseline(method, *parts)
    assert result.chosen == {"setting": 1}, "the first of two that are equal on validation, though worse on the test"
    assert (result.validation, result.test["accuracy"], result.tried) == (1.0, 0.25, 3)
    assert method.asked == [(0, 2), (1, 2), (2, 2), (1, 4)]


def test_a_label_that_was_not_trained_on_is_refused() -> None:
    train, other = sample(30, 1), LabelledText(["a text"], ["weather"], source="test.csv")
    with pytest.raises(InputError, match=r"test.csv: the label 'weather' does not occur in the training part"):
        run_linear_baseline(TfIdfLogistic(), train, train, other)


def test_without_fasttext_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fasttext", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mt2st\[fasttext\]'"):
        run_linear_baseline(FEW, sample(30, 1), sample(30, 2), sample(30, 3))


# NB-SVM


def test_the_log_count_ratio_by_hand() -> None:
    features = csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1]]))
    # p = 1 + (2, 1, 0) of 6, q = 1 + (0, 1, 1) of 5
    expected = np.log([(3 / 6) / (1 / 5), (2 / 6) / (2 / 5), (1 / 6) / (2 / 5)])
    np.testing.assert_allclose(log_count_ratio(features, np.array([True, True, False])), expected)


def test_nb_svm_with_all_of_the_learned_weights_is_a_machine_on_ratio_features() -> None:
    from sklearn.svm import LinearSVC

    rng = np.random.default_rng(4)
    features, labels = csr_matrix(rng.integers(0, 2, (40, 15))), rng.integers(0, 2, 40)
    ratio = log_count_ratio(features, labels == 1)
    machine = LinearSVC(C=0.3, random_state=0, max_iter=10_000).fit(features.multiply(ratio), labels)
    found = NBSVM(C=0.3, beta=1.0).fit(features, labels).predict(features)
    np.testing.assert_array_equal(found, machine.predict(features.multiply(ratio)))


def test_nb_svm_with_almost_none_of_them_is_naive_bayes() -> None:
    rng = np.random.default_rng(5)
    features, labels = csr_matrix(rng.integers(0, 2, (60, 15))), np.arange(60) % 2
    scores = features @ log_count_ratio(features, labels == 1)
    model = NBSVM(C=1.0, beta=1e-9).fit(features, labels)
    order = np.argsort(scores)
    predicted = model.predict(features)[order]
    assert (np.diff(predicted) >= 0).all(), "the classes are cut by a bound on naive Bayes' score"


@pytest.mark.parametrize(("parameter", "value"), [("C", 0.0), ("C", float("nan")), ("beta", 0.0), ("beta", 1.5)])
def test_nb_svm_refuses_what_is_out_of_range(parameter: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{parameter} must be"):
        NBSVM(**{parameter: value})


def test_the_figures_on_imdb(shared_data: Path) -> None:
    """About 83 % on the 4,000 other reviews, where all settings are tried; here fewer of both."""
    reviews = read_labelled(shared_data / "imdb5k" / "imdb5k.csv.gz", text="review", label="sentiment")
    order = np.random.RandomState(24).permutation(len(reviews))
    train, validation, test = (reviews.select(order[cut]) for cut in (slice(750), slice(750, 850), slice(1000, 1600)))
    methods: list[LinearMethod] = [
        TfIdfLogistic(regularisation=(10.0,)),
        NaiveBayesSVM(regularisation=(0.01,), betas=(1.0,)),
    ]
    for method in methods:
        assert run_linear_baseline(method, train, validation, test).test["accuracy"] > 0.8
