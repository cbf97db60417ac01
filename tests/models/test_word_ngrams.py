"""Scores of n-grams beside the encoder, as a setting of models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mt2st.errors import InputError
from mt2st.models import MultiLabelClassifier, Tagger, TextClassifier
from mt2st.models.assembly import new_network
from mt2st.models.kinds import Classification
from mt2st.models.labelled_auxiliaries import PRIMARY
from mt2st.strategy import Switch

TEXTS = ["not good", "good not", "not bad at all", "bad at all not"] * 6
LABELS = ["no", "yes", "yes", "no"] * 6


def make(**settings: Any) -> TextClassifier:
    small = {
        "encoder": "mean", "vector_size": 4, "epochs": 12, "batch_size": 4, "min_count": 1, "dropout": 0.0,
        "learning_rate": 0.05, "beside": False, "average": 0.0, "word_ngrams": 2,
    }  # fmt: skip
    return TextClassifier(strategy=Switch(at=3), **(small | settings))


def test_word_order_is_learnt_with_a_mean_encoder(tmp_path: Path) -> None:
    classifier = make().fit(TEXTS, LABELS, validation=(TEXTS, LABELS))
    assert classifier.evaluate(TEXTS, LABELS)["accuracy"] == 1.0
    assert make(word_ngrams=1).fit(TEXTS, LABELS).evaluate(TEXTS, LABELS)["accuracy"] == 0.5
    classifier.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert again.word_ngrams == 2
    assert np.array_equal(again.predict_proba(TEXTS), classifier.predict_proba(TEXTS))


def test_the_scores_learn_at_the_rate_of_the_heads_and_are_averaged_with_them() -> None:
    slow = make(head_learning_rate=1e-9, epochs=2, average=0.5).fit(TEXTS, LABELS)
    table = slow.network_.ngrams[PRIMARY].table
    assert 0 < float(table.detach().abs().max()) < 1e-6
    assert table.shape == (262_144, 2)


def test_they_are_weighed_by_the_texts_to_learn_from() -> None:
    classifier = make(epochs=1, word_ngrams=1).fit(TEXTS, LABELS, validation=(["good good"] * 9, ["no"] * 9))
    layer, vocabulary = classifier.network_.ngrams[PRIMARY], classifier.vocabulary_

    def ratio(word: str) -> list[float]:
        row = layer._rows(torch.tensor([[vocabulary.id_of(word)]]))[0, 0]
        return layer.ratios[row].tolist()

    # 'good' is in 6 of the 12 texts of each class, 'not' in all, 'bad' in the 6 others of each.
    for word in ("good", "not", "bad"):
        np.testing.assert_allclose(ratio(word), 0, atol=1e-6)
    texts, labels = TEXTS + ["good"] * 6, LABELS + ["yes"] * 6
    uneven = make(epochs=1, word_ngrams=1).fit(texts, labels, validation=(TEXTS, LABELS))
    layer, vocabulary = uneven.network_.ngrams[PRIMARY], uneven.vocabulary_
    in_yes, in_no = 13 / (13 + 13 + 3 * 7), 7 / (7 + 13 + 3 * 7)  # good, not, and bad, at, all
    np.testing.assert_allclose(ratio("good"), [np.log(in_no / in_yes), np.log(in_yes / in_no)], rtol=1e-5)


def test_several_labels_are_weighed_each_for_itself() -> None:
    classifier = MultiLabelClassifier(
        encoder="mean", vector_size=4, epochs=1, batch_size=4, min_count=1, beside=False, word_ngrams=1,
    )  # fmt: skip
    texts, labels = ["red", "blue", "red blue", "green"] * 4, [["r"], ["b"], ["r", "b"], []] * 4
    classifier.fit(texts, labels, validation=(texts, labels))
    layer, vocabulary = classifier.network_.ngrams[PRIMARY], classifier.vocabulary_
    rows = layer._rows(torch.tensor([[vocabulary.id_of(word)] for word in ("red", "blue", "green")]))[:, 0]
    # 16 texts of red, blue, green: those with the label 'r' have 8, 4 and 0 of them, the others 0, 4 and 4.
    r = np.log(np.array([9, 5, 1]) / 15) - np.log(np.array([1, 5, 5]) / 11)
    column = classifier.classes_.index("r")
    np.testing.assert_allclose(layer.ratios[rows, column].numpy(), r, rtol=1e-5)


def test_without_ratios_there_are_none_and_a_model_of_before_there_were_any_is_read(tmp_path: Path) -> None:
    classifier = make(word_ngram_ratios=False).fit(TEXTS, LABELS)
    assert classifier.network_.ngrams[PRIMARY].ratios is None
    classifier.save(tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    there = json.loads(config.read_text())
    del there["settings"]["word_ngram_ratios"]
    config.write_text(json.dumps(there))
    again = TextClassifier.load(tmp_path / "model")
    assert not again.word_ngram_ratios
    assert np.array_equal(again.predict_proba(TEXTS), classifier.predict_proba(TEXTS))


def test_words_outside_the_vocabulary_are_one_word_to_the_ratios_too() -> None:
    texts = [f"{text} {chr(97 + number) * 4}" for number, text in enumerate(TEXTS)]  # a rare word in each
    classifier = make(context_method="skipgram-fasttext", bucket=100, min_count=2, epochs=1, word_ngrams=1)
    classifier.fit(texts, LABELS)
    # not, good, bad, at, all, and one that stands for any rare word
    assert int((classifier.network_.ngrams[PRIMARY].ratios != 0).any(dim=1).sum()) <= 6


def test_the_primary_task_alone_has_them() -> None:
    heads = {PRIMARY: (Classification(), 2), "other": (Classification(), 3)}
    embedding = torch.nn.Embedding(5, 4)
    assert set(new_network(make(), embedding, heads).ngrams) == {PRIMARY}
    assert not new_network(make(word_ngrams=0), embedding, heads).ngrams


def test_words_that_no_one_has_seen_are_scored_too() -> None:
    classifier = make(context_method="skipgram-fasttext", bucket=100).fit(TEXTS, LABELS)
    rows = classifier.predict_proba(["goodish notter", "not good", ""])
    assert np.isfinite(rows).all()


def test_what_is_learnt_of_a_rare_word_is_not_said_of_another_one_that_has_its_number_in_other_texts() -> None:
    texts = [f"{text} {chr(97 + number) * 4}" for number, text in enumerate(TEXTS)]  # a rare word in each
    classifier = make(context_method="skipgram-fasttext", bucket=100, min_count=2, auxiliary=())
    classifier.fit(texts, LABELS, validation=(texts, LABELS))
    alone = classifier.predict_proba(["good qqqq"])
    among = classifier.predict_proba(["bad vvvv not wwww", "good qqqq", "zzzz"])
    np.testing.assert_allclose(among[1:2], alone, rtol=1e-5)


def test_a_tagger_refuses_them() -> None:
    tagger = Tagger(word_ngrams=2, encoder="mean", strategy=Switch(at=3))
    with pytest.raises(InputError, match="word_ngrams is 2, but n-grams score whole texts"):
        tagger.fit([["a", "b"]] * 4, [["X", "Y"]] * 4)
