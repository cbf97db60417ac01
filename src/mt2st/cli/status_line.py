"""A line on stderr that tells how far the work is: redrawn in a terminal, silent anywhere else."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mt2st.cli.options import say

_SECONDS_BETWEEN = 0.1
_BAR = 20
_ERASE = "\r\x1b[K"


class StatusLine:
    """Shows the latest state of some work, and at the end one line that stays."""

    def __init__(self) -> None:
        self._in_terminal = sys.stderr.isatty()
        self._drawn: float | None = None

    def show(self, part: float | None, text: str) -> None:
        """Draw a bar and a text over what was there; ten times a second at most.

        Args:
            part: what is done, in [0, 1]; None where nobody knows, and there is no bar.
            text: what there is to say about it.
        """
        now = time.monotonic()
        if not self._in_terminal or (self._drawn is not None and now - self._drawn < _SECONDS_BETWEEN):
            return
        self._drawn = now
        line = text if part is None else f"{part:4.0%} |{'#' * int(_BAR * part):{_BAR}}| {text}"
        width = shutil.get_terminal_size().columns
        print(f"{_ERASE}{line[: width - 1]}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn is not None:
            print(_ERASE, end="", file=sys.stderr, flush=True)
            self._drawn = None

    def end(self, text: str) -> None:
        """Put a line in its place that stays, and is printed where there is no terminal too."""
        self.clear()
        say(text)


@contextmanager
def status_line() -> Iterator[StatusLine]:
    """Give a line that is gone afterwards, whatever happens."""
    line = StatusLine()
    try:
        yield line
    finally:
        line.clear()


COMPILING = "compiling the kernels, which is done once"


def compiled(seconds: float) -> str:
    """Return what there is to say about the time before a training's first step.

    Example:
        >>> compiled(3.14)
        'kernels: compiled, or loaded from an earlier time, in 3.1 s'
    """
    return f"kernels: compiled, or loaded from an earlier time, in {seconds:.1f} s"


def duration(seconds: float) -> str:
    """Return a time for a person.

    Example:
        >>> duration(12.34), duration(75), duration(3 * 3600 + 62), duration(float("inf"))
        ('12 s', '1:15 min', '3:01 h', '?')
    """
    if seconds == float("inf"):
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"
