"""A lock that keeps two processes from writing into the same folder: the output of a run, or a cell of a study."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mt2st.errors import InputError

LOCK = ".lock"
"""The file in a folder that is locked while a process works there. In a study's cell it stays."""
SECONDS_BETWEEN_TRIES = 0.5


class BusyCellWarning(UserWarning):
    """Another process works on a cell; its result is waited for."""


@contextmanager
def only_writer(folder: Path, what: str) -> Iterator[None]:
    """Be the only process that writes into a folder, for a block.

    A folder that is empty afterwards is removed, unless it was there and empty before.

    Args:
        folder: made when it is missing.
        what: start of the message, such as ``"--output run"``.

    Raises:
        InputError: another process writes there, or the folder cannot be written.
    """
    was_empty = False
    with suppress(OSError):
        was_empty = not any(folder.iterdir())
    with cell_lock(folder) as held:
        if not held:
            raise InputError(f"{what}: another process writes into {folder} now: let it end, or choose another place")
        try:
            yield
        finally:
            with suppress(OSError):  # as on Windows, where it is removed with the next run
                (folder / LOCK).unlink()
                if not was_empty:
                    folder.rmdir()


@contextmanager
def cell_lock(folder: Path, *, wait: Callable[[], bool] = lambda: False) -> Iterator[bool]:
    """Hold the lock of a cell for a block, if no other process holds it.

    The system releases a lock when its process ends, even by a kill. A file system without locks gives it to everyone:
    two processes may then run the same cell.

    The folder is made when it is missing. ``wait`` is asked repeatedly while another process holds the lock: whether to
    go on waiting. The block gets whether the lock is held.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOCK).touch()
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from error
    lock = FileLock(folder / LOCK)
    try:
        yield _acquired(lock, wait)
    finally:
        lock.release()


def is_busy(folder: Path) -> bool:
    """Return whether another process works on the cell of this folder.

    Raises:
        InputError: the folder cannot be written.
    """
    if not (folder / LOCK).is_file():
        return False
    with cell_lock(folder) as held:
        return not held


def _acquired(lock: FileLock, wait: Callable[[], bool]) -> bool:
    while True:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if not wait():
                return False
            time.sleep(SECONDS_BETWEEN_TRIES)
        except (OSError, NotImplementedError):  # no locks on this file system
            return True
        else:
            return True
