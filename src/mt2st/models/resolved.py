"""The values of settings that were left to their defaults.

A setting that is not given is None wherever settings are kept; constants of this version decide what it then is. Runs
that must be alike are compared by these values too.
"""

from __future__ import annotations

from typing import Any

from mt2st.models.context_task import CONTEXT_COOCCURRENCES, CONTEXT_WORDS, MOST_PASSES
from mt2st.models.embedding_init import subword_settings
from mt2st.models.settings import GLOVE, ModelSettings
from mt2st.tasks.context import least_rate


def resolved(settings: ModelSettings) -> dict[str, Any]:
    """Return the settings whose defaults depend on others, by dotted path, as given or by default.

    The number of passes of the context task depends on the text too: its value is what decides it.

    Example:
        >>> resolved(ModelSettings().updated(encoder__name="mean"))["optimisation.learning_rate"]
        0.005
        >>> resolved(ModelSettings())["context.passes"]
        {'words': 3500000, 'at_most': 15.0}
    """
    rates, ngrams, glove = settings.learning_rates, subword_settings(settings), settings.context.method == GLOVE
    work = {"cooccurrences": CONTEXT_COOCCURRENCES} if glove else {"words": CONTEXT_WORDS}
    return {
        "optimisation.learning_rate": rates["encoder"],
        "optimisation.head_learning_rate": rates["heads"],
        "optimisation.embedding_learning_rate": rates["embedding"],
        "optimisation.feedback_every": settings.feedback_interval,
        "context.window": settings.window,
        "context.alpha": settings.alpha,
        "context.min_alpha": None if glove else least_rate(settings.alpha, settings.context.min_alpha),
        "context.passes": settings.context.passes or {**work, "at_most": MOST_PASSES},
        "embedding.min_n": ngrams.min_n,
        "embedding.max_n": ngrams.max_n,
        "embedding.bucket": ngrams.bucket,
    }
