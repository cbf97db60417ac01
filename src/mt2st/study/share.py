"""A study's cells dealt out to several machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from mt2st.errors import InputError

Dealt = TypeVar("Dealt")


@dataclass(frozen=True)
class Share:
    """One of several shares of a study's cells, equal but for one cell, for runs on several machines.

    A share is a piece of the study's order, in which a seed's methods stand together: so all but those at a cut run on
    the same machine as what they are compared with, seed by seed.

    Attributes:
        number: which, from 1.
        of: of how many.

    Example:
        >>> [Share(number, 3).select("abcdefg") for number in (1, 2, 3)]
        [['a', 'b'], ['c', 'd'], ['e', 'f', 'g']]
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InputError(f"a share is one of 1/n to n/n, found {self.number}/{self.of}")

    def select(self, cells: Sequence[Dealt]) -> list[Dealt]:
        """Return the share's cells: those between two even cuts."""
        first, last = ((self.number - back) * len(cells) // self.of for back in (1, 0))
        return list(cells[first:last])
