from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from mt2st.training.kernel_thread import KernelThread


def test_in_turn_the_jobs_run_before_the_block_on_the_same_thread() -> None:
    order: list[object] = []

    def job() -> float:
        order.append(threading.current_thread())
        return 1.5

    with KernelThread(parallel=False) as thread, thread.running({"a": job}) as results:
        order.append("block")
    assert order == [threading.current_thread(), "block"]
    assert results == {"a": 1.5}


def test_in_parallel_the_jobs_run_on_another_thread_while_the_block_runs() -> None:
    in_block, in_job = threading.Event(), threading.Event()

    def job() -> float:
        in_job.set()
        assert in_block.wait(10), "the block waits for the job"
        return 2.5

    with KernelThread(parallel=True) as thread, thread.running({"a": job, "b": lambda: 3.5}) as results:
        assert in_job.wait(10), "the job waits for the block"
        in_block.set()
    assert results == {"a": 2.5, "b": 3.5}


def test_the_thread_ends_with_the_thread() -> None:
    before = threading.active_count()
    with KernelThread(parallel=True) as thread:
        with thread.running({"a": lambda: 0.0}):
            pass
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_without_a_job_nothing_runs() -> None:
    before = threading.active_count()
    with KernelThread(parallel=True) as thread, thread.running({}) as results:
        assert threading.active_count() == before
    assert results == {}


@pytest.mark.parametrize("parallel", [False, True])
def test_an_error_of_a_job_surfaces_and_the_thread_can_be_left(parallel: bool) -> None:
    def job() -> float:
        raise ZeroDivisionError("in the job")

    with (
        pytest.raises(ZeroDivisionError, match="in the job"),
        KernelThread(parallel=parallel) as thread,
        thread.running({"a": job}),
    ):
        pass


@pytest.mark.parametrize("parallel", [False, True])
def test_an_error_of_the_block_surfaces_after_the_jobs_are_done(parallel: bool) -> None:
    done = threading.Event()

    def job() -> float:
        done.set()
        return 0.0

    with pytest.raises(KeyError), KernelThread(parallel=parallel) as thread, thread.running({"a": job}):
        raise KeyError("block")
    assert done.is_set()


def test_the_thread_of_the_step_takes_pieces_when_the_step_is_done() -> None:
    here, there, in_block = threading.current_thread(), threading.Event(), threading.Event()
    together = threading.Barrier(2, timeout=10)
    by: dict[int, threading.Thread] = {}

    def piece(number: int) -> int:
        by[number] = threading.current_thread()
        there.set()
        if number < 2:
            assert in_block.wait(10)
            together.wait()  # which only two pieces at the same time can pass
        return number * number

    with KernelThread(parallel=True) as thread:

        def job() -> float:
            found = thread.run_parallel([partial(piece, number) for number in range(9)])
            assert found == [number * number for number in range(9)]
            return float(sum(found))

        with thread.running({"a": job, "b": lambda: 2.0}) as results:
            assert there.wait(10)
            assert here not in by.values()
            in_block.set()
        assert results == {"a": 204.0, "b": 2.0}
        assert {by[0] is here, by[1] is here} == {True, False}


def test_whoever_needs_the_table_at_rest_helps_too() -> None:
    together = threading.Barrier(2, timeout=10)
    done: list[threading.Thread] = []

    def piece(number: int) -> None:
        if number < 2:
            together.wait()
        done.append(threading.current_thread())

    def job() -> float:
        thread.run_parallel([])
        thread.run_parallel([partial(piece, number) for number in range(20)])
        return float(len(thread.run_parallel([partial(piece, 9)] * 5)))

    with KernelThread(parallel=True) as thread, thread.running({"quick": lambda: 1.0, "shares": job}) as results:
        thread.wait()
        assert len(done) == 25
        assert threading.current_thread() in done
    assert results == {"quick": 1.0, "shares": 5.0}


@pytest.mark.parametrize("raised", [ZeroDivisionError, KeyboardInterrupt])
def test_what_a_piece_raises_on_the_thread_of_the_step_ends_the_job(raised: type[BaseException]) -> None:
    together = threading.Barrier(2, timeout=10)
    begun: list[int] = []
    here, over = threading.current_thread(), threading.Event()

    def piece(number: int) -> None:
        begun.append(number)
        if number < 2:
            together.wait()
            if threading.current_thread() is here:
                over.set()
                raise raised
            assert over.wait(10)
        time.sleep(0.001)

    def job() -> float:
        thread.run_parallel([partial(piece, number) for number in range(1000)])
        return 0.0

    with pytest.raises(raised), KernelThread(parallel=True) as thread, thread.running({"a": job}):
        pass
    assert len(begun) < 500


@pytest.mark.parametrize("parallel", [False, True])
def test_an_error_of_a_piece_is_one_of_its_job(parallel: bool) -> None:
    begun: list[int] = []

    def piece(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise ZeroDivisionError("in the piece")

    def job() -> float:
        thread.run_parallel([partial(piece, number) for number in range(1000)])
        return 0.0

    with (
        pytest.raises(ZeroDivisionError, match="in the piece"),
        KernelThread(parallel=parallel) as thread,
        thread.running({"a": job}),
    ):
        pass
    assert 4 <= len(begun) < 1000


def test_in_turn_pieces_run_in_order() -> None:
    order: list[int] = []
    with KernelThread(parallel=False) as thread:
        assert thread.run_parallel([partial(order.append, number) for number in range(9)]) == [None] * 9
    assert order == list(range(9))
