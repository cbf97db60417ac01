"""Many cells at a time: in processes of this machine, by joblib, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

from mt2st.study.cluster import DASK, work_on_cluster
from mt2st.study.result import Failure
from mt2st.study.worker import Order, Outcome, attempt_elsewhere

LOCAL = "loky"
"""joblib's backend of processes on this machine."""


def outcomes(orders: Sequence[Order], *, jobs: int, backend: str = LOCAL) -> Iterator[Outcome]:
    """Work on cells, some at a time, each on one thread of torch, and yield their outcomes as they come.

    A process that dies (killed for want of memory, say) takes those of its pool with it. The cells that are left are
    then tried again, half as many at a time, and in the end one by one: what dies alone has failed. Dask tries cells
    again by itself, and blames several deaths of workers on all cells that waited there: these are tried one by one in
    the end, too. Once the cells are asked to stop, what dies has stopped.

    Args:
        orders: what to do.
        jobs: how many at a time, at least 1; a cluster takes as many as it has room for.
        backend: `LOCAL`, or `mt2st.study.cluster.DASK`, which needs a client that is connected, and the study's folder
            on a disk that all machines see.
    """
    if backend == DASK:
        yield from _on_cluster(orders)
        return
    left = {order.cell.folder: order for order in orders}
    while left:
        try:
            for outcome in _pooled(list(left.values())[: 1 if jobs == 1 else None], jobs):
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


def _pooled(orders: Sequence[Order], jobs: int) -> Iterator[Outcome]:
    # With one job, joblib would work in this very process, and die with it: one cell of two jobs is one process.
    at_a_time = max(2, jobs)
    with parallel_config(LOCAL, n_jobs=at_a_time, inner_max_num_threads=1):
        yield from Parallel(n_jobs=at_a_time, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")(
            delayed(attempt_elsewhere)(order) for order in orders
        )


def _on_cluster(orders: Sequence[Order]) -> Iterator[Outcome]:
    blamed = []
    for order, done in work_on_cluster(attempt_elsewhere, orders):
        if done is not None:
            yield done
        else:
            blamed.append(order)
    for each in blamed:
        for order, done in work_on_cluster(attempt_elsewhere, [each]):
            yield done or (Outcome(order.cell) if order.stopped else _died(order))


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
