"""The estimators: text in, labels or tags out.

- `TextClassifier`: one label per text. `MultiLabelClassifier`: any number of labels. `Tagger`: a tag for each word.
- Groups of settings: `Encoder`, `Text`, `Embedding`, `Context`, `Optimisation`, `Transition`, ...
- `load` reads a saved model of any problem type; without torch, it gives a `Predictor`.
- `EmbeddingVectorizer`: document vectors from word vectors.

Importing this package loads no torch: a name that needs it loads it when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mt2st.errors import attribute_of
from mt2st.models.groups import (
    AuxiliaryData,
    Compute,
    Context,
    Embedding,
    Encoder,
    Optimisation,
    Text,
    Transition,
    WordTasks,
)
from mt2st.models.settings import ModelSettings

if TYPE_CHECKING:
    from mt2st.models.inference import Predictor
    from mt2st.models.loading import load, load_model, model_class
    from mt2st.models.multi_label_classifier import MultiLabelClassifier
    from mt2st.models.tagger import Tagger
    from mt2st.models.text_classifier import TextClassifier
    from mt2st.models.vectorizer import EmbeddingVectorizer

_HOMES = {
    "EmbeddingVectorizer": "vectorizer",
    "Predictor": "inference",
    "load": "loading",
    "load_model": "loading",
    "model_class": "loading",
    "MultiLabelClassifier": "multi_label_classifier",
    "Tagger": "tagger",
    "TextClassifier": "text_classifier",
}

__all__ = [
    "AuxiliaryData",
    "Compute",
    "Context",
    "Embedding",
    "EmbeddingVectorizer",
    "Encoder",
    "ModelSettings",
    "MultiLabelClassifier",
    "Optimisation",
    "Predictor",
    "Tagger",
    "Text",
    "TextClassifier",
    "Transition",
    "WordTasks",
    "load",
    "load_model",
    "model_class",
]


def __getattr__(name: str) -> object:
    """Load what needs torch when it is first used (PEP 562)."""
    if name in _HOMES:
        return attribute_of(f"mt2st.models.{_HOMES[name]}", name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
