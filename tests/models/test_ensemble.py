"""The network's linear partners: their scores, their weights, the choice, and what a folder keeps of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from mt2st import AdaptiveSwitch, MultiLabelClassifier, TextClassifier
from mt2st.models import Optimisation
from mt2st.models.ensemble import Ensemble, Examples, Partner, Pool, _pool, _Problem
from mt2st.models.ngram_classifier import SCALE, NgramClassifier, NgramFeatures, kinds_for
from mt2st.text import Tokeniser
from mt2st.training import Run, Trainer

Films = tuple[list[str], list[str]]
RNG = np.random.default_rng(0)
FAST: dict[str, Any] = {
    "encoder__name": "mean",
    "embedding__vector_size": 8,
    "optimisation__epochs": 2,
    "text__min_count": 1,
    "compute__parallel_context": False,
}


def one_hot(classes: Any, n_classes: int) -> np.ndarray:
    return np.asarray(classes)[:, np.newaxis] == np.arange(n_classes)


def test_its_scores_are_those_of_scikit_learns_machine_on_its_features(films: Films) -> None:
    texts, labels = films
    targets = np.array(labels)[:, np.newaxis] == np.array(["bad", "good"])
    found = NgramFeatures.of("words", Tokeniser(), texts).fit(targets, 0.3).scores(texts)
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+").fit_transform(texts)
    machine = LinearSVC(C=0.3, random_state=0).fit(features, targets[:, 1])
    np.testing.assert_allclose(found[:, 1], SCALE / 2 * machine.decision_function(features), atol=1e-3)
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-6)


def test_each_of_several_classes_has_a_score_and_a_class_without_texts_has_the_lowest() -> None:
    texts = ["red apple", "green pear", "blue plum"] * 3
    found = NgramFeatures.of("characters", Tokeniser(), texts).fit(one_hot([0, 1, 2] * 3, 4), 1.0).scores(texts)
    assert found.shape == (9, 4)
    assert found.argmax(axis=1).tolist() == [0, 1, 2] * 3
    assert (found[:, 3] < 0).all()


def test_texts_without_any_word_all_look_alike() -> None:
    found = NgramFeatures.of("words", Tokeniser(), ["\u200b", " "]).fit(one_hot([0, 1], 2), 1.0).scores(["\u200b", "x"])
    assert np.isfinite(found).all()


def test_weights_of_texts_reach_the_machine() -> None:
    texts, targets = ["a b", "a c"] * 4, one_hot([0, 1] * 4, 2)
    features = NgramFeatures.of("words", Tokeniser(), texts)
    heavy = features.fit(targets, 1.0, weights=np.array([9.0, 0.1] * 4)).scores(["a"])
    assert heavy[0, 0] > features.fit(targets, 1.0).scores(["a"])[0, 0] + 0.1


def test_a_class_whose_texts_have_weight_0_is_not_there() -> None:
    features = NgramFeatures.of("words", Tokeniser(), ["a x", "b y", "c z", "a x x"])
    targets = np.array([0, 1, 2, 0])[:, np.newaxis] == np.arange(3)
    scores = features.fit(targets, 1.0, weights=np.array([1.0, 1.0, 0.0, 1.0])).scores(["a x", "b y", "c z"])
    assert (scores[:, 2] < scores[:, :2].max(axis=1)).all()
    none = features.fit(targets, 1.0, weights=np.zeros(4)).scores(["a x"])
    assert (none == none[0, 0]).all()


def test_several_labels_a_text_have_a_machine_each_even_where_there_are_two() -> None:
    features = NgramFeatures.of("words", Tokeniser(), ["a x", "b y", "a x x", "b y y"])
    targets = np.array([[True, False], [False, True]] * 2)
    joint, apart = (features.fit(targets, 1.0, independent=each).scores(["a x"]) for each in (False, True))
    np.testing.assert_allclose(apart, 2 * joint, rtol=1e-3)


def test_characters_are_for_short_texts() -> None:
    assert kinds_for(["short"]) == ("words", "characters")
    assert kinds_for(["long " * 200]) == ("words",)


@pytest.mark.parametrize("kind", ["words", "characters"])
def test_what_a_folder_keeps_gives_the_same_scores(kind: Any, films: Films) -> None:
    texts = [*films[0], "don't  stop\nnow", "\u00e9t\u00e9"]
    fitted = NgramFeatures.of(kind, Tokeniser(), texts).fit(one_hot(np.arange(len(texts)) % 3, 3), 1.0)
    again = NgramClassifier.restored(kind, Tokeniser(), fitted.arrays())
    np.testing.assert_allclose(again.scores(texts), fitted.scores(texts), atol=1e-5)


@pytest.mark.parametrize("kind", ["words", "characters"])
@given(st.lists(st.text("ab .'É\u00e9\u0301\n\t\u3000<br>1", max_size=30), min_size=1, max_size=4), st.booleans())
def test_texts_are_scored_as_scikit_learn_scores_them(kind: Any, texts: list[str], lowercase: bool) -> None:
    tokeniser = Tokeniser(lowercase=lowercase)
    features = NgramFeatures.of(kind, tokeniser, ["a 1b c", "B é ab ab", *texts[:2]])
    fitted = features.fit(one_hot([number % 2 for number in range(features.features.shape[0])], 2), 1.0)
    of_scikit_learn = features.vectoriser.transform(texts)
    np.testing.assert_allclose(fitted.scores(texts), fitted.scores_of(of_scikit_learn), atol=1e-5)
    assert fitted.knows(texts).tolist() == (of_scikit_learn.getnnz(axis=1) > 0).tolist()


@given(st.booleans(), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_the_gradient_of_the_pools_loss_is_that_of_differences(independent: bool, parts: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = [rng.normal(size=(6, 3)) for _ in range(parts)]
    targets = rng.random((6, 3)) < 0.5 if independent else one_hot(rng.integers(3, size=6), 3)
    problem = _Problem(targets.astype(float), rng.random(6) + 0.5, independent)

    def loss(weights: np.ndarray) -> float:
        return problem.loss_and_gradient(np.tensordot(weights, np.stack(scores), 1))[0]

    weights = rng.random(parts)
    of_scores = problem.loss_and_gradient(np.tensordot(weights, np.stack(scores), 1))[1]
    np.testing.assert_allclose(
        (np.stack(scores) * of_scores).sum(axis=(1, 2)), approx_fprime(weights, loss), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("independent", [False, True])
def test_what_knows_nothing_gets_little_weight_and_what_is_too_sure_is_calmed(independent: bool) -> None:
    classes = RNG.integers(2, size=2000)
    targets = one_hot(classes, 2)
    right = np.where(RNG.random(2000) < 0.8, classes, 1 - classes)
    informed = np.where(one_hot(right, 2), 10.0, -10.0)  # right in 80 %, but certain
    noise = RNG.normal(size=(2000, 2))
    pool = Pool.fit([informed, noise], targets, independent=independent)
    found = pool.probabilities([informed, noise])
    assert pool.weights[1] < 0.1
    assert 0.75 < found[np.arange(2000), right].mean() < 0.85
    assert pool.loss([informed, noise], targets) < Pool(np.ones(2), independent).loss([informed, noise], targets)


def test_with_few_texts_the_weights_stay_near_equal() -> None:
    scores = [np.array([[3.0, -3.0], [-3.0, 3.0]])] * 2
    weights = Pool.fit(scores, one_hot([0, 1], 2)).weights
    assert weights[0] == pytest.approx(weights[1])
    assert 0.2 < weights[0] < 5


def test_a_partner_that_does_not_help_is_left_out() -> None:
    texts = [f"{'good' if number % 2 else 'bad'} {number}" for number in range(80)]
    examples = Examples(texts, one_hot([number % 2 for number in range(80)], 2))
    perfect = np.where(examples.targets, 1 - 1e-9, 1e-9)
    useless = np.full((80, 2), 0.5)
    partners = Partner.fitted(examples, examples, independent=False, tokeniser=Tokeniser())
    assert Ensemble.choose(partners, examples, useless, independent=False).members
    assert len(Ensemble.choose(partners, examples, perfect, independent=False).pool.weights) <= 2


@pytest.mark.parametrize("kind", [TextClassifier, MultiLabelClassifier])
def test_a_saved_model_predicts_the_same(kind: Any, films: Films, tmp_path: Path) -> None:
    texts, labels = films
    model = kind("switch").set_params(**FAST)
    model.fit(texts, labels if kind is TextClassifier else [[label] for label in labels])
    assert model.ensemble_.members
    model.save(tmp_path / "model")
    again = kind.load(tmp_path / "model")
    np.testing.assert_allclose(again.predict_proba(texts), model.predict_proba(texts), atol=1e-6)
    assert again.ensemble_.config() == model.ensemble_.config()
    assert "Weights of the scores: the network" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")


def test_without_it_the_network_is_alone(films: Films) -> None:
    assert TextClassifier("switch").set_params(**FAST, encoder__linear=False).fit(*films).ensemble_ is None


def test_the_final_fit_learns_from_all_and_the_metrics_are_from_before_it(films: Films) -> None:
    texts, labels = [*films[0], *(f"only{number} fine" for number in range(20))], [*films[1], *["good"] * 20]
    whole, part = (
        TextClassifier("switch").set_params(**FAST).fit(texts, labels, final_fit=final) for final in (True, False)
    )
    assert whole.metrics_["validation"] == part.metrics_["validation"]
    assert len(whole.vocabulary_) > len(part.vocabulary_)
    assert len(whole.validation_probabilities_) == round(0.2 * len(texts))
    held_out = (["fine film", "dull film"], ["good", "bad"])
    given = TextClassifier("switch").set_params(**FAST).fit(texts, labels, validation=held_out)
    assert len(given.validation_probabilities_) == 2  # never learned from


def test_the_final_fit_turns_tasks_off_when_the_choice_did(films: Films, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Run] = []
    fit = Trainer.fit
    monkeypatch.setattr(Trainer, "fit", lambda trainer: runs.append(fit(trainer)) or runs[-1])
    strategy = AdaptiveSwitch(minimum_gain=100.0)  # nothing is such a gain: off after the second evaluation
    TextClassifier(strategy).set_params(**FAST).set_params(optimisation__epochs=4).fit(*films)
    chosen, final = runs
    assert len(final.evaluations) == chosen.best + 1
    weights = [[each.weights["context"] for each in run.evaluations] for run in runs]
    assert weights[0][: len(weights[1])] == weights[1] == [1.0, 1.0, 0.0, 0.0]


def test_a_model_is_chosen_by_what_it_will_predict(films: Films) -> None:
    """Also of texts without a known word, which get the shares of the classes."""
    others = [*films[0][:6], "unheard", "unseen"], [*films[1][:6], "good", "bad"]
    model = TextClassifier("switch").set_params(**FAST).fit(*films, validation=others)
    assert model.metrics_["validation"] == pytest.approx(model.evaluate(*others))
    assert model.validation_probabilities_[-1].tolist() == model.class_prior_.tolist() == [0.5, 0.5]
    few = TextClassifier().fit(*films, validation=others)
    assert few.choice_.startswith("few labels")
    assert few.metrics_["validation"] == pytest.approx(few.evaluate(*others))


def test_a_label_that_only_the_texts_to_choose_by_have_counts_as_not_found() -> None:
    texts = ["a good film", "a bad film", "good and long", "bad and long"] * 6
    labels = [["good"], ["bad"], ["good", "long"], ["bad", "long"]] * 6
    others = (["a good film", "a horror film"], [["good"], ["horror"]])
    model = MultiLabelClassifier(encoder="mean", optimisation=Optimisation(epochs=1))
    model.fit(texts, labels, validation=others)
    assert "horror" not in model.classes_
    assert model.metrics_["validation"]["micro_recall"] < 1


def test_what_is_better_by_chance_on_few_texts_does_not_take_all_the_weight() -> None:
    rng = np.random.default_rng(0)
    right = rng.integers(2, size=60)
    signs = np.where(one_hot(right, 2), 1.0, -1.0)
    better, worse = (signs * rng.normal(mean, 2.0, (60, 1)) for mean in (2.0, 0.5))
    held_out = Examples([""] * 60, one_hot(right, 2))
    first, second = _pool([better, worse], held_out, independent=False).weights
    alone, other = Pool.fit([better, worse], held_out.targets).weights
    assert first / second < 0.8 * alone / other
