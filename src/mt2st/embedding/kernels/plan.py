"""What holds for every block of one kernel call: rates, size, noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class Plan(NamedTuple):
    """How a call trains its blocks.

    Attributes:
        alpha_first: learning rate at the slice's first word, the weight of the update included.
        alpha_last: learning rate after its last word; linear in between.
        n_words: words of the slice, at least 1.
        block: centres that are updated together.
        n_noise: noise words that each centre meets.
        noise_step: by how many noise words a centre's run lies behind that of the centre before it.
        noise_weight: factor on each noise word's loss.
        accept: acceptances of the noise table, uint32 [V].
        alias: its aliases, int32 [V].
    """

    alpha_first: float
    alpha_last: float
    n_words: int
    block: int
    n_noise: int
    noise_step: int
    noise_weight: np.float32
    accept: NDArray[np.uint32]
    alias: NDArray[np.int32]


@njit(nogil=True, cache=True)
def rate_at(alpha_first: float, alpha_last: float, seen: int, n_words: int) -> np.float32:
    """Return the learning rate after ``seen`` of ``n_words`` words."""
    return np.float32(alpha_first + (alpha_last - alpha_first) * (seen / n_words))
