"""Estimators in several processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.processes import Team

from mt2st import MultiLabelClassifier, Tagger, TextClassifier
from mt2st.errors import InputError
from mt2st.models import Compute, Embedding, Encoder, Optimisation, Text

GOOD, BAD, OTHERS = (text.split() for text in ("good fine lovely great", "bad dull poor awful", "the film plot of it"))


@pytest.fixture(scope="module")
def pair() -> Iterator[Team]:
    team = Team(2)
    yield team
    team.end()


def texts(count: int = 400) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(1)
    labels = ["good" if number % 2 else "bad" for number in range(count)]
    made = [" ".join(rng.choice([*OTHERS, *(GOOD if label == "good" else BAD)], 8)) for label in labels]
    return made, labels


SETTINGS: dict[str, Any] = {
    "encoder": Encoder("mean", dropout=0.0, word_dropout=0.0, linear=False),
    "embedding": Embedding(vector_size=8),
    "text": Text(min_count=1),
    "optimisation": Optimisation(epochs=3, learning_rate=0.02, batch_size=10, convergence="never"),
    "compute": Compute(parallel_context=False),
}


def classifier(auxiliaries: tuple[str, ...], **more: Any) -> TextClassifier:
    return TextClassifier("switch", **{**SETTINGS, "auxiliaries": auxiliaries, **more})


def fitted(kind: str) -> dict[str, Any]:
    X, y = texts()
    if kind == "tagger":
        sentences = [text.split()[: 1 + number % 8] for number, text in enumerate(X[:150])]
        tags = [["A" if word in GOOD + BAD else "B" for word in sentence] for sentence in sentences]
        encoder = Encoder("bilstm", hidden_size=6, dropout=0.0, word_dropout=0.0)
        model: Any = Tagger("single-task", **{**SETTINGS, "encoder": encoder})
        model.fit(sentences, tags, validation=(sentences[:20], tags[:20]))
        found = model.predict_proba(sentences[:5])[0]
    elif kind == "multi-label":
        model = MultiLabelClassifier("single-task", **SETTINGS)
        model.fit(X, [[label] * (number % 3 > 0) for number, label in enumerate(y)], final_fit=False)
        found = model.predict_proba(X[:5])
    else:
        model = classifier(("context",) if kind == "context" else ())
        if kind == "weighted":
            model.set_params(class_weight={"good": 2.0, "bad": 1.0})
        model.fit(X, y, final_fit=kind == "final fit")
        found = model.predict_proba(X[:20])
    metrics = dict(next(iter(model.metrics_.values())))
    return {"probabilities": np.asarray(found), "metrics": metrics, "steps": model.run_.steps}


@pytest.mark.parametrize("kind", ["final fit", "weighted", "multi-label", "tagger"])
def test_two_processes_fit_what_one_does(pair: Team, kind: str) -> None:
    one, results = fitted(kind), pair.run(fitted, kind)
    for each in results:
        assert not isinstance(each, Exception), each
        np.testing.assert_allclose(each["probabilities"], one["probabilities"], atol=2e-4)
        assert each["metrics"] == pytest.approx(one["metrics"], abs=1e-3)
        assert each["steps"] == one["steps"]
    assert np.array_equal(results[0]["probabilities"], results[1]["probabilities"])


def test_with_word_context_both_have_one_model(pair: Team) -> None:
    first, second = pair.run(fitted, "context")
    assert np.array_equal(first["probabilities"], second["probabilities"])
    assert first["metrics"]["accuracy"] > 0.95


def from_few(folder: Path) -> tuple[Any, list[str]]:
    """With few labels there are word vectors alone, which several threads do not train alike."""
    X, y = texts(60)
    model = TextClassifier(embedding=Embedding(vector_size=8), text=Text(min_count=1)).fit(X, y, log=folder / "log")
    return model.word_vectors.vectors, sorted(path.name for path in folder.iterdir())


def test_few_labels_in_two_processes(pair: Team, tmp_path: Path) -> None:
    (first, _), (second, _) = pair.run(from_few, tmp_path)
    assert np.array_equal(first, second)


def searching() -> None:
    classifier(()).fit(*texts(), autotune=1.0)


def test_a_search_by_the_clock_is_refused_in_several_processes(pair: Team) -> None:
    for error in pair.run(searching):
        assert isinstance(error, InputError)
        assert "autotune goes by the clock" in str(error)
