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
    then tried again, half as many at a time, and in the end one by one: what dies alone has failed. On a cluster, which
    gives a cell up when several workers have died of it, they are tried one by one at once. Once the cells are asked to
    stop, what dies has stopped.

    Args:
        orders: what to do.
        jobs: how many at a time, at least 1; on a cluster -1 is as many as it has room for.
        backend: a backend of joblib. Those of clusters (``"dask"``) need their client first, and the study's folder on
            a disk that all machines see.
    """
    left = {order.cell.folder: order for order in orders}
    alone = jobs == 1 and backend == LOCAL
    while left:
        try:
            for outcome in _pooled(list(left.values())[: 1 if alone else None], jobs, backend):
                del left[outcome.cell.folder]
                yield outcome
        except Exception as error:
            order = next(iter(left.values()))
            if isinstance(error, BrokenProcessPool) and order.stopped:
                # A signal for all of them has met some that were not ready for it.
                yield from (Outcome(each.cell) for each in left.values())
                return
            if not _has_killed(error):
                raise
            if alone:
                del left[order.cell.folder]
                yield _died(order)
            jobs = max(1, jobs // 2) if backend == LOCAL else jobs
            alone = jobs == 1 or backend != LOCAL


def _has_killed(error: Exception) -> bool:
    """Return whether a process died of what it did, here or on a Dask cluster, whose classes need not be installed."""
    return isinstance(error, TerminatedWorkerError) or type(error).__name__ == "KilledWorker"


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
