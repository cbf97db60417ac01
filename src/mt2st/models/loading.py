"""Saved models of any problem type. Importing this loads no torch."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mt2st.errors import InputError
from mt2st.models.folder import CONFIG, RUNTIME, ModelFolder
from mt2st.models.inference import Predictor

if TYPE_CHECKING:
    from mt2st.models.trained_model import TrainedModel
    from mt2st.strategy import Strategy


def load(folder: str | PathLike[str], *, strategies: Iterable[type[Strategy]] = ()) -> TrainedModel[Any] | Predictor:
    """Read a model folder of any problem type.

    Args:
        folder: a folder that an estimator's `save` or ``mt2st train`` wrote.
        strategies: classes of your own that the folder may name. Those that are defined by now are known; a folder
            never causes an import.

    Returns:
        The estimator, or a `Predictor` if torch is not installed or ``mt2st export --to numpy`` wrote the folder.

    Raises:
        InputError: naming what is missing or broken.
        MissingExtraError: the model's encoder needs torch, which is not installed.
    """
    saved = ModelFolder.load(Path(folder))
    alone = find_spec("torch") is None or RUNTIME in saved.config
    return Predictor(saved, folder) if alone else _with_torch(saved, folder, strategies)


def load_to_predict(folder: str | PathLike[str]) -> TrainedModel[Any] | Predictor:
    """Read a model folder of any problem type: as a `Predictor` if that can be, which takes a tenth of the time.

    Raises:
        InputError: naming what is missing or broken.
        MissingExtraError: the model's encoder needs torch, which is not installed.
    """
    return to_predict(ModelFolder.load(Path(folder)), folder)


def to_predict(saved: ModelFolder, folder: str | PathLike[str]) -> TrainedModel[Any] | Predictor:
    """Return the model of a folder that has been read already, as `load_to_predict` does."""
    if Predictor.reads(saved) or find_spec("torch") is None:
        return Predictor(saved, folder)
    return _with_torch(saved, folder, ())


def load_model(folder: str | PathLike[str], *, strategies: Iterable[type[Strategy]] = ()) -> TrainedModel[Any]:
    """Read a model folder of any problem type with torch: `load` without the `Predictor`.

    Raises:
        InputError: naming what is missing or broken.
    """
    return _with_torch(ModelFolder.load(Path(folder)), folder, strategies)


def _with_torch(
    saved: ModelFolder, folder: str | PathLike[str], strategies: Iterable[type[Strategy]]
) -> TrainedModel[Any]:
    try:
        found = model_class(saved.problem_type)
    except KeyError:
        raise InputError(f"{Path(folder) / CONFIG}: this version knows no model for '{saved.problem_type}'") from None
    return found.restored(saved, folder, strategies=strategies)


def model_class(problem_type: str) -> type[TrainedModel[Any]]:
    """Return the class of models for ``"classification"``, ``"multilabel"`` or ``"tagging"``."""
    from mt2st.models import MultiLabelClassifier, Tagger, TextClassifier  # loads torch

    return {each.problem_type.name: each for each in (TextClassifier, MultiLabelClassifier, Tagger)}[problem_type]
