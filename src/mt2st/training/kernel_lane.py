"""Where kernel tasks run: on a second thread beside the primary's step, which then helps, or in turn with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition
from types import TracebackType
from typing import Self, TypeVar

from mt2st.tasks import in_turn
from mt2st.training.shared_work import SharedWork

Job = Callable[[], float]
ResultT = TypeVar("ResultT")


class KernelLane:
    """Runs the kernel tasks of each step.

    Beside the step, the kernel and torch write the same embedding without a lock (hogwild, Niu et al. 2011): faster
    where a second core is free, but not repeatable to the bit. Where the kernel needs longer than the step, the step's
    thread takes a part of its work when it is done (`share`). In turn, a run is repeatable.

    Args:
        beside: whether to run them on a second thread.

    Use it as a context manager; the thread ends with the block.
    """

    def __init__(self, *, beside: bool) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="mt2st-kernel") if beside else None
        self._flying: list[Future[float]] = []
        self._shared: SharedWork | None = None
        self._changed = Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown()

    def share(self, pieces: Sequence[Callable[[], ResultT]]) -> list[ResultT]:
        """Run the pieces of a job, within it, and return their results in order.

        They are begun in order, by the job's thread and, as soon as the step is done, by the step's.

        Raises:
            Exception: what a piece raised; those not begun then are left out.
        """
        if self._executor is None:
            return in_turn(pieces)
        work = SharedWork(pieces)
        self._announce(work)
        try:
            work.take_part()
            return work.results()
        finally:
            self._announce(None)

    def wait(self) -> None:
        """Return when the running jobs are done, taking part in the one that is shared.

        Within the block of `running`: for whoever needs the table at rest.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._shared is not None or all(each.done() for each in self._flying))
                work, self._shared = self._shared, None
            if work is None:
                return
            work.take_part()

    @contextmanager
    def running(self, jobs: Mapping[str, Job]) -> Iterator[dict[str, float]]:
        """Run the jobs beside the block, or before it; what they return is in the yielded mapping after the block.

        Raises:
            Exception: what a job raised, after the block; an interrupt, at once.
        """
        results: dict[str, float] = {}
        if self._executor is None or not jobs:
            results.update((name, job()) for name, job in jobs.items())
            yield results
            return
        futures: dict[str, Future[float]] = {name: self._executor.submit(job) for name, job in jobs.items()}
        self._flying = list(futures.values())
        for future in self._flying:
            future.add_done_callback(self._notify)
        try:
            yield results
        finally:
            self.wait()
            self._flying = []
            results.update((name, future.result()) for name, future in futures.items())

    def _notify(self, _: Future[float]) -> None:
        with self._changed:
            self._changed.notify_all()

    def _announce(self, work: SharedWork | None) -> None:
        """Say what work there is to share now, or that there is none any more."""
        with self._changed:
            self._shared = work
            self._changed.notify_all()
