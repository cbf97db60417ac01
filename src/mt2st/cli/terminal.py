"""What a person sees on stderr: lines, and in a terminal tqdm's progress bar below them."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, NoReturn

from mt2st.errors import printable

if TYPE_CHECKING:
    from tqdm import tqdm

    from mt2st.models.trained_model import AnyModel

_WIDTH = 10
_FULL = f"{{percentage:3.0f}}% |{{bar:{_WIDTH}}}| {{desc}}"


def say(text: str) -> None:
    """Print a line for the person, not for a program: to stderr, above a bar that may stand there.

    Where nobody reads it any more, or its disk is full, the work goes on all the same.
    """
    tqdm = sys.modules.get("tqdm")  # where it is not loaded, there is no bar
    with suppress(OSError), tqdm.tqdm.external_write_mode(file=sys.stderr) if tqdm else nullcontext():
        text = printable(text)
        print(_wrapped(text) if sys.stderr.isatty() else text, file=sys.stderr, flush=True)


def _wrapped(text: str) -> str:
    """Return a text whose lines fit into the terminal, with no word broken."""
    width = max(shutil.get_terminal_size().columns - 1, 20)
    lines = [
        textwrap.wrap(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        if len(line) > width
        else [line]
        for line in text.splitlines()
    ]
    return "\n".join(each for line in lines for each in line)


def warn(text: str) -> None:
    """Print a warning for the person."""
    say(f"mt2st: warning: {text}")


def say_unknown_words(model: AnyModel, rows: Any, named: str) -> None:
    """Say how many of the words of labelled data a model does not know."""
    if share := model.unknown_share(rows):
        say(f"unknown words: {share:.1%} of those of {named}")


class Bar:
    """One bar, drawn when there is something to show. What `say` prints meanwhile stands above it."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None

    def show(self, done: float | None, text: str) -> None:
        """Draw the bar and a text, ten times a second at most.

        Args:
            done: the share that is done, from 0 to 1; None where nobody knows, and there is no bar.
            text: the state of the work. Words that do not fit on the line are left out.
        """
        if not sys.stderr.isatty():
            return
        first = self._bar is None
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=1.0, leave=False, bar_format="{desc}", file=sys.stderr)
        self._bar.bar_format = "{desc}" if done is None else _FULL
        width = shutil.get_terminal_size().columns - 1 - (0 if done is None else _WIDTH + len("100% || "))
        self._bar.n = done or 0.0
        self._bar.set_description_str(textwrap.shorten(text, max(width, 5), placeholder=" ..."), refresh=first)
        self._bar.update(0)  # draws only when it is time to

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def end(self, text: str) -> None:
        """Replace the bar by a line that stays, and that is printed where there is no terminal too."""
        self.close()
        say(text)


@contextmanager
def progress_bar() -> Iterator[Bar]:
    """Give a bar that is gone afterwards, whatever happens."""
    bar = Bar()
    try:
        yield bar
    finally:
        bar.close()


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
