"""Scores of n-grams beside the encoder, as a setting of models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mt2st.errors import InputError
from mt2st.models import Tagger, TextClassifier
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
