"""The files of a trained model: where they are, and whether they are as they were written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mt2st._checkpoint import file_hash
from mt2st.errors import InputError

PARAMETERS, VOCABULARY, CONFIG = "model.safetensors", "vocabulary.txt", "config.json"
FILES = (PARAMETERS, VOCABULARY, CONFIG)
MODEL = "model"
"""Where ``mt2st train`` puts the model in its output folder."""
HASHES = "hashes"
"""Key of the configuration: the hash of each file by its name; of the configuration itself, that of all other keys."""


def model_home(folder: Path) -> Path | None:
    """Return the model's folder: this one, or ``model/`` in it; None if neither holds a model."""
    try:
        return next((home for home in (folder, folder / MODEL) if all((home / name).is_file() for name in FILES)), None)
    except OSError as error:
        raise InputError(f"{error.filename or folder} cannot be read: {error.strerror}") from error


def hashes_of(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """Return the hashes of a model's files, of which the configuration is given as plain values."""
    rest = json.dumps({name: value for name, value in config.items() if name != HASHES}, sort_keys=True)
    return {
        **{name: file_hash(folder / name) for name in (PARAMETERS, VOCABULARY)},
        CONFIG: hashlib.sha256(rest.encode()).hexdigest(),
    }


def check_hashes(folder: Path, config: Mapping[str, Any]) -> None:
    """Raise `InputError` if a file of a model's folder is not as it was written."""
    try:
        found = hashes_of(folder, config)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}") from error
    for name, value in found.items():
        if not isinstance(config[HASHES], Mapping) or config[HASHES].get(name) != value:
            raise InputError(f"{folder / name} is not as it was written, but changed or cut: copy the model again")
