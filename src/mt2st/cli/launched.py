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


@contextmanager
def launched() -> Iterator[Alone | None]:
    """Connect with the other processes for a block, and yield them; None without a launcher.

    All but the first are silent, apart from their errors.

    Raises:
        LostProcessError: not all processes came.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
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
