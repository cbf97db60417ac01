"""Jobs on one thread or several."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mt2st._workers import results


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_job_is_done_once(workers: int) -> None:
    found = list(results(lambda job: job * job, iter(range(40)), workers))
    assert sorted(found) == [job * job for job in range(40)]
    if workers == 1:
        assert found == sorted(found)


def test_jobs_are_taken_as_workers_become_free() -> None:
    taken: list[int] = []

    def jobs() -> Iterator[int]:
        for job in range(100):
            taken.append(job)
            yield job

    going = results(lambda job: job, jobs(), 2)
    next(going)
    assert len(taken) <= 8
    going.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_the_order_is_kept_when_asked(workers: int) -> None:
    def run(job: int) -> int:
        time.sleep(0.01 * (job % 3 == 0))
        return job

    assert list(results(run, iter(range(20)), workers, in_order=True)) == list(range(20))


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_errors_come_through_and_nothing_runs_on(workers: int, in_order: bool) -> None:
    running: set[int] = set()

    def run(job: int) -> int:
        running.add(job)
        time.sleep(0.01)
        running.discard(job)
        if job == 3:
            raise ValueError("three")
        return job

    with pytest.raises(ValueError, match="three"):
        list(results(run, iter(range(20)), workers, in_order=in_order))
    assert not running
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mt2st-worker")]
