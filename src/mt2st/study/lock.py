"""One process at a time at a cell: several may work on a study, each on a share, or as the same command given twice."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mt2st.errors import InputError

LOCK = ".lock"
"""The file in a cell's folder that is locked while a process works on the cell. It stays: a process that had opened it
before it was removed would hold another lock than one that came later."""
SECONDS_BETWEEN_TRIES = 0.5


class BusyCellWarning(UserWarning):
    """Another process works on a cell, which has to be waited for."""


@contextmanager
def cell_lock(folder: Path, *, wait: Callable[[], bool] = lambda: False) -> Iterator[bool]:
    """Hold the lock of a cell for a block, or learn that another process holds it.

    The system lifts a process's lock when it ends, in whatever way. Where the file system knows no locks, whoever asks
    has it, and two processes may do the same work.

    Args:
        folder: the cell's; made when it is not there.
        wait: asked again and again while another process holds the lock: whether to go on waiting.

    Yields:
        Whether the lock is held.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from error
    try:
        yield _taken(handle, wait)
    finally:
        os.close(handle)


def is_busy(folder: Path) -> bool:
    """Return whether another process works on the cell of this folder.

    Raises:
        InputError: the folder cannot be written.
    """
    if not (folder / LOCK).is_file():
        return False
    with cell_lock(folder) as held:
        return not held


def _taken(handle: int, wait: Callable[[], bool]) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait():
                return False
            time.sleep(SECONDS_BETWEEN_TRIES)
        except OSError:  # the file system knows no locks
            return True
        else:
            return True
