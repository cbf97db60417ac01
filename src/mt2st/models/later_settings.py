"""Settings that came when there were models and studies already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LATER_SETTINGS: Mapping[str, Any] = {
    "context_block": None,
    "refit_head": None,
    "refit_texts": None,
    "glove_sample": 0.0,
}
"""With the value at which a training is what it was without them. A new setting belongs here where it has such a
value."""


def with_later_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a model or a study's run with those that its version did not have yet.

    So a model can be read, and a study's finished runs stay, where a later version goes on with it. (A run that was
    interrupted does not: its checkpoint must be of the same settings by name.) Of any other setting that a run does not
    tell, nobody knows what the run had in its place.

    Example:
        >>> given = {"seed": 3, "refit_head": 0.1, "word_ngrams": 2}
        >>> later = with_later_settings(given)
        >>> {name: later[name] for name in ("refit_head", "glove_sample", "word_ngram_ratios")}
        {'refit_head': 0.1, 'glove_sample': 0.0, 'word_ngram_ratios': False}
        >>> with_later_settings({"word_ngrams": 0})["word_ngram_ratios"]
        True
    """
    # Ratios came for all n-grams at once; without n-grams any value is the same training, so it is the default.
    return {**LATER_SETTINGS, "word_ngram_ratios": not settings.get("word_ngrams"), **settings}
