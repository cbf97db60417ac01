"""MT2ST: Multi-Task to Single-Task learning of task-specific word embeddings (arXiv 2406.18038v2).

The names below load what they need when they are first used, so that importing the package, and asking the command line
for help, takes a moment only.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it; the module `typing` would take longer than all else here
if TYPE_CHECKING:
    from mt2st.embedding import WordVectors, train_word_vectors
    from mt2st.errors import InputError
    from mt2st.models import MultiLabelClassifier, Tagger, TextClassifier
    from mt2st.strategy import AdaptiveDiminish, AdaptiveSwitch, Diminish, MultiTask, SingleTask, Strategy, Switch
    from mt2st.training import Feedback, Trainer

__version__ = "0.1.0"

_HOMES = {
    "AdaptiveDiminish": "mt2st.strategy",
    "AdaptiveSwitch": "mt2st.strategy",
    "Diminish": "mt2st.strategy",
    "Feedback": "mt2st.training",
    "InputError": "mt2st.errors",
    "MultiTask": "mt2st.strategy",
    "SingleTask": "mt2st.strategy",
    "MultiLabelClassifier": "mt2st.models",
    "Strategy": "mt2st.strategy",
    "Switch": "mt2st.strategy",
    "Tagger": "mt2st.models",
    "TextClassifier": "mt2st.models",
    "Trainer": "mt2st.training",
    "WordVectors": "mt2st.embedding",
    "train_word_vectors": "mt2st.embedding",
}

__all__ = [
    "AdaptiveDiminish",
    "AdaptiveSwitch",
    "Diminish",
    "Feedback",
    "InputError",
    "MultiLabelClassifier",
    "MultiTask",
    "SingleTask",
    "Strategy",
    "Switch",
    "Tagger",
    "TextClassifier",
    "Trainer",
    "WordVectors",
    "train_word_vectors",
]


def __getattr__(name: str) -> object:
    """Load a public name from its home when it is first used (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
