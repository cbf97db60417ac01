"""MT2ST: Multi-Task to Single-Task learning of task-specific word embeddings (arXiv 2406.18038v2).

The names below load what they need when they are first used, so that importing the package, and asking the command line
for help, takes a moment only.
"""

from __future__ import annotations

from mt2st._lazy import lazily
from mt2st._version import __version__ as __version__

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


__getattr__, __dir__ = lazily(
    __name__,
    {
        "embedding": "WordVectors train_word_vectors",
        "errors": "InputError MissingExtraError",
        "models": "AuxiliaryData Compute Context Embedding EmbeddingVectorizer Encoder MultiLabelClassifier "
        "Optimisation Tagger Text TextClassifier Transition WordTasks load",
        "strategy": "AdaptiveDiminish AdaptiveSwitch Diminish MultiTask SingleTask Strategy Switch",
        "training": "Callback DataLoaderTask Feedback Trainer",
    },
)
