"""The end that a signal asks for."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from mt2st.cli.terminal import say

Handler = Callable[[int, FrameType | None], object]

REPEAT_SECONDS = 1.0
"""Signals that follow the first one within this time are the same wish."""
STOPPING = "stopping after this step, with a checkpoint; once more ends the program without one"


class Interrupted(BaseException):
    """The user or the system asked the program to end.

    Attributes:
        signal: the signal's number; the exit code is 128 more.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


class Stopped(Interrupted):
    """A study ended by a signal, with what it has kept: whoever runs it says so."""


@contextmanager
def stopped_by_signals(stop: Callable[[], bool], notice: str = STOPPING) -> Iterator[list[int]]:
    """Let the first Ctrl-C or SIGTERM end a training that keeps what it has; a later one ends the program at once.

    Args:
        stop: asks the training to end; returns whether there was one.
        notice: printed when it is asked.

    Yields:
        The numbers of the signals that came, filled as they come.
    """
    received: list[int] = []
    before = _handlers()

    @_once
    def handle(number: int, frame: FrameType | None) -> None:
        again = bool(received)
        received.append(number)
        if again or not stop():
            before[number](number, frame)
            return
        say(notice)

    for number in before:
        signal.signal(number, handle)
    try:
        yield received
    finally:
        # After a signal the program is about to end with its own exit code; a repeat in that moment must not end it
        # otherwise. (Python gives a handler of ours up early in its shutdown, but leaves an ignored signal ignored.)
        for number, earlier in before.items():
            signal.signal(number, signal.SIG_IGN if received else earlier)


def _handlers() -> dict[int, Handler]:
    """Return what Ctrl-C and SIGTERM do now."""
    handlers = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # A signal that whoever started us has turned off (SIGINT in a script's background job) stays off.
    return {number: handler for number, handler in handlers.items() if callable(handler)}


def _once(handle: Handler) -> Handler:
    """Return a handler to which repeats within a second are one: some process managers send a signal twice."""
    last = -math.inf

    def once(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if time.monotonic() - last >= REPEAT_SECONDS:
            last = time.monotonic()
            handle(number, frame)

    return once
