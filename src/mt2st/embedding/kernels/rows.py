"""The length of a row as the kernels hold it, and how far a row may move in one block."""

from __future__ import annotations

import numpy as np
from numba import njit

from mt2st.embedding.kernels.emit import LANES

LONGEST_STEP = np.float32(1.0)
"""How far a row moves at most in one block.

The steps of a block add up without seeing each other. Where one row takes part in very many pairs (a word that repeats
itself, a vocabulary of a few dozen words, a high learning rate), their sum overshoots, each time further, to infinity;
word by word it would not. Cut to this length, the same training settles. Ordinary steps are far shorter.
"""


@njit(nogil=True, cache=True)
def padded(size: int) -> int:
    """Return the length of a scratch row for vectors of ``size``: the next multiple of `LANES`."""
    return (size + LANES - 1) // LANES * LANES


@njit(nogil=True, fastmath=True, cache=True)
def shortened(squared: np.float32) -> np.float32:
    """Return the factor, 1 or less, that cuts a step of this squared length to `LONGEST_STEP`."""
    if squared > LONGEST_STEP * LONGEST_STEP:
        return np.float32(LONGEST_STEP / np.sqrt(squared))
    return np.float32(1)
