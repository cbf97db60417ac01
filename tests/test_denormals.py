from __future__ import annotations

import pytest
import torch

from mt2st.denormals import flushed_denormals


def keeps_denormals() -> bool:
    return bool((torch.tensor([1e-39]) * 1.0 != 0).item())


def test_denormals_are_flushed_inside_and_kept_again_after() -> None:
    assert keeps_denormals()
    with flushed_denormals():
        assert not keeps_denormals()
    assert keeps_denormals()


def test_an_error_inside_restores_them_too() -> None:
    with pytest.raises(ZeroDivisionError), flushed_denormals():
        raise ZeroDivisionError
    assert keeps_denormals()


def test_a_caller_who_flushes_already_goes_on_to() -> None:
    torch.set_flush_denormal(True)
    try:
        with flushed_denormals():
            pass
        assert not keeps_denormals()
    finally:
        torch.set_flush_denormal(False)
