"""Work in pieces that several threads do together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, get_ident
from typing import Any


class SharedWork:
    """Pieces of work that threads take one by one.

    Args:
        pieces: of which none needs another's result.
    """

    def __init__(self, pieces: Sequence[Callable[[], Any]]) -> None:
        self._left = deque(enumerate(pieces))
        self._results: list[Any] = [None] * len(pieces)
        self._error: BaseException | None = None
        self._at_work: set[int] = set()
        self._changed = Condition()

    def take_part(self) -> None:
        """Do pieces until none is left. What one raises is for whoever asks for the results, an interrupt for all."""
        while self._take_one():
            pass

    def results(self) -> list[Any]:
        """Return the results when those that are at work are done."""
        with self._changed:
            self._changed.wait_for(lambda: not self._at_work)
        if self._error is not None:
            raise self._error
        return self._results

    def _take_one(self) -> bool:
        try:
            with self._changed:
                if not self._left:
                    return False
                self._at_work.add(get_ident())
                number, piece = self._left.popleft()
            self._results[number] = piece()
        except BaseException as raised:
            interrupts = not isinstance(raised, Exception)
            with self._changed:
                if self._error is None or interrupts:
                    self._error = raised
                self._left.clear()
            if interrupts:
                raise
        finally:
            with self._changed:
                self._at_work.discard(get_ident())
                self._changed.notify_all()
        return True
