"""Many cells at a time, by joblib: in processes of this machine, or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

from mt2st.study.result import Failure
from mt2st.study.worker import Order, Outcome, attempt_elsewhere

LOCAL = "loky"
"""joblib's backend of processes on this machine."""


def outcomes(orders: Sequence[Order], *, jobs: int, backend: str = LOCAL) -> Iterator[Outcome]:
    """Work on cells, some at a time, each on one thread of torch, and yield their outcomes as they come.

    A process that dies (killed for want of memory, say) takes those of its pool with it. The cells that are left are
    then tried again, half as many at a time, and in the end one by one: what dies alone has failed. Once the cells are
    asked to stop, what dies has stopped.

    Args:
        orders: what to do.
        jobs: how many at a time, at least 1; on a cluster -1 is as many as it has room for.
        backend: a backend of joblib. Those of clusters (``"dask"``) need their client first, and the study's folder on
            a disk that all machines see.
    """
    left = {order.cell.folder: order for order in orders}
    while left:
        try:
            alone = jobs == 1 and backend == LOCAL
            for outcome in _pooled(list(left.values())[: 1 if alone else None], jobs, backend):
                del left[outcome.cell.folder]
                yield outcome
        except BrokenProcessPool as error:
            order = next(iter(left.values()))
            if order.stopped:  # a signal for all of them has met some that were not ready for it
                yield from (Outcome(each.cell) for each in left.values())
                return
            if not isinstance(error, TerminatedWorkerError):
                raise
            if jobs == 1:
                del left[order.cell.folder]
                yield _died(order)
            jobs = max(1, jobs // 2)


def _pooled(orders: Sequence[Order], jobs: int, backend: str) -> Iterator[Outcome]:
    with _configured(backend, jobs):
        # With one job, joblib would work in this very process, and die with it: one cell of two jobs is one process.
        yield from Parallel(
            n_jobs=max(2, jobs) if backend == LOCAL else jobs,
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch="n_jobs",
        )(delayed(attempt_elsewhere)(order) for order in orders)


def _configured(backend: str, jobs: int) -> AbstractContextManager[object]:
    if backend == LOCAL:
        return parallel_config(backend, n_jobs=max(2, jobs), inner_max_num_threads=1)  # type: ignore[no-any-return]
    return parallel_config(backend)  # type: ignore[no-any-return]


def _died(order: Order) -> Outcome:
    cell = order.cell
    failure = Failure(
        cell.name,
        cell.settings.seed,
        cell.folder,
        cell.title,
        "its process ended without a word: killed, maybe for want of memory",
        fault=True,
    )
    if order.folder:
        failure.write(order.folder / cell.folder)
    return Outcome(cell, failure=failure)
