"""Many cells at a time: in processes of this machine, by joblib, or on a Dask cluster."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from mt2st.errors import InputError, MissingExtraError
from mt2st.study.worker import Order, Outcome, Warned, attempt, failure_of, request_stop

LOCAL, DASK = "loky", "dask"
"""Backends of a study: joblib's processes on this machine, and Dask's clusters."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_kept: ContextVar[dict[Warned, None] | None] = ContextVar("warnings of this thread's cell", default=None)
_shown = warnings.showwarning


@contextmanager
def connected(address: str, *, seconds: float = 20.0) -> Iterator[None]:
    """Connect to a Dask scheduler (``tcp://host:8786``) for a block, in which cells with the backend `DASK` run there.

    Raises:
        MissingExtraError: Dask is not installed.
        InputError: nothing answers there.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError("running cells on a Dask cluster", "cluster") from error
    try:
        client = Client(address, timeout=seconds, set_as_default=True)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        yield


def outcomes(orders: Sequence[Order], *, jobs: int, backend: str = LOCAL) -> Iterator[Outcome]:
    """Work on cells, ``jobs`` at a time, each on one thread of torch, and yield their outcomes as they come.

    A process that dies (killed for want of memory, say) takes those of its pool with it, and Dask blames several deaths
    of workers on all cells that waited there. The cells that are left are then tried again, half as many at a time, and
    in the end one by one: what dies alone has failed. Once the cells are asked to stop, what dies has stopped.

    The backend is `LOCAL`, or `DASK` within `connected`, with the study's folder on a disk that all machines see; a
    cluster takes as many cells as it has room for.
    """
    left = {order.cell.folder: order for order in orders}
    while left:
        batch = list(left.values())[: 1 if jobs == 1 else None]
        for order, outcome in _submitted(batch, jobs, backend):
            if outcome is None and order.stopped:  # a signal for all of them has met some that were not ready for it
                outcome = Outcome(order.cell)
            if outcome is None and len(batch) == 1:
                outcome = _died(order)
            if outcome is not None:
                del left[order.cell.folder]
                yield outcome
        jobs = max(1, jobs // 2)


def _submitted(orders: Sequence[Order], jobs: int, backend: str) -> Iterator[tuple[Order, Outcome | None]]:
    """Yield each order with its outcome as it comes; None where its process has died."""
    died: type[Exception]
    if backend == DASK:
        from distributed import KilledWorker, default_client

        executor, died = default_client().get_executor(pure=False), KilledWorker
        close = partial(executor.shutdown, wait=False)  # cancels what nobody waits for any more
    else:
        executor, died = ProcessPoolExecutor(jobs, env=ONE_THREAD), TerminatedWorkerError
        close = partial(executor.shutdown, kill_workers=True)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            # Each order is sent with its call, so that no worker's death takes it along.
            futures = {executor.submit(attempt_elsewhere, order): order for order in orders}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except died:
                yield futures[future], None
    finally:
        close()


def _died(order: Order) -> Outcome:
    failure = failure_of(order, "its process ended without a word: killed, maybe for want of memory", fault=True)
    if order.place:
        failure.write(order.place)
    return Outcome(order.cell, failure=failure)


def attempt_elsewhere(order: Order) -> Outcome:
    """Work on a cell in a process of a pool, on one thread of torch. The outcome has the process's warnings.

    Ctrl-C reaches all processes of a terminal, and batch systems signal all of a job. Here, signals ask the cells to
    stop.
    """
    torch.set_num_threads(1)
    if order.stop is not None and threading.current_thread() is threading.main_thread():
        stop = order.stop
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: request_stop(stop))
    with warnings_kept() as warned:
        outcome = attempt(order)
    return replace(outcome, warned=tuple(warned))


@contextmanager
def warnings_kept() -> Iterator[dict[Warned, None]]:
    """Give the different warnings of this thread in a block as the keys of a dict; none of them is shown.

    From then on, the process shows all others as before: blocks of several threads, in a worker of a cluster, overlap.
    """
    warnings.showwarning = _keep_or_show  # type: ignore[assignment]  # of the rest it needs no names
    kept: dict[Warned, None] = {}
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)


def _keep_or_show(message: Warning | str, category: type[Warning], filename: str, lineno: int, *rest: Any) -> None:
    if (kept := _kept.get()) is None:
        _shown(message, category, filename, lineno, *rest)
    else:
        kept[str(message), category, filename, lineno] = None
