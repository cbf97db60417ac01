"""A study's cells dealt out to several machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from mt2st.errors import InputError

Dealt = TypeVar("Dealt")


@dataclass(frozen=True)
class Share:
    """One of several equal shares of a study's cells, for runs on several machines.

    Attributes:
        number: which, from 1.
        of: of how many.

    Example:
        >>> [Share(number, 3).select("abcdefg") for number in (1, 2, 3)]
        [['a', 'd', 'g'], ['b', 'e'], ['c', 'f']]
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InputError(f"a share is one of 1/n to n/n, found {self.number}/{self.of}")

    def select(self, cells: Sequence[Dealt]) -> list[Dealt]:
        """Return the share's cells: every so many-th."""
        return list(cells[self.number - 1 :: self.of])
