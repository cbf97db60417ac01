"""Prediction with saved ``mean`` models by numpy and safetensors alone, ready in a tenth of a second.

Example::

    from mt2st.inference import load

    model = load("run/model")
    model.predict(["A film of rare wit."])

`mt2st.load` gives the same `Predictor` if torch is not installed; this module, whatever is installed.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from mt2st.models.folder import ModelFolder, check_other_place
from mt2st.models.inference import Predictor, for_prediction

__all__ = ["Predictor", "export", "load"]

load = Predictor.load


def export(model: str | PathLike[str], folder: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write what prediction needs of a model to a folder of its own: ``mt2st export --to numpy``.

    The record of the training is left out, and n-grams are hashed already.

    Args:
        model: the folder of a model or of a run.
        folder: where to write.
        overwrite: replace a model folder that is there.

    Raises:
        InputError: the model cannot be read, or the folder cannot be written.
        MissingExtraError: the model needs torch to predict.
    """
    check_other_place(model, folder)
    saved = ModelFolder.load(Path(model))
    Predictor(saved, model)  # or it says why it cannot
    for_prediction(saved).save(Path(folder), overwrite=overwrite)
