from __future__ import annotations

from dataclasses import fields

import pytest

from mt2st import Tagger, TextClassifier
from mt2st.models import ClassifierSettings
from mt2st.models import settings as defaults
from mt2st.models.resolved import resolved
from mt2st.models.settings import TEXT_WINDOW

GIVEN = {
    "learning_rate": 0.5, "head_learning_rate": 0.25, "embedding_learning_rate": 0.125, "context_window": 3,
    "context_alpha": 0.0625, "context_min_alpha": 0.03125, "context_passes": 2.0, "min_n": 2, "max_n": 9, "bucket": 7,
    "feedback_every": 4,
}  # fmt: skip


def test_what_is_given_is_kept() -> None:
    assert resolved(ClassifierSettings(context_method="skipgram-fasttext", **GIVEN)) == GIVEN


def test_what_is_not_given_is_what_a_training_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    mean = ClassifierSettings(encoder="mean")
    found = resolved(mean)
    assert None not in found.values()
    assert found.keys() <= {each.name for each in fields(ClassifierSettings) if each.default is None}
    monkeypatch.setitem(defaults.LEARNING_RATES, "mean", (0.5, 0.25))
    monkeypatch.setitem(defaults.FEEDBACK_EVERY, "mean", 3)
    changed = {"learning_rate": 0.5, "head_learning_rate": 0.5, "embedding_learning_rate": 0.25, "feedback_every": 3}
    assert resolved(mean) == {**found, **changed}


def test_methods_and_kinds_of_data_have_defaults_of_their_own() -> None:
    assert resolved(TextClassifier())["context_window"] == TEXT_WINDOW
    assert resolved(Tagger())["context_window"] == Tagger().window != TEXT_WINDOW
    glove = resolved(ClassifierSettings(context_method="glove"))
    assert glove["context_min_alpha"] is None  # its rates fall by themselves
    assert "cooccurrences" in glove["context_passes"]
    assert resolved(ClassifierSettings(context_alpha=1e-5))["context_min_alpha"] == 1e-5
