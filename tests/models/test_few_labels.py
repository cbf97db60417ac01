"""Learning from few labels: word vectors first, all else in closed form, and labels of the classifier's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mt2st import Diminish, TextClassifier
from mt2st.models import Encoder, Optimisation, Predictor, few_labels
from mt2st.models.choice import LEAST_PASSES, MOST_PASSES, WORDS_READ, _passes
from mt2st.models.ensemble import Examples, Pool
from mt2st.models.few_labels import MOST_OWN_LABELS, NEVER, VECTOR_STRENGTH, Fold, _certain, _Data, _folds, _regression
from mt2st.models.ngram_classifier import NgramFeatures
from mt2st.text import Tokeniser

TOPICS = {
    "sport": ["match", "goal", "team", "player", "coach", "league", "win", "lose", "season", "cup"],
    "money": ["bank", "market", "share", "price", "profit", "tax", "trade", "stock", "growth", "firm"],
}


def articles(count: int, *, seed: int) -> tuple[list[str], list[str]]:
    """Return texts of two topics; each has six of its topic's ten words among words of both."""
    rng = np.random.default_rng(seed)
    common = ["the", "a", "of", "in", "said", "was", "for", "on", "with", "it"]
    labels = [list(TOPICS)[number % 2] for number in range(count)]
    texts = [" ".join(rng.permutation([*rng.choice(TOPICS[each], 6), *rng.choice(common, 6)])) for each in labels]
    return texts, labels


@pytest.fixture(scope="module")
def model() -> TextClassifier:
    return TextClassifier().fit(*articles(20, seed=1), unlabelled=articles(300, seed=2)[0])


def test_it_learns_a_topic_from_ten_texts(model: TextClassifier) -> None:
    assert model.score(*articles(200, seed=3)) > 0.95
    assert model.choice_.startswith("few labels (20): word vectors of all text first")
    assert not model.run_.evaluations
    assert model.settings_.encoder.name == "mean"
    assert model.metrics_["validation"]["accuracy"] > 0.8
    assert model.validation_probabilities_.shape == (20, 2)


def test_certain_unlabelled_texts_are_learned_from(model: TextClassifier) -> None:
    assert "unlabelled texts got labels of the classifier's own" in model.choice_


def test_copies_of_labelled_texts_are_no_unlabelled_ones() -> None:
    texts, labels = articles(40, seed=1)
    assert "labels of the classifier's own" not in TextClassifier().fit(texts, labels, unlabelled=texts * 5).choice_


def test_its_head_gives_the_probabilities_of_the_regression(model: TextClassifier, tmp_path: Path) -> None:
    texts = articles(10, seed=4)[0]
    model.save(tmp_path / "model")
    np.testing.assert_allclose(TextClassifier.load(tmp_path / "model").predict_proba(texts), model.predict_proba(texts))
    np.testing.assert_allclose(
        Predictor.load(tmp_path / "model").predict_proba(texts), model.predict_proba(texts), atol=1e-5
    )


