"""The estimators: text in, labels or tags out.

- `TextClassifier`: one label per text. `MultiLabelClassifier`: any number of labels. `Tagger`: a tag for each word.
- Groups of settings: `Encoder`, `Text`, `Embedding`, `Context`, `Optimisation`, `Transition`, ...
- `load` reads a saved model of any problem type; without torch, it gives a `Predictor`.
- `EmbeddingVectorizer`: document vectors from word vectors.

Importing this package loads nothing: a name loads what it needs when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mt2st._lazy import lazily

if TYPE_CHECKING:
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
    from mt2st.models.inference import Predictor, load, load_model, model_class
    from mt2st.models.settings import ModelSettings
    from mt2st.models.tagger import Tagger
    from mt2st.models.text_classifier import MultiLabelClassifier, TextClassifier
    from mt2st.models.vectorizer import EmbeddingVectorizer

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


__getattr__, __dir__ = lazily(
    __name__,
    {
        "groups": "AuxiliaryData Compute Context Embedding Encoder Optimisation Text Transition WordTasks",
        "inference": "Predictor load load_model model_class",
        "settings": "ModelSettings",
        "tagger": "Tagger",
        "text_classifier": "MultiLabelClassifier TextClassifier",
        "vectorizer": "EmbeddingVectorizer",
    },
)
