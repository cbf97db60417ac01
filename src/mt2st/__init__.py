"""MT2ST: Multi-Task to Single-Task learning of task-specific word embeddings (arXiv 2406.18038v2).

The names below load what they need when they are first used, so that importing the package, and asking the command line
for help, takes a moment only.
"""

from __future__ import annotations

from mt2st._version import __version__ as __version__
from mt2st.errors import attribute_of

TYPE_CHECKING = False  # as type checkers know it; the module `typing` would take longer than all else here
if TYPE_CHECKING:
    from mt2st.embedding import WordVectors, train_word_vectors
    from mt2st.errors import InputError, MissingExtraError
    from mt2st.models import EmbeddingVectorizer, MultiLabelClassifier, Tagger, TextClassifier, load
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
    from mt2st.strategy import AdaptiveDiminish, AdaptiveSwitch, Diminish, MultiTask, SingleTask, Strategy, Switch
    from mt2st.training import Callback, DataLoaderTask, Feedback, Trainer

_HOMES = {
    "AdaptiveDiminish": "mt2st.strategy",
    "AdaptiveSwitch": "mt2st.strategy",
    "AuxiliaryData": "mt2st.models",
    "Callback": "mt2st.training",
    "Compute": "mt2st.models",
    "Context": "mt2st.models",
    "DataLoaderTask": "mt2st.training",
    "Diminish": "mt2st.strategy",
    "Embedding": "mt2st.models",
    "EmbeddingVectorizer": "mt2st.models",
    "Encoder": "mt2st.models",
    "Feedback": "mt2st.training",
    "InputError": "mt2st.errors",
    "MissingExtraError": "mt2st.errors",
    "MultiLabelClassifier": "mt2st.models",
    "MultiTask": "mt2st.strategy",
    "Optimisation": "mt2st.models",
    "SingleTask": "mt2st.strategy",
    "Strategy": "mt2st.strategy",
    "Switch": "mt2st.strategy",
    "Tagger": "mt2st.models",
    "Text": "mt2st.models",
    "TextClassifier": "mt2st.models",
    "Trainer": "mt2st.training",
    "Transition": "mt2st.models",
    "WordTasks": "mt2st.models",
    "WordVectors": "mt2st.embedding",
    "load": "mt2st.models",
    "train_word_vectors": "mt2st.embedding",
}

__all__ = [
    "AdaptiveDiminish",
    "AdaptiveSwitch",
    "AuxiliaryData",
    "Callback",
    "Compute",
    "Context",
    "DataLoaderTask",
    "Diminish",
    "Embedding",
    "EmbeddingVectorizer",
    "Encoder",
    "Feedback",
    "InputError",
    "MissingExtraError",
    "MultiLabelClassifier",
    "MultiTask",
    "Optimisation",
    "SingleTask",
    "Strategy",
    "Switch",
    "Tagger",
    "Text",
    "TextClassifier",
    "Trainer",
    "Transition",
    "WordTasks",
    "WordVectors",
    "load",
    "train_word_vectors",
]


def __getattr__(name: str) -> object:
    """Load a public name from its home when it is first used (PEP 562)."""
    if name in _HOMES:
        return attribute_of(_HOMES[name], name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, which may not be loaded yet."""
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
