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


class Signalled(KeyboardInterrupt):
    """A signal came.

    Python ends a program by SIGINT if ``exec`` let a plain `KeyboardInterrupt` through, even one that was caught later.
    """


class Stop:
    """The signals that came while work was under way that keeps what it has.

    Attributes:
        received: their numbers, in their order; repeats within a second left out.
    """

    def __init__(self) -> None:
        self.received: list[int] = []
        self._let_pass, self._notice = False, ""

    def finish_first(self, notice: str = "") -> None:
        """Let the next signal cut nothing off: the work goes on to its end, or to its next `check`.

        One that comes a second or more behind it raises `KeyboardInterrupt` again.

        Args:
            notice: printed when the signal comes; for work that prints nothing itself, into which it might fall.
        """
        self._let_pass, self._notice = True, notice

    def interrupt(self, number: int) -> None:
        """Take a signal.

        Raises:
            KeyboardInterrupt: unless this one was to let the work finish.
        """
        self.received.append(number)
        if not self._let_pass:
            raise Signalled
        self._let_pass = False
        if self._notice:
            say(self._notice)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if a signal came; the work calls it between its steps.

        The one that the signal itself raised may have been lost: Python cannot carry it through a callback from C, such
        as the compiler's.
        """
        if self.received:
            raise Signalled

    @property
    def exit_code(self) -> int:
        """128 more than the signal's number."""
        return 128 + (self.received[0] if self.received else signal.SIGINT)


SAVING = "saving the vectors first; once more ends the program without them"


def check_keeping(stop: Stop) -> None:
    """Raise `KeyboardInterrupt` if a signal came, and let another one not cut off what then keeps the vectors."""
    if stop.received:
        stop.finish_first(SAVING)
    stop.check()


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Let the first Ctrl-C or SIGTERM raise `KeyboardInterrupt`; a later one, a second or more behind, does so again.

    If the block lets the exception through, it becomes `Interrupted`, which carries the signal.
    """
    stop = Stop()
    before = _handlers()
    handle = _once(lambda number, _: stop.interrupt(number))
    for number in before:
        signal.signal(number, handle)
    try:
        yield stop
    except KeyboardInterrupt as error:
        raise Interrupted(stop.received[0] if stop.received else signal.SIGINT) from error
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def stopped_by_signals(stop: Callable[[], bool]) -> Iterator[list[int]]:
    """Let the first Ctrl-C or SIGTERM end a training with a checkpoint; a later one ends the program at once.

    Args:
        stop: asks the training to end; returns whether there was one.

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
        say("stopping after this step, with a checkpoint; once more ends the program without one")

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
