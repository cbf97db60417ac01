"""A row's step is added as it is, or cut to the longest one."""

from __future__ import annotations

import numpy as np
import pytest

from mt2st.embedding.kernels.gather import add_to_rows
from mt2st.embedding.kernels.rows import LONGEST_STEP


@pytest.mark.parametrize("size", [1, 7, 16, 100])
def test_ordinary_steps_are_added_whole_and_long_ones_cut_in_their_direction(size: int) -> None:
    direction = np.random.default_rng(0).normal(size=size)
    direction /= np.linalg.norm(direction)
    for length, added in ((0.3, 0.3), (0.99, 0.99), (3.0, LONGEST_STEP), (1e15, LONGEST_STEP)):
        table = np.ones((3, size), dtype=np.float32)
        add_to_rows(table, np.array([1], dtype=np.int32), 0, 1, (length * direction).astype(np.float32))
        np.testing.assert_allclose(table[1] - 1, added * direction, rtol=0, atol=1e-6)
        assert (table[[0, 2]] == 1).all()
