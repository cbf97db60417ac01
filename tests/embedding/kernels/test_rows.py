"""A step is taken as it is, or cut to the longest one."""

from __future__ import annotations

import numpy as np
import pytest

from mt2st.embedding.kernels.rows import LONGEST_STEP, padded, shortened


@pytest.mark.parametrize("length", [0.0, 0.3, 0.99, 1.0])
def test_ordinary_steps_are_taken_whole(length: float) -> None:
    assert shortened(np.float32(length**2)) == 1


@pytest.mark.parametrize("length", [1.01, 3.0, 1e15])
def test_long_steps_are_cut(length: float) -> None:
    assert shortened(np.float32(length**2)) * length == pytest.approx(LONGEST_STEP, rel=1e-6)


def test_rows_are_padded_to_whole_vectors() -> None:
    assert [padded(size) for size in (1, 16, 17, 100)] == [16, 16, 32, 112]
