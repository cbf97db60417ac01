"""Rows of a table copied into a kernel's scratch memory and changed in the table."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(nogil=True, fastmath=True, cache=True)
def copy_row(to: NDArray[np.float32], at: int, table: NDArray[np.float32], row: int) -> None:
    """Copy ``table[row]`` to ``to[at:]``; the padding behind it stays."""
    for d in range(table.shape[1]):
        to[at + d] = table[row, d]


@njit(nogil=True, fastmath=True, cache=True)
def add_row(table: NDArray[np.float32], row: int, step: NDArray[np.float32]) -> None:
    """Add ``step`` to ``table[row]``."""
    for d in range(table.shape[1]):
        table[row, d] += step[d]
