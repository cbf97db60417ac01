"""Estimators of all problem types by name."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from mt2st.errors import InputError
from mt2st.models.folder import CONFIG, ModelFolder
from mt2st.models.multi_label_classifier import MultiLabelClassifier
from mt2st.models.tagger import Tagger
from mt2st.models.text_classifier import TextClassifier
from mt2st.strategy import Strategy

AnyModel = TextClassifier | MultiLabelClassifier | Tagger
_CLASSES: dict[str, type[AnyModel]] = {
    each.problem_type.name: each for each in (TextClassifier, MultiLabelClassifier, Tagger)
}


def model_class(problem_type: str) -> type[AnyModel]:
    """Return the class of models for ``"classification"``, ``"multilabel"`` or ``"tagging"``."""
    return _CLASSES[problem_type]


def load_model(folder: str | PathLike[str], *, strategies: Iterable[type[Strategy]] = ()) -> AnyModel:
    """Read a model folder of any problem type.

    Args:
        folder: where.
        strategies: classes of your own that the folder may name. Those that are defined by now are known.

    Raises:
        InputError: naming what is missing or broken.
    """
    saved = ModelFolder.load(Path(folder))
    if saved.problem_type not in _CLASSES:
        raise InputError(f"{Path(folder) / CONFIG}: this version knows no model for '{saved.problem_type}'")
    return _CLASSES[saved.problem_type].restored(saved, folder, strategies=strategies)
