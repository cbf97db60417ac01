"""The end that a signal asks for."""

from __future__ import annotations


class Interrupted(BaseException):
    """The user or the system asked the program to end.

    Attributes:
        signal: the signal's number; the exit code is 128 more.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number
