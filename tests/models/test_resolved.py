from __future__ import annotations

import pytest

from mt2st import Tagger, TextClassifier
from mt2st.models import Encoder, ModelSettings
from mt2st.models.groups import TAG_DEFAULTS, TEXT_DEFAULTS
from mt2st.models.identity import resolved
from mt2st.network.encoders.mean import Mean

GIVEN = {
    "encoder.hidden_size": 6,
    "encoder.dropout": 0.75,
    "encoder.word_dropout": 0.25,
    "encoder.spelling": True,
    "encoder.linear": False,
    "optimisation.monitor": "accuracy",
    "optimisation.average": 0.5,
    "optimisation.linear_decay": True,
    "optimisation.learning_rate": 0.5,
    "optimisation.head_learning_rate": 0.25,
    "optimisation.embedding_learning_rate": 0.125,
    "context.window": 3,
    "context.alpha": 0.0625,
    "context.min_alpha": 0.03125,
    "context.passes": 2.0,
    "embedding.min_n": 2,
    "embedding.max_n": 9,
    "embedding.bucket": 7,
    "optimisation.feedback_every": 4,
}


def test_what_is_given_is_kept() -> None:
    assert (
        resolved(
            ModelSettings().updated(
                context__method="skipgram-fasttext", **{path.replace(".", "__"): value for path, value in GIVEN.items()}
            )
        )
        == GIVEN
    )


def test_what_is_not_given_is_what_a_training_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    mean = ModelSettings().updated(encoder__name="mean")
    found = resolved(mean)
    assert None not in found.values()
    assert found.keys() <= {path for path, value in ModelSettings().flat().items() if value is None}
    monkeypatch.setattr(Mean, "learning_rates", (0.5, 0.25))
    monkeypatch.setattr(Mean, "feedback_every", 3)
    changed = {
        "optimisation.learning_rate": 0.5,
        "optimisation.head_learning_rate": 0.5,
        "optimisation.embedding_learning_rate": 0.25,
        "optimisation.feedback_every": 3,
    }
    assert resolved(mean) == {**found, **changed}


def test_methods_and_kinds_of_data_have_defaults_of_their_own() -> None:
    for model, usual in ((TextClassifier(), TEXT_DEFAULTS), (Tagger(), TAG_DEFAULTS)):
        found = resolved(model.checked_settings())
        assert {path: found[path.replace("__", ".")] for path in usual} == usual
    assert TEXT_DEFAULTS.keys() == TAG_DEFAULTS.keys()
    own = Tagger(encoder=Encoder(dropout=0.0, spelling=False)).checked_settings().encoder
    assert (own.dropout, own.spelling, own.hidden_size) == (0.0, False, TAG_DEFAULTS["encoder__hidden_size"])
    glove = resolved(ModelSettings().updated(context__method="glove"))
    assert glove["context.min_alpha"] is None  # its rates fall by themselves
    assert "cooccurrences" in glove["context.passes"]
    assert resolved(ModelSettings().updated(context__alpha=1e-5))["context.min_alpha"] == 1e-5
