"""The processor's cores: how many there are to use, and how many of them torch takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_lock = Lock()
_asked: list[tuple[object, int]] = []
"""What the blocks that are being run ask for, the latest last; before all of them, what there was."""


@contextmanager
def torch_threads(threads: int | None) -> Iterator[None]:
    """Let torch use so many threads for a block; None leaves them as they are.

    The number is the process's. Where blocks on several threads overlap, the latest of those that are left decides,
    and after the last one it is what it was before the first.
    """
    if threads is None:
        yield
        return
    block = object()
    with _lock:
        if not _asked:
            _asked.append((None, torch.get_num_threads()))
        _asked.append((block, threads))
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        with _lock:
            _asked[:] = [each for each in _asked if each[0] is not block]
            torch.set_num_threads(_asked[-1][1])
            if len(_asked) == 1:
                _asked.clear()
