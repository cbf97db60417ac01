from __future__ import annotations

import threading

import pytest

from mt2st.training.kernel_lane import KernelLane


def test_in_turn_the_jobs_run_before_the_block_on_the_same_thread() -> None:
    order: list[object] = []

    def job() -> float:
        order.append(threading.current_thread())
        return 1.5

    with KernelLane(beside=False) as lane, lane.running({"a": job}) as results:
        order.append("block")
    assert order == [threading.current_thread(), "block"]
    assert results == {"a": 1.5}


def test_beside_the_jobs_run_on_another_thread_while_the_block_runs() -> None:
    in_block, in_job = threading.Event(), threading.Event()

    def job() -> float:
        in_job.set()
        assert in_block.wait(10), "the block waits for the job"
        return 2.5

    with KernelLane(beside=True) as lane, lane.running({"a": job, "b": lambda: 3.5}) as results:
        assert in_job.wait(10), "the job waits for the block"
        in_block.set()
    assert results == {"a": 2.5, "b": 3.5}


def test_the_thread_ends_with_the_lane() -> None:
    before = threading.active_count()
    with KernelLane(beside=True) as lane:
        with lane.running({"a": lambda: 0.0}):
            pass
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_without_a_job_nothing_runs() -> None:
    before = threading.active_count()
    with KernelLane(beside=True) as lane, lane.running({}) as results:
        assert threading.active_count() == before
    assert results == {}


@pytest.mark.parametrize("beside", [False, True])
def test_an_error_of_a_job_surfaces_and_the_lane_can_be_left(beside: bool) -> None:
    def job() -> float:
        raise ZeroDivisionError("in the job")

    with (
        pytest.raises(ZeroDivisionError, match="in the job"),
        KernelLane(beside=beside) as lane,
        lane.running({"a": job}),
    ):
        pass


@pytest.mark.parametrize("beside", [False, True])
def test_an_error_of_the_block_surfaces_after_the_jobs_are_done(beside: bool) -> None:
    done = threading.Event()

    def job() -> float:
        done.set()
        return 0.0

    with pytest.raises(KeyError), KernelLane(beside=beside) as lane, lane.running({"a": job}):
        raise KeyError("block")
    assert done.is_set()