def test_a_loaded_model_learns_again_as_the_saved_one_did(model: TextClassifier, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert again.get_params() == TextClassifier(Diminish()).get_params()
    again.fit(*articles(20, seed=1), unlabelled=articles(300, seed=2)[0])
    texts = articles(10, seed=4)[0]
    np.testing.assert_array_equal(again.predict_proba(texts), model.predict_proba(texts))
    assert again.choice_ == model.choice_


def test_a_seed_repeats_it(model: TextClassifier) -> None:
    again = TextClassifier().fit(*articles(20, seed=1), unlabelled=iter(articles(300, seed=2)[0]))
    texts = articles(50, seed=5)[0]
    assert np.abs(again.predict_proba(texts) - model.predict_proba(texts)).max() < 0.2


@pytest.mark.parametrize(
    "settings",
    [{"encoder": "mean"}, {"optimisation": Optimisation(epochs=1)}, {"encoder": Encoder(linear=False)}],
    ids=["encoder", "epochs", "network alone"],
)
def test_what_is_said_about_the_training_is_done(settings: dict[str, object]) -> None:
    assert TextClassifier(**settings).fit(*articles(20, seed=1)).run_.evaluations


def test_single_task_training_has_no_vectors_of_all_text() -> None:
    assert TextClassifier("single-task").fit(*articles(20, seed=1)).run_.evaluations


def test_a_class_with_one_text_is_learned_too() -> None:
    texts, labels = articles(20, seed=1)
    found = TextClassifier().fit([*texts, "rain sun wind"], [*labels, "weather"])
    assert found.classes_.tolist() == ["money", "sport", "weather"]
    assert np.isfinite(found.predict_proba(texts)).all()


def test_labels_of_its_own_weigh_no_more_than_some_of_the_given_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, _ = articles(400, seed=6)
    vectors = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    targets = np.arange(4)[:, np.newaxis] % 2 == np.arange(2)
    data = _Data(targets, None, vectors, [NgramFeatures.of("words", Tokeniser(), texts)])
    learned, given = data.fitted(data.labelled), []
    monkeypatch.setattr(few_labels, "_regression", lambda *found: (given.append(found[2]), _regression(*found))[1])
    _, own = data.self_trained(learned, Pool(np.array([1.0, 50.0])))
    assert own > 20
    assert given[-1][:4].tolist() == [1.0] * 4
    assert given[-1][4:].sum() == pytest.approx(MOST_OWN_LABELS * 4)
    nothing, none = data.self_trained(learned, Pool(np.array([1e-6, 1e-6])))
    assert none == 0
    np.testing.assert_array_equal(nothing.weights, learned.weights)


def test_the_regression_is_scikit_learns_and_a_class_without_texts_is_never_predicted() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    vectors, classes = rng.normal(size=(30, 3)).astype(np.float32), rng.integers(2, size=30)
    targets = classes[:, np.newaxis] == np.arange(3)
    weights, biases = _regression(vectors, targets, np.ones(30))
    scores = vectors @ weights.T + biases
    found = np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
    usual = LogisticRegression(C=VECTOR_STRENGTH, max_iter=1000).fit(vectors, classes).predict_proba(vectors)
    np.testing.assert_allclose(found[:, :2], usual, atol=1e-4)
    assert found[:, 2].max() < 1e-6


def test_texts_to_choose_by_are_measured_on_and_never_learned_from(model: TextClassifier) -> None:
    held_out = articles(30, seed=7)
    found = TextClassifier().fit(*articles(20, seed=1), validation=held_out)
    np.testing.assert_allclose(found.validation_probabilities_, found.predict_proba(held_out[0]), atol=1e-6)
    assert found.metrics_["validation"]["accuracy"] == found.score(*held_out)
    assert found.choice_.startswith("few labels (20)")


def test_a_handful_of_words_is_enough() -> None:
    texts = ["good film", "bad film", "nice plot", "poor plot"]
    model = TextClassifier().fit(texts * 3, [1, 0, 1, 0] * 3)
    assert model.predict(texts).tolist() == [1, 0, 1, 0]
    assert model.settings_.embedding.init == "random"


def test_its_own_labels_have_the_classes_in_the_shares_of_the_given_ones() -> None:
    of_first = np.array([0.91, 0.99, 0.92, 0.98, 0.93, 0.97, 0.5, 0.08, 0.01, 0.2], dtype=np.float32)
    guessed = np.stack([of_first, 1 - of_first], axis=1)
    assert _certain(guessed, np.array([5.0, 5.0])).tolist() == [1, 3, 7, 8]  # the surest of the first class
    assert _certain(guessed, np.array([6.0, 2.0])).tolist() == [0, 1, 2, 3, 4, 5, 7, 8]
    assert _certain(guessed[:7], np.array([5.0, 5.0])).tolist() == []  # one class alone would take over
    assert _certain(guessed, np.array([6.0, 0.0])).tolist() == [0, 1, 2, 3, 4, 5]  # the other has no label


def test_vectors_of_little_text_are_trained_over_more_passes() -> None:
    cut, some, between = Tokeniser(), ["a word"] * 1000, ["a word"] * (WORDS_READ // 20 // 2)
    assert _passes(cut, some) == MOST_PASSES
    assert _passes(cut, between) == _passes(cut, between[9:], between[:9]) == 20
    assert _passes(cut, ["a word"] * WORDS_READ) == LEAST_PASSES


def data_of(texts: list[str], labels: list[str], weights: list[float] | None = None) -> tuple[_Data, list[Fold]]:
    classes = sorted(set(labels))
    targets = np.array(labels)[:, np.newaxis] == np.array(classes)
    given = None if weights is None else np.array(weights, dtype=np.float32)
    features = [NgramFeatures.of("words", Tokeniser(), texts)]
    vectors = np.random.default_rng(0).normal(size=(len(texts), 2)).astype(np.float32)
    return _Data(targets, given, vectors, features), _folds(Examples(texts, targets, given), 1)


def weights_of(data: _Data, folds: list[Fold]) -> tuple[list[float], float]:
    pool, loss, _ = data.pooled(folds, data.held_out_scores(folds, None))
    return pool.weights.tolist(), loss


def test_copies_of_a_text_are_held_out_together() -> None:
    texts, labels = (each * 3 for each in articles(40, seed=1))
    _, folds = data_of(texts, labels)
    assert all(not {texts[row] for row in train} & {texts[row] for row in held_out} for train, held_out in folds)
    repeats = -(-300 // len(texts))
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == sorted([*range(len(texts))] * repeats)


def test_a_class_with_one_text_takes_nothing_from_what_the_others_say() -> None:
    texts, labels = articles(40, seed=1)
    usual, _ = weights_of(*data_of(texts, labels))
    rare, _ = weights_of(*data_of([*texts, "a strange thing", "another odd one"], [*labels, "odd", "strange"]))
    assert rare[1] > usual[1] / 2  # it fell to a tenth when these texts, which nobody can know, counted


def test_texts_of_weight_0_decide_nothing() -> None:
    texts, labels = articles(40, seed=1)
    others = articles(40, seed=2)[0]
    flipped = ["money" if each == "sport" else "sport" for each in labels]
    data, folds = data_of(texts + others, labels + flipped, [1.0] * 40 + [0.0] * 40)
    (ngrams,) = data.ngrams
    features = [replace(ngrams, features=ngrams.features[:40])]
    alone = _Data(data.targets[:40], None, data.vectors[:40], features)
    of_alone = [(train[train < 40], rows[rows < 40]) for train, rows in folds]
    weights, loss = weights_of(data, folds)
    expected, loss_alone = weights_of(alone, of_alone)
    assert (*weights, loss) == pytest.approx((*expected, loss_alone), rel=1e-4)
    model = TextClassifier().fit(texts + others, labels + flipped, sample_weight=[1.0] * 40 + [0.0] * 40)
    assert model.score(*articles(200, seed=3)) > 0.9


def test_a_class_whose_texts_have_weight_0_is_never_predicted() -> None:
    texts, labels = articles(40, seed=1)
    data, _ = data_of([*texts, "odd one", "odd two"], [*labels, "odd", "odd"], [1.0] * 40 + [0.0] * 2)
    assert data.fitted(data.labelled).biases[1] == NEVER


def test_a_generator_of_unlabelled_texts_is_still_there_for_the_training() -> None:
    model = TextClassifier().fit(*articles(20, seed=1), unlabelled=iter(articles(300, seed=2)[0]))
    assert "unlabelled texts got labels" in model.choice_
