"""A command as one of several processes that a launcher has started: torchrun, or ``accelerate launch``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from mt2st.errors import InputError

if TYPE_CHECKING:
    from mt2st.training import Alone


def processes_started() -> int:
    """Return how many processes a launcher has started; 1 without one."""
    count = os.environ.get("WORLD_SIZE", "1")
    if not count.isascii() or not count.isdigit():
        raise InputError(f"the environment variable WORLD_SIZE is the number of processes, found {count!r}: unset it")
    return int(count)


@contextmanager
def launched() -> Iterator[Alone | None]:
    """Connect with the other processes for a block, and yield them; None without a launcher.

    All but the first are silent, apart from their errors.

    Raises:
        LostProcessError: not all processes came.
        InputError: a variable of the launcher is missing, or is no number.
    """
    if processes_started() < 2:
        yield None
        return
    from mt2st.training.processes import connected  # loads torch

    with connected() as processes:
        if processes.rank == 0:
            yield processes
            return
        try:
            with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
                yield processes
        except InputError as error:
            error.args = (f"process {processes.rank}: {error}",)
            raise
        except OSError as error:  # of a disk, which is told by its place and its reason
            error.strerror = f"{error.strerror or error} (process {processes.rank})"
            raise
