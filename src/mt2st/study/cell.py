"""One training run of a study: its settings and the name of its folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mt2st.models import ModelSettings
from mt2st.strategy import Strategy
from mt2st.study.data import StudyData
from mt2st.study.identity import identity_of

NO_AUXILIARY = "none"


@dataclass(frozen=True)
class Cell:
    """One training run of a study.

    Attributes:
        name: what the table calls the method.
        strategy: the strategy.
        settings: the model's, with the cell's seed.
        marks: values of the factors that the grid varies, by factor. They are in the folder's name.
    """

    name: str
    strategy: Strategy
    settings: ModelSettings
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The name of the cell's folder, such as ``switch-seed1`` or ``switch.encoder=cnn-seed1``."""
        return f"{self.group}-seed{self.settings.seed}"

    @property
    def group(self) -> str:
        """The method in its setting, such as ``switch.encoder=cnn``: the folder's name without the seed."""
        return self.name + "".join(f".{factor}={_as_file_name(value)}" for factor, value in self.marks.items())

    @property
    def title(self) -> str:
        """The cell in a message: ``switch, encoder cnn, seed 1``."""
        return ", ".join(
            [self.name, *(f"{factor} {value}" for factor, value in self.marks.items()), f"seed {self.settings.seed}"]
        )

    @property
    def factors(self) -> dict[str, str]:
        """Embedding, auxiliary tasks and encoder, whether the grid varies them or not."""
        return factors_of(self.settings)

    def identity(self, data: StudyData) -> dict[str, Any]:
        """Return what must be the same for a finished run to count as this cell's (`mt2st.study.identity`)."""
        return identity_of(self.strategy, self.settings, data)


def factors_of(settings: ModelSettings) -> dict[str, str]:
    """Return the embedding, the auxiliary tasks and the encoder of settings, as a table names them.

    Example:
        >>> factors_of(ModelSettings(auxiliaries=("context", "analogy")))
        {'embedding': 'random', 'auxiliary': 'context+analogy', 'encoder': 'bilstm'}
    """
    return {
        "embedding": settings.embedding.init,
        "auxiliary": "+".join(settings.auxiliaries) or NO_AUXILIARY,
        "encoder": settings.encoder.name,
    }


def _as_file_name(value: str) -> str:
    """Return a value as a part of a file's name: of a path the last part, with a hash of the whole."""
    if re.fullmatch(r"[\w+-]+", value):
        return value
    return f"{re.sub(r'[^A-Za-z0-9_+-]', '_', Path(value).name)}~{hashlib.sha256(value.encode()).hexdigest()[:6]}"
