"""What a model's settings come to where they are left to the defaults.

A setting that is not given is None wherever settings are kept, and what it then is, is decided by constants of this
version. Runs that must be alike are compared by these values too: else one that was begun before a constant changed
would go on, or stand in a table, as if it had not.
"""

from __future__ import annotations

from typing import Any

from mt2st.models.context_task import CONTEXT_COOCCURRENCES, CONTEXT_WORDS, MOST_PASSES
from mt2st.models.settings import GLOVE, ClassifierSettings
from mt2st.models.word_embedding import subword_settings
from mt2st.tasks.context import least_rate


def resolved(settings: ClassifierSettings) -> dict[str, Any]:
    """Return the settings that have a default of their own, by name, as plain JSON values: as given or by default.

    Each comes from where the training takes it. How many passes the context task makes by default depends on the text
    besides: its value is then what decides it.

    Args:
        settings: a model, as a tagger's defaults are not a classifier's; or the settings of a classifier.

    Example:
        >>> resolved(ClassifierSettings(encoder="mean", context_window=5))["learning_rate"]
        0.005
        >>> resolved(ClassifierSettings())["context_passes"]
        {'words': 3500000, 'at_most': 15.0}
    """
    rates, ngrams, glove = settings.learning_rates, subword_settings(settings), settings.context_method == GLOVE
    work = {"cooccurrences": CONTEXT_COOCCURRENCES} if glove else {"words": CONTEXT_WORDS}
    return {
        "learning_rate": rates["encoder"],
        "head_learning_rate": rates["heads"],
        "embedding_learning_rate": rates["embedding"],
        "context_window": settings.window,
        "context_alpha": settings.alpha,
        "context_min_alpha": None if glove else least_rate(settings.alpha, settings.context_min_alpha),
        "context_passes": settings.context_passes or {**work, "at_most": MOST_PASSES},
        "min_n": ngrams.min_n,
        "max_n": ngrams.max_n,
        "bucket": ngrams.bucket,
        "feedback_every": settings.feedback_interval,
    }
