"""Scores of n-grams beside the encoder, as a setting of models."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.models import MultiLabelClassifier, Tagger, TextClassifier
from mt2st.models.assembly import new_network
from mt2st.models.problem_types import Classification, Tagging
from mt2st.models.settings import ModelSettings
from mt2st.network import Network, NgramScores
from mt2st.strategy import PRIMARY_TASK, Switch
from mt2st.study.paper.protocol import QUICK, REFERENCE, SOUND
from mt2st.training import Callback, Trainer

TEXTS = ["not good", "good not", "not bad at all", "bad at all not"] * 6
LABELS = ["no", "yes", "yes", "no"] * 6


def make(**settings: Any) -> TextClassifier:
    small = {
        "encoder__name": "mean",
        "embedding__vector_size": 4,
        "optimisation__epochs": 12,
        "optimisation__batch_size": 4,
        "text__min_count": 1,
        "encoder__dropout": 0.0,
        "optimisation__learning_rate": 0.05,
        "compute__parallel_context": False,
        "optimisation__average": 0.0,
        "encoder__word_ngrams": 2,
    }
    return TextClassifier(strategy=Switch(at=3)).set_params(**(small | settings))


def test_word_order_is_learnt_with_a_mean_encoder(tmp_path: Path) -> None:
    classifier = make().fit(TEXTS, LABELS, validation=(TEXTS, LABELS))
    assert classifier.evaluate(TEXTS, LABELS)["accuracy"] == 1.0
    assert make(encoder__word_ngrams=1).fit(TEXTS, LABELS).evaluate(TEXTS, LABELS)["accuracy"] == 0.5
    classifier.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert again.settings_.encoder.word_ngrams == 2
    assert np.array_equal(again.predict_proba(TEXTS), classifier.predict_proba(TEXTS))


def test_the_scores_learn_at_the_rate_of_the_heads_and_are_averaged_with_them() -> None:
    slow = make(optimisation__head_learning_rate=1e-9, optimisation__epochs=2, optimisation__average=0.5).fit(
        TEXTS, LABELS
    )
    table = slow.network_.ngrams[PRIMARY_TASK].table
    assert 0 < float(table.detach().abs().max()) < 1e-6
    assert table.shape == (262_144, 2)


class Ratios(Callback):
    """Keeps the ratios that a training begins with."""

    def on_fit_start(self, trainer: Trainer) -> None:
        assert isinstance(trainer.module, Network)
        self.layer = copy.deepcopy(trainer.module.ngrams[PRIMARY_TASK])

    def of(self, model: TextClassifier | MultiLabelClassifier, *words: str) -> NDArray[np.float32]:
        rows = self.layer._rows(torch.tensor([[model.vocabulary_.id_of(word)] for word in words]))[:, 0]
        return self.layer.ratios[rows].numpy()


def test_they_are_weighed_by_the_texts_to_learn_from() -> None:
    classifier, ratios = make(optimisation__epochs=1, encoder__word_ngrams=1), Ratios()
    classifier.fit(TEXTS, LABELS, validation=(["good good"] * 9, ["no"] * 9), callbacks=[ratios])
    # 'good' is in 6 of the 12 texts of each class, 'not' in all, 'bad' in the 6 others of each.
    np.testing.assert_allclose(ratios.of(classifier, "good", "not", "bad"), 0, atol=1e-6)
    texts, labels = TEXTS + ["good"] * 6, LABELS + ["yes"] * 6
    classifier.fit(texts, labels, validation=(TEXTS, LABELS), callbacks=[ratios])
    share = (36 + 6) / (36 + 6 + 36)  # of all words those of 'yes'; 'good' is in 12 of its texts and 6 of the others
    expected = np.log((12 + 2 * share) / (6 + 2 * (1 - share))) - np.log(share / (1 - share))
    np.testing.assert_allclose(ratios.of(classifier, "good")[0], [-expected, expected], rtol=1e-5)


def test_rows_of_weight_0_count_for_no_ratio() -> None:
    classifier, ratios = make(optimisation__epochs=1, encoder__word_ngrams=1), Ratios()
    texts, labels = ["good good"] * 3 + ["bad"] * 5, ["yes"] * 3 + ["no"] * 5
    classifier.fit(texts, labels, validation=(TEXTS, LABELS), callbacks=[ratios])
    without = ratios.of(classifier, "good", "bad")
    more, weights = [*texts, *["good"] * 4], [3.0] * 8 + [0.0] * 4
    classifier.fit(more, [*labels, *["no"] * 4], sample_weight=weights, validation=(TEXTS, LABELS), callbacks=[ratios])
    np.testing.assert_allclose(ratios.of(classifier, "good", "bad"), without, rtol=1e-5)


def test_several_labels_are_weighed_each_for_itself() -> None:
    classifier, ratios = (
        MultiLabelClassifier().set_params(
            encoder__name="mean",
            embedding__vector_size=4,
            optimisation__epochs=1,
            optimisation__batch_size=4,
            text__min_count=1,
            compute__parallel_context=False,
            encoder__word_ngrams=1,
        ),
        Ratios(),
    )
    texts, labels = ["red", "blue", "red blue", "green"] * 4, [["r"], ["b"], ["r", "b"], []] * 4
    classifier.fit(texts, labels, validation=(texts, labels), callbacks=[ratios])
    # Of the texts with red, blue and green 8, 4 and 0 have the label 'r', which 12 of all 20 words do.
    inside, others = np.array([8, 4, 0]) + 2 * 0.6, np.array([0, 4, 4]) + 2 * 0.4
    of_r = ratios.of(classifier, "red", "blue", "green")[:, classifier.classes_.tolist().index("r")]
    np.testing.assert_allclose(of_r, np.log(inside / others) - np.log(0.6 / 0.4), rtol=1e-5)


def test_ratios_make_a_difference_and_are_in_the_table_in_the_end(tmp_path: Path) -> None:
    texts, labels = TEXTS + ["good"] * 6, LABELS + ["yes"] * 6
    classifier, alike = (
        make(encoder__ngram_ratios=each).fit(texts, labels, validation=(texts, labels)) for each in (True, False)
    )
    assert not np.allclose(classifier.predict_proba(TEXTS), alike.predict_proba(TEXTS), atol=1e-3)
    assert classifier.network_.state_dict().keys() == alike.network_.state_dict().keys()
    assert classifier.network_.ngrams[PRIMARY_TASK].ratios is None
    classifier.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert np.array_equal(again.predict_proba(TEXTS), classifier.predict_proba(TEXTS))
    measured = classifier.evaluate(texts, labels)
    assert measured["loss"] == pytest.approx(classifier.metrics_["validation"]["loss"], rel=1e-5)


def test_words_outside_the_vocabulary_are_one_word_to_the_ratios_too() -> None:
    texts = [f"{text} {chr(97 + number) * 4}" for number, text in enumerate(TEXTS)]  # a rare word in each
    ratios = Ratios()
    classifier = make(
        context__method="skipgram-fasttext",
        embedding__bucket=100,
        text__min_count=2,
        optimisation__epochs=1,
        encoder__word_ngrams=1,
    )
    classifier.fit(texts, LABELS, callbacks=[ratios])
    # not, good, bad, at, all, and one that stands for any rare word
    assert int((ratios.layer.ratios != 0).any(dim=1).sum()) <= 6


def test_the_primary_task_alone_has_them() -> None:
    heads = {PRIMARY_TASK: (Classification(), 2), "other": (Classification(), 3)}
    embedding = torch.nn.Embedding(5, 4)
    assert set(new_network(make().settings, embedding, heads).ngrams) == {PRIMARY_TASK}
    assert not new_network(make(encoder__word_ngrams=0).settings, embedding, heads).ngrams


def test_words_and_pairs_are_scored_by_default_but_for_a_tagger_and_in_the_papers_experiments() -> None:
    embedding, settings = torch.nn.Embedding(5, 4), ModelSettings()
    layer = new_network(settings, embedding, {PRIMARY_TASK: (Classification(), 2)}).ngrams[PRIMARY_TASK]
    assert isinstance(layer, NgramScores)
    assert layer.longest == 2
    assert not new_network(settings, embedding, {PRIMARY_TASK: (Tagging(), 2)}).ngrams
    for protocol in (SOUND, QUICK, REFERENCE):
        assert ModelSettings().updated(**protocol.settings).encoder.longest_ngram == 0


def test_words_that_no_one_has_seen_are_scored_too() -> None:
    classifier = make(context__method="skipgram-fasttext", embedding__bucket=100).fit(TEXTS, LABELS)
    rows = classifier.predict_proba(["goodish notter", "not good", ""])
    assert np.isfinite(rows).all()


def test_what_is_learnt_of_a_rare_word_is_not_said_of_another_one_that_has_its_number_in_other_texts() -> None:
    texts = [f"{text} {chr(97 + number) * 4}" for number, text in enumerate(TEXTS)]  # a rare word in each
    classifier = make(context__method="skipgram-fasttext", embedding__bucket=100, text__min_count=2, auxiliaries=())
    classifier.fit(texts, LABELS, validation=(texts, LABELS))
    alone = classifier.predict_proba(["good qqqq"])
    among = classifier.predict_proba(["bad vvvv not wwww", "good qqqq", "zzzz"])
    np.testing.assert_allclose(among[1:2], alone, rtol=1e-5)


def test_a_tagger_refuses_them() -> None:
    tagger = Tagger(strategy=Switch(at=3)).set_params(encoder__word_ngrams=2, encoder__name="mean")
    with pytest.raises(InputError, match="word_ngrams is 2, but n-grams score whole texts"):
        tagger.fit([["a", "b"]] * 4, [["X", "Y"]] * 4)
