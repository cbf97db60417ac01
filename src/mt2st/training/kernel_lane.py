"""Where kernel tasks run: on a second thread beside the primary's step, or in turn with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import TracebackType
from typing import Self

Job = Callable[[], float]


class KernelLane:
    """Runs the kernel tasks of each step.

    Beside the step, the kernel and torch write the same embedding without a lock (hogwild, Niu et al. 2011): faster
    where a second core is free, but not repeatable to the bit. In turn, a run is repeatable.

    Args:
        beside: whether to run them on a second thread.

    Use it as a context manager; the thread ends with the block.
    """

    def __init__(self, *, beside: bool) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="mt2st-kernel") if beside else None
        self._flying: list[Future[float]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown()

    def wait(self) -> None:
        """Return when the running jobs are done: within the block of `running`, for whoever needs the table at rest."""
        wait(self._flying)

    @contextmanager
    def running(self, jobs: Mapping[str, Job]) -> Iterator[dict[str, float]]:
        """Run the jobs beside the block, or before it; what they return is in the yielded mapping after the block.

        Raises:
            Exception: what a job raised, after the block.
        """
        results: dict[str, float] = {}
        if self._executor is None or not jobs:
            results.update((name, job()) for name, job in jobs.items())
            yield results
            return
        futures: dict[str, Future[float]] = {name: self._executor.submit(job) for name, job in jobs.items()}
        self._flying = list(futures.values())
        try:
            yield results
        finally:
            self._flying = []
            results.update((name, future.result()) for name, future in futures.items())
