"""What a user trains, saves and predicts with: text in, labels or tags out, the layers below put together.

- `TextClassifier`: one label a text. `MultiLabelClassifier`: any number of labels. `Tagger`: a tag for each word.
- `load_model` loads a saved one of any kind.

Importing this package loads no torch, so that the command line can ask for the settings in a moment; naming one of
these does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from mt2st.models.settings import (
    AuxiliaryData,
    Compute,
    Context,
    Embedding,
    Encoder,
    ModelSettings,
    Optimisation,
    Text,
    Transition,
    WordTasks,
)

if TYPE_CHECKING:
    from mt2st.models.any_model import load_model, model_class
    from mt2st.models.multi_label_classifier import MultiLabelClassifier
    from mt2st.models.tagger import Tagger
    from mt2st.models.text_classifier import TextClassifier

_HOMES = {
    "MultiLabelClassifier": "multi_label_classifier",
    "Tagger": "tagger",
    "TextClassifier": "text_classifier",
    "load_model": "any_model",
    "model_class": "any_model",
}

__all__ = [
    "AuxiliaryData",
    "Compute",
    "Context",
    "Embedding",
    "Encoder",
    "ModelSettings",
    "MultiLabelClassifier",
    "Optimisation",
    "Tagger",
    "Text",
    "TextClassifier",
    "Transition",
    "WordTasks",
    "load_model",
    "model_class",
]


def __getattr__(name: str) -> object:
    """Load what needs torch when it is first used (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(f"mt2st.models.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
