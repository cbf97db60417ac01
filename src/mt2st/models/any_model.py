"""Models of all kinds by the name of their kind."""

from __future__ import annotations

from pathlib import Path

from mt2st.errors import InputError
from mt2st.models.folder import CONFIG, ModelFolder
from mt2st.models.multi_label_classifier import MultiLabelClassifier
from mt2st.models.tagger import Tagger
from mt2st.models.text_classifier import TextClassifier

AnyModel = TextClassifier | MultiLabelClassifier | Tagger
_CLASSES: dict[str, type[AnyModel]] = {each.kind.name: each for each in (TextClassifier, MultiLabelClassifier, Tagger)}


def model_class(kind: str) -> type[AnyModel]:
    """Return the class of models for ``"classification"``, ``"multilabel"`` or ``"tagging"``."""
    return _CLASSES[kind]


def load_model(folder: str | Path) -> AnyModel:
    """Read a model folder of any kind.

    Raises:
        InputError: naming what is missing or broken.
    """
    saved = ModelFolder.load(Path(folder))
    if saved.kind not in _CLASSES:
        raise InputError(f"{Path(folder) / CONFIG}: this version knows no model for '{saved.kind}'")
    return _CLASSES[saved.kind].restored(saved, folder)
