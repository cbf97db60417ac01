"""What a cell leaves behind: ``result.json`` when it is finished, ``error.json`` when it failed.

The schema of ``result.json`` (all times in seconds, all measures in [0, 1] but the loss):

- ``schema``: 2; a file of any other is of another version, and not read.
- ``identity``: of the run (`mt2st.study.data`): what must be the same for the result to be taken for a cell's.
- ``result``: the fields of `CellResult`. Its ``run`` is a `mt2st.training.Run`, with the curves in ``evaluations``.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mt2st._files import complete_file
from mt2st._settings import checked_fields
from mt2st._version import __version__
from mt2st.errors import InputError
from mt2st.training import Run
from mt2st.training.device import usable_cores

PACKAGES = ("torch", "numpy", "numba", "scipy", "scikit-learn")


def versions() -> dict[str, str]:
    """Return the versions of Python, this package and those that its results depend on.

    As what is between two releases has the same version, there is a hash of the package's own source, too.
    """
    own = {"python": platform.python_version(), "mt2st": __version__, "mt2st source": _source_hash()}
    return own | {name: version(name) for name in PACKAGES}


@cache
def _source_hash(package: Path = Path(__file__).parents[1]) -> str:
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(b"%s\0%s\0" % (path.relative_to(package).as_posix().encode(), path.read_bytes()))
    return digest.hexdigest()[:12]


def machine() -> dict[str, str | int]:
    """Return the system, the processor and the number of cores that may be used. Not the machine's name."""
    return {"system": f"{platform.system()} {platform.machine()}", "processor": _processor(), "cores": usable_cores()}


def _processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


SCHEMA = 2
RESULT, ERROR, MODEL, CHECKPOINT = "result.json", "error.json", "model", "checkpoint"
"""What a cell's folder holds."""


@dataclass(frozen=True)
class CellResult:
    """The result of a finished cell.

    Attributes:
        name: of the method.
        test: metrics on the test part, by the parameters that were best on validation; empty where there is none.
        metric: the metric that chose the best parameters on validation.
        factors: ``embedding``, ``auxiliary`` tasks and ``encoder``, as a table names them.
        start_seconds: training of the first word vectors, which cells share; no part of the run's training time.
        wall_seconds: everything that the cell did the last time it was run, reading, measuring and waiting included.
        jobs: cells that ran at a time: where there were several, seconds are those of a shared machine.
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

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values, without the identity."""
        values = asdict(self)
        del values["identity"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], identity: Mapping[str, Any]) -> CellResult:
        """Return the result that `as_dict` described.

        Raises:
            ValueError: a value is missing, or is none of its kind.
        """
        return checked_fields(cls, {**values, "identity": dict(identity)})

    def write(self, folder: Path) -> None:
        """Write ``result.json`` into a cell's folder.

        Raises:
            InputError: when it cannot be written.
        """
        write_json(folder / RESULT, {"schema": SCHEMA, "identity": self.identity, "result": self.as_dict()})

    @classmethod
    def read(cls, path: Path) -> CellResult:
        """Read a ``result.json``.

        Raises:
            InputError: when it cannot be opened, holds no result, or is of another version.
        """
        again = f"delete {path.parent} to run the cell again"
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            if (schema := saved["schema"]) == SCHEMA:
                return cls.from_dict(saved["result"], saved["identity"])
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise InputError(f"{path} is not the result of a cell ({reason}); {again}") from error
        raise InputError(
            f"{path} has schema {schema!r}, and mt2st {__version__} reads schema {SCHEMA}: it is of another version; "
            f"read it with that one, or {again}"
        )


@dataclass(frozen=True)
class Failure:
    """A cell that could not be finished.

    Attributes:
        name: what the table calls the method.
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
    identity: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write ``error.json`` into a cell's folder.

        Raises:
            InputError: when it cannot be written.
        """
        write_json(folder / ERROR, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Failure:
        """Read an ``error.json``.

        Raises:
            InputError: when it is none.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise InputError(f"{path} is not the error of a cell ({error}): delete it") from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file of a study, in place of one that is there; its folder is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path.parent} cannot be made: {error.strerror}") from error
    with complete_file(path, overwrite=True) as file:
        file.write(json.dumps(content, indent=1).encode())
