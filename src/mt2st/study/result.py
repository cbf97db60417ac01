"""What a cell leaves behind: ``result.json`` when it is finished, ``error.json`` when it failed.

The schema of ``result.json`` (all times in seconds, all measures in [0, 1] but the loss):

- ``schema``: 2; a file of any other is of another version, and not read.
- ``identity``: ``strategy`` (its state), ``settings`` (all of `ModelSettings`; null where left to the default),
  ``defaults`` (what those came to, `mt2st.models.identity`), ``data``, ``auxiliary data``, ``auxiliary
  labels`` and ``word vectors`` (hashes), ``version``: what must be the same for the result to be taken for a cell's.
- ``hash``: of the identity (`mt2st.study.identity.identity_hash`); where it does not fit, the file is not read.
- ``result``: the `CellResult`: ``name`` (of the method), ``seed``, ``factors`` (``embedding``, ``auxiliary``,
  ``encoder``), ``metric``, ``test`` (all measures on the test part), ``run`` (a `mt2st.training.Run`: its
  ``evaluations`` are the curves: validation measures, losses, weights, learning rates, seconds, steps and FLOPs; its
  ``transitions`` when auxiliary tasks went off), ``start_seconds`` (training of the first word vectors, shared by the
  cells that start from them), ``wall_seconds`` (everything, of the last time it was run), ``versions``, ``machine``,
  ``jobs`` (cells that ran at a time: where there were several, seconds are those of a shared machine).
- ``cost``: ``train_seconds``, ``steps``, ``flops`` of the whole run, repeated for readers of this file alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mt2st import __version__
from mt2st._files import complete_file
from mt2st.errors import InputError
from mt2st.study.identity import identity_hash
from mt2st.training import Run

SCHEMA = 2
RESULT, ERROR, MODEL, CHECKPOINT = "result.json", "error.json", "model", "checkpoint"
"""What a cell's folder holds."""


class BrokenResultError(InputError):
    """A ``result.json`` that holds no result, such as one that was cut off: nothing is lost by running its cell again.

    Args:
        path: of the file.
        reason: why it holds none.
    """

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(
            f"{path} is not the result of a cell ({reason}): give the study's command again, which repeats this cell, "
            "or delete it"
        )
        self.path, self.reason = path, reason


class BrokenResultWarning(UserWarning):
    """A ``result.json`` holds no result, and its cell is not taken for finished."""


@dataclass(frozen=True)
class CellResult:
    """What a finished cell says.

    Attributes:
        name: what the table calls the method.
        seed: the cell's seed.
        test: metrics on the test part, by the parameters that were best on validation; empty where there is none.
        run: the course of the training.
        metric: the measure that chose the best parameters on validation.
        factors: embedding, auxiliary tasks and encoder, as a table names them.
        start_seconds: how long the first word vectors were trained, no part of the run's training time.
        wall_seconds: everything that the cell did the last time, reading, measuring and waiting included.
        versions: of Python and packages.
        machine: system, processor, cores.
        jobs: how many cells ran at a time.
        identity: the cell's settings, strategy and data, as `Cell.identity` gives them.
    """

    name: str
    seed: int
    test: Mapping[str, float]
    run: Run
    metric: str = "accuracy"
    factors: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 0.0
    wall_seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str | int] = field(default_factory=dict)
    jobs: int = 1
    identity: Mapping[str, Any] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """The metric on the test part.

        Raises:
            InputError: when it was not measured there.
        """
        if self.metric not in self.test:
            raise InputError(
                f"{self.name}, seed {self.seed}: there is no {self.metric} on the test part to compare: a study needs "
                "a test part, and all its results that measure"
            )
        return self.test[self.metric]

    @property
    def best_validation(self) -> float:
        """The largest value of the metric on the validation part over the run."""
        return self.run.best_value(self.metric)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values, without the identity."""
        values = asdict(self)
        del values["identity"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], identity: Mapping[str, Any]) -> CellResult:
        """Return the result that `as_dict` described."""
        rest = {name: value for name, value in values.items() if name not in ("run", "identity")}
        return cls(**rest, run=Run.from_dict(values["run"]), identity=identity)

    def write(self, folder: Path) -> None:
        """Write ``result.json`` into a cell's folder; it appears whole or not at all.

        Raises:
            InputError: when it cannot be written.
        """
        content = {
            "schema": SCHEMA,
            "identity": self.identity,
            "hash": identity_hash(self.identity),
            "result": self.as_dict(),
            "cost": {"train_seconds": self.run.train_seconds, "steps": self.run.steps, "flops": self.run.flops},
        }
        with complete_file(folder / RESULT, overwrite=True) as file:
            file.write(json.dumps(content, indent=1).encode())

    @classmethod
    def read(cls, path: Path) -> CellResult:
        """Read a ``result.json``.

        Raises:
            BrokenResultError: when it holds no result.
            InputError: when it holds one that cannot be used: it is of another version, not as it was written, or lacks
                the metric; or it cannot be opened.
        """
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            schema = saved["schema"]
            if schema == SCHEMA:
                result, found = cls.from_dict(saved["result"], dict(saved["identity"])), saved["hash"]
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
        except KeyError as error:
            raise BrokenResultError(path, f"it has no {error}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise BrokenResultError(path, error) from error
        again = f"or delete {path.parent} to run the cell again"
        if schema != SCHEMA:
            raise InputError(
                f"{path} has schema {schema!r}, and mt2st {__version__} reads schema {SCHEMA}: it is of another "
                f"version; read it with that one, {again}"
            )
        if found != (expected := identity_hash(result.identity)):
            raise InputError(
                f"{path} is not as it was written: its hash is {found!r}, that of its identity {expected!r}; bring "
                f"back the file that was written, {again}"
            )
        if lacking := result.lacking:
            raise InputError(f"{path} has no {result.metric} on the {lacking} part, which is compared; {again[3:]}")
        return result

    @property
    def lacking(self) -> str | None:
        """The part on which other measures were taken, but not the metric; None if there is no such part."""
        if self.test and self.metric not in self.test:
            return "test"
        return None if all(self.metric in each.validation for each in self.run.evaluations) else "validation"


@dataclass(frozen=True)
class Failure:
    """A cell that could not be finished.

    Attributes:
        name: what the table calls the method.
        seed: the cell's seed.
        folder: the name of the cell's folder.
        title: the cell in a message.
        error: what went wrong, in a line or a few.
        fault: whether it is a fault of the program, or of the machine, and not of what the user gave.
        traceback: of a fault, where it happened.
    """

    name: str
    seed: int
    folder: str
    title: str
    error: str
    fault: bool = False
    traceback: str = ""

    def write(self, folder: Path) -> None:
        """Write ``error.json`` into a cell's folder.

        Raises:
            InputError: when it cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with complete_file(folder / ERROR, overwrite=True) as file:
            file.write(json.dumps(asdict(self), indent=1).encode())

    @classmethod
    def read(cls, path: Path) -> Failure:
        """Read an ``error.json``.

        Raises:
            InputError: when it is none.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{path} is not the error of a cell ({error}): delete it") from error
