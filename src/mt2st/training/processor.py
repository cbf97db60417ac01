"""How torch uses the processor: its number of threads, and denormal numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import joblib
import torch

_lock = Lock()
_requests: list[tuple[object, int]] = []
"""The thread counts that running blocks asked for, the latest last; before them, the count there was."""


def usable_cores() -> int:
    """Return how many cores this process may use, container quotas included."""
    return int(joblib.cpu_count())


@contextmanager
def torch_threads(threads: int | None) -> Iterator[None]:
    """Set torch's number of threads for a block; None leaves it alone.

    The number belongs to the process. Where blocks on several threads overlap, the latest that is still open decides.
    After the last one the number is what it was before the first.
    """
    if threads is None:
        yield
        return
    block = object()
    with _lock:
        if not _requests:
            _requests.append((None, torch.get_num_threads()))
        _requests.append((block, threads))
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        with _lock:
            _requests[:] = [each for each in _requests if each[0] is not block]
            torch.set_num_threads(_requests[-1][1])
            if len(_requests) == 1:
                _requests.clear()


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat denormal numbers as zero for a block.

    Arithmetic on them takes a slow path in the processor: a run that drives activations towards zero would become many
    times slower. The previous state is restored, except on builds that cannot report it. The state belongs to a
    thread; threads of torch's pool inherit it when torch makes them, at the first large operation of the process.
    """
    before = flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def flushes_denormals() -> bool:
    """Return whether this thread treats denormal numbers as zero."""
    return bool((torch.tensor([1e-39], dtype=torch.float32, device="cpu") * 1.0 == 0).item())
