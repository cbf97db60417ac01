"""One training run of a study: its settings, the name of its folder, and what makes it this one and no other."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mt2st import __version__
from mt2st.models import ModelSettings, model_class
from mt2st.models.auxiliaries import AuxiliaryData
from mt2st.models.resolved import resolved
from mt2st.strategy import Strategy
from mt2st.study.data import StudyData
from mt2st.study.fingerprint import auxiliary_labels, start_vectors
from mt2st.training.checkpoint import RESOLVED

NO_AUXILIARY = "none"
SETTINGS = "settings"
"""Under which name an identity has the settings."""
LABELS = "labels of auxiliary tasks"
"""Under which name an identity has the hash of further labelled data, where there are any."""
VECTORS = "word vectors of the embedding's file"
"""Under which name an identity has the hash of the vectors that the embedding starts from, where they are of a file."""
MOST_TOLD = 4
"""Settings that a message lists where more differ."""


@dataclass(frozen=True)
class Cell:
    """One training run of a study.

    Attributes:
        name: what the table calls the method.
        strategy: the strategy.
        settings: the model's, with the cell's seed.
        marks: what the folder's name says besides name and seed, by the name of the factor: what a grid varies.
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
        """What the names of its folder and of those for other seeds begin with, such as ``switch.encoder=cnn``."""
        return self.name + "".join(f".{factor}={_as_file_name(value)}" for factor, value in self.marks.items())

    @property
    def title(self) -> str:
        """The cell in a message: ``switch, encoder cnn, seed 1``."""
        return ", ".join(
            [self.name, *(f"{factor} {value}" for factor, value in self.marks.items()), f"seed {self.settings.seed}"]
        )

    @property
    def factors(self) -> dict[str, str]:
        """What grids vary besides method and seed, whether this one does or not."""
        return factors_of(self.settings)

    def identity(self, data: StudyData) -> dict[str, Any]:
        """Return what must be the same for a finished cell to count as this one, as plain JSON values."""
        settings = model_class(data.problem_type.name).from_settings(self.settings).checked_settings()
        return {
            "strategy": json.loads(json.dumps(self.strategy.state_dict())),
            SETTINGS: self.settings.flat(),
            RESOLVED: json.loads(json.dumps(resolved(settings))),
            "data": data.fingerprint,
            "auxiliary data": AuxiliaryData.read(self.settings).fingerprint,
            **({LABELS: labels} if (labels := auxiliary_labels(self.settings)) else {}),
            **({VECTORS: vectors} if (vectors := start_vectors(self.settings)) else {}),
            "version": __version__,
        }


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


def identity_hash(identity: Mapping[str, Any]) -> str:
    """Return the hash of an identity: that of its JSON with sorted keys."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str | None:
    """Return in what a finished cell's identity is not the wanted one, to stand behind "other"; None if it is the same.

    Args:
        there: the identity of the finished cell.
        here: what it should be, whole or in part.

    Example:
        >>> difference({"data": "a", "settings": {"epochs": 2}}, {"data": "a", "settings": {"epochs": 3}})
        'settings (epochs is 2 there and 3 here)'
    """
    for name, value in here.items():
        before = there.get(name)
        if before == value:
            continue
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            what = "defaults" if name == RESOLVED else name
            return f"{what} ({settings_changes(before, value)})"
        return name
    return None


def settings_changes(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Return which settings differ, and their values; of many, the first few."""
    there, here = _flat(there), _flat(here)
    names = [name for name in dict.fromkeys((*here, *there)) if there.get(name, "") != here.get(name, "")]
    told = [f"{name} is {_told(there, name)} there and {_told(here, name)} here" for name in names[:MOST_TOLD]]
    return ", ".join(told) + (f", and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else "")


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, with those inside a strategy's ``settings`` beside them."""
    inner = values.get(SETTINGS)
    outer = {name: value for name, value in values.items() if name != SETTINGS}
    return {**outer, **inner} if isinstance(inner, Mapping) else dict(values)


def _told(settings: Mapping[str, Any], name: str) -> str:
    return f"{settings[name]!r}" if name in settings else "unknown"


def _as_file_name(value: str) -> str:
    """Return a value as a part of a file's name: of a path the last part, with a hash of the whole."""
    if re.fullmatch(r"[\w+-]+", value):
        return value
    return f"{re.sub(r'[^A-Za-z0-9_+-]', '_', Path(value).name)}~{hashlib.sha256(value.encode()).hexdigest()[:6]}"
