"""What a search leaves behind: a file for each method in each setting, in the folder ``search`` of the study.

The schema of ``search/<method>.json`` (all times in seconds):

- ``schema``: 1.
- ``identity``: ``strategy`` and ``settings`` as given, ``resolved`` (what settings came to that were left to the
  defaults; earlier versions did not write it), ``data`` (a hash of training, validation and unlabelled part),
  ``auxiliary data``, ``version``, ``search`` (``seeds``, ``epochs``) and ``space`` (the ranges): what must be the same
  for the trials to be taken for this search's. How many they are is no part of it: a larger search goes on with a
  smaller one's.
- ``trials``: each a `Trial`; the first one has the given values.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mt2st._files import complete_file
from mt2st.errors import InputError
from mt2st.study.cell import difference


@dataclass(frozen=True)
class Trial:
    """A trial that has ended.

    Attributes:
        numbers: what was tried, by the names of the axes (`mt2st.study.search.space`).
        values: the settings that they stand for, in a training as long as a trial.
        score: the metric on the validation part, at the epoch that is best by it, mean over the seeds; None: it failed.
        loss: likewise of the loss, which decides between trials of the same score.
        train_seconds: seconds of training, over all seeds.
        wall_seconds: everything that its runs did.
        error: of a trial that failed, what went wrong.
    """

    numbers: Mapping[str, float]
    values: Mapping[str, Any]
    score: float | None = None
    loss: float = 0.0
    train_seconds: float = 0.0
    wall_seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Record:
    """The trials of a method in a setting.

    Attributes:
        identity: of the search.
        trials: in their order.
    """

    identity: Mapping[str, Any]
    trials: Sequence[Trial] = field(default_factory=list)

    @property
    def best(self) -> int | None:
        """The index of the best trial, the first of equals; None when all failed."""
        ranked = [
            (trial.score, -math.inf if math.isnan(trial.loss) else -trial.loss, -index)
            for index, trial in enumerate(self.trials)
            if trial.score is not None
        ]
        return -max(ranked)[2] if ranked else None

    @property
    def failed(self) -> int:
        """How many trials failed."""
        return sum(trial.score is None for trial in self.trials)

    def write(self, path: Path) -> None:
        """Write the file; it appears whole or not at all.

        Raises:
            InputError: when it cannot be written.
        """
        content = {"schema": 1, "identity": self.identity, "trials": [asdict(trial) for trial in self.trials]}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path.parent} cannot be made: {error.strerror}") from error
        with complete_file(path, overwrite=True) as file:
            file.write(json.dumps(content, indent=1).encode())

    @classmethod
    def read(cls, path: Path, identity: Mapping[str, Any]) -> Record:
        """Read a file that must be of this identity; an empty record if there is none.

        Raises:
            InputError: when it is broken, or of another search.
        """
        if not path.is_file():
            return cls(identity)
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            record = cls(dict(saved["identity"]), [Trial(**each) for each in saved["trials"]])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not the record of a search ({error}): delete it to search again") from error
        if change := difference(record.identity, identity):
            raise InputError(
                f"{path} is the search with other {change}: choose another folder, replace the study by --overwrite, "
                f"or delete the folder {path.parent} and the runs of the study"
            )
        return record
