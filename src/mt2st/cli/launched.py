"""A command as one of several processes that a launcher has started: torchrun, or ``accelerate launch``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from mt2st.errors import InputError


@contextmanager
def launched() -> Iterator[int]:
    """Connect with the other processes for a block, and yield this one's number; 0 without a launcher.

    All but the first are silent, apart from their errors.

    Raises:
        LostProcessError: not all processes came.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield 0
        return
    from mt2st.training.processes import connected  # loads torch

    with connected() as processes:
        if processes.rank == 0:
            yield 0
            return
        try:
            with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
                yield processes.rank
        except InputError as error:
            error.args = (f"process {processes.rank}: {error}",)
            raise
