"""The thread of the kernel tasks: it runs in parallel with the primary's step, which helps when it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition, get_ident
from types import TracebackType
from typing import Any, Self, TypeVar

from mt2st.training.run import timed
from mt2st.training.task import in_turn

Job = Callable[[], float]
ResultT = TypeVar("ResultT")


class KernelThread:
    """Runs the kernel tasks of each step. A context manager: the thread ends with the block.

    With ``parallel``, kernel and torch write the same embedding without a lock (hogwild, Niu et al. 2011). That is
    faster where a second core is free, but not repeatable to the bit. Where the kernel needs longer than the step, the
    step's thread takes over some of its pieces (`run_parallel`). Without ``parallel``, kernel tasks run before the
    step, on its thread, and a run is repeatable.

    Attributes:
        waited: seconds that the step's thread has spent on kernel tasks, or waiting for them.
    """

    def __init__(self, *, parallel: bool) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="mt2st-kernel") if parallel else None
        self._running: list[Future[float]] = []
        self._pieces: _Pieces | None = None
        self._changed = Condition()
        self.waited = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown()

    @contextmanager
    def running(self, jobs: Mapping[str, Job]) -> Iterator[dict[str, float]]:
        """Run the jobs during the block, or before it. After the block, the yielded mapping has their results.

        Raises:
            Exception: an error of a job, after the block; an interrupt, at once.
        """
        results: dict[str, float] = {}
        if self._executor is None or not jobs:
            with timed(self, "waited"):
                results.update((name, job()) for name, job in jobs.items())
            yield results
            return
        futures: dict[str, Future[float]] = {name: self._executor.submit(job) for name, job in jobs.items()}
        self._running = list(futures.values())
        for future in self._running:
            future.add_done_callback(self._notify)
        try:
            yield results
        finally:
            with timed(self, "waited"):
                self.wait()
            self._running = []
            results.update((name, future.result()) for name, future in futures.items())

    def run_parallel(self, pieces: Sequence[Callable[[], ResultT]]) -> list[ResultT]:
        """Run the pieces of a job, within this job, and return their results in order.

        The pieces start in order, on the job's thread and, once the step is done, on the step's thread.

        Raises:
            Exception: an error of a piece; pieces not yet started are dropped.
        """
        if self._executor is None:
            return in_turn(pieces)
        shared = _Pieces(pieces)
        self._offer(shared)
        try:
            shared.work()
            return shared.results()
        finally:
            self._offer(None)

    def wait(self) -> None:
        """Return when all running jobs are done; help with the pieces of one that is shared.

        Call it within the block of `running` before reading the table at rest.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pieces is not None or all(each.done() for each in self._running))
                shared, self._pieces = self._pieces, None
            if shared is None:
                return
            shared.work()

    def _notify(self, _: Future[float]) -> None:
        with self._changed:
            self._changed.notify_all()

    def _offer(self, shared: _Pieces | None) -> None:
        with self._changed:
            self._pieces = shared
            self._changed.notify_all()


class _Pieces:
    """Independent pieces of work that several threads take one by one."""

    def __init__(self, pieces: Sequence[Callable[[], Any]]) -> None:
        self._left = deque(enumerate(pieces))
        self._results: list[Any] = [None] * len(pieces)
        self._error: BaseException | None = None
        self._at_work: set[int] = set()
        self._changed = Condition()

    def work(self) -> None:
        """Run pieces until none is left. `results` raises their errors; an interrupt is raised here too."""
        while self._run_next():
            pass

    def results(self) -> list[Any]:
        """Return the results, once no thread is at work any more."""
        with self._changed:
            self._changed.wait_for(lambda: not self._at_work)
        if self._error is not None:
            raise self._error
        return self._results

    def _run_next(self) -> bool:
        try:
            with self._changed:
                if not self._left:
                    return False
                self._at_work.add(get_ident())
                number, piece = self._left.popleft()
            self._results[number] = piece()
        except BaseException as raised:
            interrupts = not isinstance(raised, Exception)
            with self._changed:
                if self._error is None or interrupts:
                    self._error = raised
                self._left.clear()
            if interrupts:
                raise
        finally:
            with self._changed:
                self._at_work.discard(get_ident())
                self._changed.notify_all()
        return True
