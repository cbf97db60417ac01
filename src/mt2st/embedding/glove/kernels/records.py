"""The records of co-occurrences: as they lie on disk, and as the training wants them."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mt2st.embedding.glove.kernels.table import key_column, key_row


@njit(nogil=True, cache=True)
def to_entries(keys: NDArray[np.uint64], sums: NDArray[np.int64], unit: float, entries: NDArray[np.void]) -> int:
    """Write keys and sums as (row, column, value), value = sum / unit; return how many lie on the diagonal."""
    diagonal = 0
    for k in range(keys.size):
        row, column = key_row(keys[k]), key_column(keys[k])
        entries[k]["row"], entries[k]["column"] = row, column
        entries[k]["value"] = np.float32(sums[k] / unit)
        if row == column:
            diagonal += 1
    return diagonal


@njit(nogil=True, cache=True)
def to_targets(entries: NDArray[np.void], x_max: float, alpha: float, targets: NDArray[np.void]) -> None:
    """Write (row, column, value) as (row, column, log(value), weight), weight = min(1, (value / x_max) ** alpha)."""
    for k in range(entries.size):
        value = np.float64(entries[k]["value"])
        targets[k]["row"], targets[k]["column"] = entries[k]["row"], entries[k]["column"]
        targets[k]["log"] = np.float32(math.log(value))
        weight = 1.0 if value >= x_max else (value / x_max) ** alpha
        targets[k]["weight"] = np.float32(weight)
