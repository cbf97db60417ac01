"""The end that a signal asks for."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from mt2st.cli.options import say

REPEAT_SECONDS = 1.0
"""Signals that follow the first one within this time are the same wish."""


class Interrupted(BaseException):
    """The user or the system asked the program to end.

    Attributes:
        signal: the signal's number; the exit code is 128 more.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


@contextmanager
def terminated_like_interrupted() -> Iterator[list[int]]:
    """Let SIGTERM raise `KeyboardInterrupt` as Ctrl-C does, for work that then keeps what it has.

    Gives the list of the signals that came that way; if the block lets the `KeyboardInterrupt` through, it becomes
    `Interrupted`. A second SIGTERM does what it did before.
    """
    received: list[int] = []
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: object) -> None:  # noqa: ARG001  # a signal handler's arguments
        received.append(number)
        signal.signal(signal.SIGTERM, before)
        raise KeyboardInterrupt

    if callable(before):  # else whoever started us has turned it off
        signal.signal(signal.SIGTERM, stop)
    try:
        yield received
    except KeyboardInterrupt as error:
        if received:
            raise Interrupted(received[0]) from error
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def stopped_by_signals(stop: Callable[[], bool]) -> Iterator[list[int]]:
    """Let the first Ctrl-C or SIGTERM end a training with a checkpoint; a later one ends the program at once.

    Some terminals and process managers send a signal twice in a moment: repeats within a second count as one.

    Args:
        stop: asks the training to end; returns whether there was one.

    Yields:
        The numbers of the signals that came, filled as they come.
    """
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # A signal that whoever started us has turned off (SIGINT in a script's background job) stays off.
    before = {number: handler for number, handler in handlers.items() if callable(handler)}
    first = 0.0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if received and time.monotonic() - first < REPEAT_SECONDS:
            return
        again = bool(received)
        received.append(number)
        first = time.monotonic()
        if again or not stop():
            before[signal.Signals(number)](number, frame)
            return
        say("stopping after this step, with a checkpoint; once more ends the program without one")

    for number in before:
        signal.signal(number, handle)
    try:
        yield received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
