"""Jobs on one thread or several.

joblib's threading backend is no replacement: closed early, it leaves jobs running, which here write into shared tables.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def results(
    run: Callable[[Job], Result], jobs: Iterator[Job], workers: int, *, in_order: bool = False
) -> Generator[Result]:
    """Yield the results of ``run`` for each job; with several workers, in the order in which they finish.

    A few jobs are in flight at a time. When the caller stops early or a job raises, the jobs in flight end first.

    Args:
        run: does a job; called on threads of their own if there are several workers.
        jobs: taken one by one as workers become free.
        workers: number of threads, at least 1; one is the calling thread, and keeps the order.
        in_order: keep the order of the jobs with several workers, too.
    """
    if workers == 1:
        yield from map(run, jobs)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="mt2st-worker") as pool:
        flying: list[Future[Result]] = [pool.submit(run, job) for job in islice(jobs, 2 * workers)]
        try:
            while flying:
                finished = {flying[0]} if in_order else wait(flying, return_when=FIRST_COMPLETED).done
                wait(finished)
                flying = [each for each in flying if each not in finished]
                flying += [pool.submit(run, job) for job in islice(jobs, len(finished))]
                for future in finished:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
