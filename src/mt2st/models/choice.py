"""What a training leaves to the data: the encoder, and how it learns from few labels.

The rules were chosen on some of the sets of ``benchmarks/classifiers.py`` and confirmed on the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mt2st.models.fitting import FitOptions
from mt2st.models.groups import AUTO
from mt2st.models.settings import ModelSettings
from mt2st.models.texts import checked_texts
from mt2st.strategy import SingleTask, Strategy
from mt2st.text import LabelledText, TaggedText, Tokeniser

FEW = 500
"""With fewer labelled texts, gradient descent teaches less than it spoils (`mt2st.models.few_labels`)."""
LONG = 60
"""Words of a text, on average, from which a BiLSTM takes much time and learns no more than the mean of its vectors."""
MEASURED = 2000
"""Texts that the average is taken of, about."""
LONG_TEXTS: dict[str, Any] = {"encoder__name": "mean", "text__max_length": 1000, "context__sample": 1e-4}
SHORT_TEXTS: dict[str, Any] = {"encoder__name": "bilstm", "optimisation__batch_size": 32}
TRAINING = ("auxiliaries", "context.", "embedding.init", "encoder.", "optimisation.", "transition.", "word_tasks.")
"""Settings of a training by gradient descent."""
FEW_LABELS: dict[str, Any] = {**LONG_TEXTS, "embedding__init": "skipgram"}
WORDS_READ, LEAST_PASSES, MOST_PASSES = 3_000_000, 15, 30
"""Words that the vectors for few labels are trained on, and the bounds of the passes over the text that this takes."""


@dataclass(frozen=True)
class Choice:
    """What is chosen.

    Attributes:
        values: settings by name, as ``encoder__name``.
        few_labels: learn as `mt2st.models.few_labels` does.
        reason: what was chosen and why, in a line; empty if the user had chosen all.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    few_labels: bool = False
    reason: str = ""


def choose(settings: ModelSettings, strategy: Strategy, rows: Any, options: FitOptions) -> Choice:
    """Choose what the settings leave to the data: all labelled rows, the part for validation included."""
    if settings.encoder.name != AUTO:
        return Choice()
    if isinstance(rows, TaggedText):
        return Choice({"encoder__name": "bilstm"})
    if isinstance(rows, LabelledText) and len(rows) < FEW and _leaves_training(settings, strategy, options):
        reason = f"few labels ({len(rows):,}): word vectors of all text first, then linear classifiers in closed form"
        tokeniser = settings.text.tokeniser
        values = {**FEW_LABELS, "embedding__init_epochs": _passes(tokeniser, rows.texts, options.unlabelled)}
        return Choice({**_left(settings, values), "auxiliaries": ()}, few_labels=True, reason=reason)
    some = rows.texts[:: 1 + len(rows) // MEASURED]
    length = sum(map(len, map(settings.text.tokeniser, some))) / max(1, len(some))
    if length < LONG:
        return Choice(_left(settings, SHORT_TEXTS), reason=f"BiLSTM: {length:.0f} words a text")
    return Choice(_left(settings, LONG_TEXTS), reason=f"mean encoder: {length:.0f} words a text")


def _passes(tokeniser: Tokeniser, *sources: Iterable[str]) -> int:
    """Return over how many passes vectors are trained."""
    words, enough = 0, WORDS_READ // LEAST_PASSES
    for source in sources:
        for text in checked_texts(source, "unlabelled"):
            words += len(tokeniser(text))
            if words >= enough:
                return LEAST_PASSES
    return min(MOST_PASSES, -(-WORDS_READ // max(1, words)))


def _leaves_training(settings: ModelSettings, strategy: Strategy, options: FitOptions) -> bool:
    """Return whether nothing is said about the training, so that there may be another one."""
    usual = ModelSettings().with_defaults(of_words=False).flat()
    said = [path for path, value in settings.flat().items() if path.startswith(TRAINING) and value != usual[path]]
    return not (said or options.auxiliary_tasks or options.auxiliary_rows or isinstance(strategy, SingleTask))


def _left(settings: ModelSettings, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of settings that have their defaults."""
    usual, given = ModelSettings().flat(), settings.flat()
    paths = {name: name.replace("__", ".") for name in values}
    return {name: values[name] for name, path in paths.items() if given[path] == usual[path]}
