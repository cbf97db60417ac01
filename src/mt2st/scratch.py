"""Temporary folders that do not outlive their process for long, however it ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mt2st.errors import InputError


@contextmanager
def scratch_folder(purpose: str, parent: Path | None = None) -> Iterator[Path]:
    """Give an empty folder that goes when the block ends.

    A process that is killed (SIGKILL, no memory, no power) leaves its folder behind, and corpora are large. So a folder
    is locked as long as its process lives; the system lifts the lock when it dies, in whatever way; and whoever makes a
    new folder removes those of the same purpose and user that nobody holds. A lock tells more than a process's number,
    which may have been given anew, or mean another process in a container that shares the folder.

    Args:
        purpose: what it is for, as a part of its name: ``"corpus"``.
        parent: where it is made; None for the system's folder of temporary files (``TMPDIR``).

    Raises:
        InputError: no folder can be made there.
    """
    place = parent or Path(tempfile.gettempdir())
    prefix = f"mt2st-{purpose}-"
    _remove_left_behind(place, prefix)
    try:
        folder, lock = _locked_folder(place, prefix)
    except OSError as error:
        raise InputError(f"{place}: no temporary folder can be made there: {error.strerror or error}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked_folder(place: Path, prefix: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            with suppress(OSError):  # where the file system knows no locks, nobody can take the folder away either
                fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)
        # Another process took it for left behind in the moment before it was locked: make another.


def _remove_left_behind(place: Path, prefix: str) -> None:
    """Remove the folders of processes that died; what cannot be looked at or removed stays."""
    for folder in place.glob(f"{prefix}*"):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
