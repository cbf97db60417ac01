"""Warnings that come where nobody sees them, in a pool's or a cluster's processes, taken to where they are shown."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import RLock


@dataclass(frozen=True)
class Warned:
    """A warning that came in some process.

    Attributes:
        text: what it says.
        category: its class.
        filename: where it came from.
        lineno: likewise.
    """

    text: str
    category: type[Warning]
    filename: str
    lineno: int

    def show(self) -> None:
        """Warn as if it came from there in this process, whose filters decide what becomes of it."""
        with _lock:
            if _open:  # a cluster within this very process: its cells must not keep what is for the person
                _before(self.category(self.text), self.category, self.filename, self.lineno)
            else:
                warnings.warn_explicit(self.text, self.category, self.filename, self.lineno)


_SILENT = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
"""What Python does not show either unless it is asked."""
_lock = RLock()  # a warning may come, from what the garbage collector ends, while its thread holds the lock
_open: list[dict[Warned, None]] = []
_python = ExitStack()
_before: Callable[..., object] = warnings.showwarning
"""What shows warnings while no block is open."""


@contextmanager
def warnings_kept() -> Iterator[dict[Warned, None]]:
    """Give the warnings of a block, each different one once, in their order, as the keys of a dict; none is shown.

    `warnings.catch_warnings` is not for threads: of two blocks that overlap, the first to end would give back what the
    other still needs, and the other leave its own behind. Here, each of the two has the warnings of both.
    """
    global _before
    kept: dict[Warned, None] = {}
    with _lock:
        if not _open:
            _python.enter_context(warnings.catch_warnings())
            warnings.simplefilter("always")  # how often it is shown is decided where it is
            for category in _SILENT:
                warnings.simplefilter("ignore", category)
            _before = warnings.showwarning
            warnings.showwarning = _keep  # type: ignore[assignment]  # takes what it needs
        _open.append(kept)
    try:
        yield kept
    finally:
        with _lock:
            _open[:] = [each for each in _open if each is not kept]
            if not _open:
                _python.close()


def _keep(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    warned = Warned(str(message), category, filename, lineno)
    with _lock:
        for each in _open:
            each[warned] = None
