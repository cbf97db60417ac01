"""The end that a signal asks for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


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
