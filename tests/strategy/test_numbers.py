from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mt2st.errors import InputError
from mt2st.strategy import AdaptiveSwitch, Diminish, Switch


def test_numbers_of_numpy_are_numbers() -> None:
    assert Switch(at=np.int64(3)) == Switch(at=3)  # type: ignore[arg-type]
    assert Diminish(decay=np.float64(0.5)) == Diminish(decay=0.5)
    assert Diminish(decay=np.float32(0.5)) == Diminish(decay=0.5)  # type: ignore[arg-type]
    assert AdaptiveSwitch(np.int32(2)) == AdaptiveSwitch(2)  # type: ignore[arg-type]
    assert type(Switch(at=np.int64(3)).at) is int  # type: ignore[arg-type]
    assert Switch(at=3, auxiliaries=["a"]).weights(np.int64(2)) == {"a": 1.0}  # type: ignore[arg-type]


@pytest.mark.parametrize("t", [float("nan"), 1.5, 0, -1, True, "1"])
def test_time_is_counted_in_whole_numbers_from_1(t: Any) -> None:
    with pytest.raises(InputError, match="t counts epochs from 1 in whole numbers, found"):
        Switch(at=3, auxiliaries=["a"]).weights(t)
