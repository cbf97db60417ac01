"""Co-occurrences as a value, in memory or mapped from disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENTRY = np.dtype([("row", np.int32), ("column", np.int32), ("value", np.float32)])
"""How often two words co-occur, weighted; 12 bytes."""


@dataclass(frozen=True, eq=False)
class Cooccurrences:
    """The upper triangle of the symmetric matrix of co-occurrences, sorted by row and column; no zeros.

    Attributes:
        entries: `ENTRY` [n] with ``row <= column``, read-only; ``entries["value"]`` is above 0.
        vocabulary_size: rows and columns of the matrix.
        diagonal: how many of the entries lie on the diagonal.
    """

    entries: NDArray[Any]
    vocabulary_size: int
    diagonal: int

    def __len__(self) -> int:
        return int(self.entries.size)

    @property
    def directed(self) -> int:
        """Entries of the whole matrix that are not 0: what one epoch trains on."""
        return 2 * len(self) - self.diagonal

    @classmethod
    def mapped(cls, path: Path, *, vocabulary_size: int, diagonal: int) -> Cooccurrences:
        """Map the entries of a file, read-only.

        Raises:
            OSError: the file cannot be read.
        """
        # An empty file cannot be mapped.
        empty = path.stat().st_size == 0
        entries = np.zeros(0, ENTRY) if empty else np.asarray(np.memmap(path, dtype=ENTRY, mode="r"))
        entries.flags.writeable = False
        return cls(entries, vocabulary_size, diagonal)

    def loaded(self) -> Cooccurrences:
        """Return the same co-occurrences in memory, free of their file."""
        entries = np.array(self.entries)
        entries.flags.writeable = False
        return Cooccurrences(entries, self.vocabulary_size, self.diagonal)
