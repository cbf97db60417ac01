"""Warnings in a process of a pool or a cluster, where nobody sees them: they are taken to where they are shown."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

Warned = tuple[str, type[Warning], str, int]
"""Text, category, file and line of a warning: what `warnings.warn_explicit` takes."""
_SILENT = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
"""What Python does not show either unless it is asked."""
_lock = Lock()
_open: list[dict[Warned, None]] = []
_stack = ExitStack()


@contextmanager
def warnings_kept() -> Iterator[dict[Warned, None]]:
    """Give the different warnings of a block, in their order, as the keys of a dict; none of them is shown.

    The blocks of several threads, in a worker of a cluster, may overlap: they share one `warnings.catch_warnings`,
    which is not made for threads, and each has the warnings of both.
    """
    kept: dict[Warned, None] = {}
    with _lock:
        if not _open:
            _stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("always")  # how often it is shown is decided where it is
            for category in _SILENT:
                warnings.simplefilter("ignore", category)
            warnings.showwarning = _keep  # type: ignore[assignment]  # takes what it needs
        _open.append(kept)
    try:
        yield kept
    finally:
        with _lock:
            _open[:] = [each for each in _open if each is not kept]
            if not _open:
                _stack.close()


def _keep(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    for each in _open:
        each[str(message), category, filename, lineno] = None
