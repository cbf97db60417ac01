from __future__ import annotations

import threading

import pytest
import torch

from mt2st.training.device import flushed_denormals, torch_threads


def test_blocks_within_each_other_give_back_what_they_found() -> None:
    with torch_threads(1):
        with torch_threads(2):
            assert torch.get_num_threads() == 2
            with torch_threads(None):
                assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 1


def test_blocks_that_overlap_on_two_threads_leave_the_number_as_it_was() -> None:
    before = torch.get_num_threads()
    with torch_threads(before + 2):
        began, ended = threading.Event(), threading.Event()
        seen: list[int] = []

        def first() -> None:
            with torch_threads(1):
                began.set()
                ended.wait(timeout=30)
            seen.append(torch.get_num_threads())

        thread = threading.Thread(target=first)
        thread.start()
        began.wait(timeout=30)
        block = torch_threads(1)
        block.__enter__()  # which begins within the other one's time and ends after it
        ended.set()
        thread.join()
        assert seen == [1]
        block.__exit__(None, None, None)
        new = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        new.start()
        new.join()
        assert torch.get_num_threads() == before + 2
        assert seen == [1, before + 2]
    assert torch.get_num_threads() == before


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
