"""The folder of a saved model: parameters, vocabulary, configuration and card; no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.text import SPECIALS, Vocabulary

if TYPE_CHECKING:
    from mt2st.embedding import WordVectors
    from mt2st.embedding.subwords import KnownSubwords

FORMAT = 1
PARAMETERS, VOCABULARY, CONFIG, CARD = "model.safetensors", "vocabulary.txt", "config.json", "README.md"
FILES = (PARAMETERS, VOCABULARY, CONFIG, CARD)
RUNTIME = "runtime"
"""Key of the configuration of a folder that holds what prediction needs alone."""


@dataclass(frozen=True)
class ModelFolder:
    """What a model folder holds.

    Attributes:
        parameters: the network's, by name.
        vocabulary: of the embedding's rows.
        config: plain values: problem type, settings, classes, strategy.
        card: Markdown for a person: the data, the settings, the metrics.
    """

    parameters: Mapping[str, NDArray[Any]]
    vocabulary: Vocabulary
    config: Mapping[str, Any]
    card: str

    @property
    def problem_type(self) -> str:
        """The name of the problem type that the model solves."""
        return str(self.config["problem_type"])

    def save(self, folder: Path, *, overwrite: bool = False) -> None:
        """Write the folder whole or not at all."""
        from safetensors.numpy import save_file

        from mt2st._files import complete_folder
        from mt2st.embedding.formats.model_files import HASHES, hashes_of

        check_replaceable(folder, overwrite=overwrite)
        parameters = {name: np.ascontiguousarray(value) for name, value in self.parameters.items()}
        with complete_folder(folder, size=sum(value.nbytes for value in parameters.values())) as partial:
            save_file(parameters, partial / PARAMETERS)
            self.vocabulary.save(partial / VOCABULARY)
            config = json.loads(json.dumps({"format": FORMAT, **self.config}))
            config[HASHES] = hashes_of(partial, config)
            (partial / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            (partial / CARD).write_text(self.card, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ModelFolder:
        """Read a model folder, or the one in the folder of a run."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        from mt2st._files import restore
        from mt2st.embedding.formats.model_files import HASHES, check_hashes, model_home

        restore(folder.parent)
        home = model_home(folder)
        if home is None and not folder.is_dir():
            raise InputError(f"there is no model folder at {folder}")
        folder = home or folder
        missing = [name for name in (PARAMETERS, VOCABULARY, CONFIG) if not (folder / name).is_file()]
        if missing:
            raise InputError(f"{folder} is no model folder: it has no {missing[0]}")
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            found, _, _ = config["format"], config["problem_type"], config[HASHES]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{folder / CONFIG} is not the configuration of a model: {error}") from error
        if found != FORMAT:
            raise InputError(f"{folder / CONFIG} has format {found}, this version reads {FORMAT}")
        try:
            with (folder / PARAMETERS).open("rb"):  # of no permission, safetensors says that there is no such file
                parameters = load_file(folder / PARAMETERS)
        except (SafetensorError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"{folder / PARAMETERS} cannot be read: {reason}") from error
        vocabulary = Vocabulary.load(folder / VOCABULARY)
        check_hashes(folder, config)
        _check_finite(parameters, folder / PARAMETERS)
        card = folder / CARD
        text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
        return cls(parameters, vocabulary, config, text)


def _check_finite(parameters: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Raise `InputError` if a number is NaN or infinite."""
    for name, value in parameters.items():
        if value.dtype.kind == "f" and value.size and not np.isfinite([value.min(), value.max()]).all():
            raise InputError(f"{path}: '{name}' holds NaN or infinite numbers, which predict nothing: train again")


def word_vectors_of(table: NDArray[np.float32], vocabulary: Vocabulary, subwords: KnownSubwords | None) -> WordVectors:
    """Return a copy of the words' vectors; with n-grams, which give unseen words theirs, if it is made of such."""
    from mt2st.embedding import SubwordVectors, WordVectors

    words = vocabulary.tokens[len(SPECIALS) :]
    if subwords is None:
        return WordVectors(words, table[len(SPECIALS) :].copy())
    return SubwordVectors(words, subwords.whole_table(table), subwords.settings)


def check_replaceable(folder: Path, *, overwrite: bool) -> None:
    """Raise unless a model may be written to this place."""
    from mt2st._files import check_own, restore

    restore(folder.parent)
    if folder.is_file():
        raise InputError(f"{folder} is a file: give the name of a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / CONFIG).is_file():
        raise InputError(f"{folder} is not empty and no model folder: choose another place")
    check_own(folder, FILES)
    if not overwrite:
        raise InputError(
            f"{folder} holds a model already: choose another place, or replace it with overwrite=True (--overwrite)"
        )


def check_other_place(model: str | PathLike[str], folder: str | PathLike[str]) -> None:
    """Raise `InputError` if what is made of a model would replace it."""
    from mt2st.embedding.formats.model_files import model_home

    home = model_home(Path(model))
    if home is not None and Path(folder).exists() and Path(folder).samefile(home):
        raise InputError(f"{folder} is the model that is read: choose another place")
