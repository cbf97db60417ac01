"""The folder of a checkpoint: a state in files with their hashes, what it is a state of, and when to save the next."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mt2st._files import check_own, check_space, complete_folder, restore
from mt2st.errors import InputError

MANIFEST = "manifest.json"
"""File with the hashes of all others, and the identity."""

ORIGIN = "origin"
"""Part of an identity: how the data were chosen. It may differ, since the same data may have another name; where the
data differ, it explains why."""

CHECKPOINT_SECONDS = 300.0
"""Time between two checkpoints: no more than this is lost when a training is killed."""

CHECKPOINT_SHARE = 0.02
"""Most of the time that the checkpoints at the ends of epochs may take."""

DOES_NOT_FIT = (KeyError, TypeError, ValueError, AttributeError, RuntimeError)
"""Errors from using plain values of another shape."""


class Stateful:
    """Goes on from a checkpoint: by the attributes that the class names in ``_state``.

    What has a ``state_dict`` of its own is kept by that.
    """

    _state: ClassVar[tuple[str, ...]]

    def state_dict(self) -> dict[str, Any]:
        """Return plain values and tensors."""
        values = {name.lstrip("_"): getattr(self, name) for name in self._state}
        return {
            name: value.state_dict() if hasattr(value, "state_dict") else copy(value) for name, value in values.items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        for name in self._state:
            value, own = state[name.lstrip("_")], getattr(self, name)
            if hasattr(own, "load_state_dict"):
                own.load_state_dict(value)
            else:
                setattr(self, name, copy(value))


@dataclass(frozen=True)
class CheckpointFolder:
    """A checkpoint, complete or not there at all.

    Attributes:
        path: the folder.
        required: names of the files of each checkpoint.
        optional: names of others that it may have.
    """

    path: Path
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def is_there(self) -> bool:
        """Return whether a checkpoint is there; if not, one can be written: check before hours of work, not after.

        Raises:
            InputError: something else is there, which a checkpoint would replace.
        """
        folder = self.path
        restore(folder.parent)
        try:
            if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
                return False
        except OSError as error:
            raise InputError(f"{folder} cannot be read ({error.strerror}): choose another folder") from error
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder: choose another name for the checkpoint")
        self._manifest()
        check_own(folder, (*self.required, *self.optional, MANIFEST))
        return True

    def check_room(self, size: int) -> None:
        """Raise `NotWrittenError` unless the disk has room for two checkpoints of so many bytes.

        While one is written, the one before is still there.
        """
        there = next((each for each in self.path.absolute().parents if each.is_dir()), Path())
        check_space(there, 2 * size, self.path)

    @contextmanager
    def written(self, identity: Mapping[str, Any], size: int) -> Iterator[Path]:
        """Give an empty folder for the files of a checkpoint, which replaces the one that is there.

        Args:
            identity: plain values that must be the same when the training goes on, in groups.
            size: foreseen bytes.

        Raises:
            InputError: the folder has other files than a checkpoint's.
            NotWrittenError: the disk refuses; the checkpoint that was there stays.
        """
        self.is_there()
        with complete_folder(self.path, size=size) as partial:
            yield partial
            hashes = {path.name: file_hash(path) for path in sorted(partial.iterdir())}
            (partial / MANIFEST).write_text(json.dumps({"files": hashes, "identity": identity}), encoding="utf-8")

    @contextmanager
    def opened(self, identity: Mapping[str, Any]) -> Iterator[Collection[str]]:
        """Give the names of the files to read; errors in the block are those of a checkpoint that does not fit.

        Raises:
            InputError: a file is missing or broken, or the checkpoint is of another training.
        """
        files, saved = self._manifest()
        try:
            _check_whole(self.path, files)
            _check_same(self.path, saved, json.loads(json.dumps(identity)))
            yield files
        except InputError:
            raise
        except (OSError, *DOES_NOT_FIT) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"the checkpoint {self.path} cannot be read ({reason}): delete it to start again"
            ) from error

    def _manifest(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the hash of each file and the identity."""
        path = self.path / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            files, identity = dict(manifest["files"]), dict(manifest["identity"])
            if not files.keys() >= set(self.required):
                raise ValueError("it lists other files")
        except (OSError, *DOES_NOT_FIT) as error:
            raise InputError(
                f"{path} is not the manifest of a checkpoint ({type(error).__name__}: {error}): choose another folder; "
                f"a checkpoint is written to a folder that is missing, empty or a checkpoint, not to {self.path}"
            ) from error
        return files, identity


class Pace:
    """Tells when to save the next checkpoint of a training.

    Every few minutes; and at the ends of epochs, unless these would take more than a small share of the time.

    Args:
        seconds: time between two checkpoints.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begin()

    def begin(self) -> None:
        """Count the time from now."""
        self._last, self._cost = time.monotonic(), 0.0

    def due(self, *, epoch_ends: bool) -> bool:
        """Return whether to save now."""
        passed = time.monotonic() - self._last
        return passed >= self.seconds or (epoch_ends and self._cost <= CHECKPOINT_SHARE * passed)

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Count the time of the block as a checkpoint's."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self._last = time.monotonic()
            self._cost = self._last - begin


def _check_whole(folder: Path, files: Mapping[str, str]) -> None:
    for name, digest in files.items():
        if file_hash(folder / name) != digest:
            raise InputError(f"the checkpoint is broken: {folder / name} is not as it was written; delete {folder}")


def _check_same(folder: Path, saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for group, values in wanted.items():
        before = saved.get(group)
        if group == ORIGIN or before == values:
            continue
        change = _changes(group, before, values)[0]
        if group == "data":
            chosen = _changes("", saved[ORIGIN], wanted[ORIGIN]) if saved.get(ORIGIN) and wanted.get(ORIGIN) else []
            change = ", ".join(chosen) or f"the data have changed ({change})"
        raise InputError(f"the checkpoint {folder} is of another run: {change}; use the same, or delete the checkpoint")


def _changes(group: str, before: Any, now: Any) -> list[str]:
    """Return what differs, by name."""
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return [f"{group} was {before!r} there and is {now!r} now"]
    return [
        f"{group}{'.' if group else ''}{name} was {_shown(before, name)} there and is {_shown(now, name)} now"
        for name in dict.fromkeys((*now, *before))
        if name not in now or name not in before or now[name] != before[name]
    ]


def _shown(values: Mapping[str, Any], name: str) -> str:
    return repr(values[name]) if name in values else "unknown"


def file_hash(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
