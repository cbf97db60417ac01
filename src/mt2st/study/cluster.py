"""Dask clusters, as a place where cells run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from mt2st.errors import InputError, MissingExtraError

OrderT = TypeVar("OrderT")
ResultT = TypeVar("ResultT")
DASK = "dask"
"""The name of Dask's clusters, as a backend of a study."""


@contextmanager
def connected(address: str, *, seconds: float = 20.0) -> Iterator[None]:
    """Connect to a Dask scheduler for a block, in which `work_on_cluster` works there.

    Args:
        address: of the scheduler: ``tcp://host:8786``.
        seconds: how long to wait for an answer.

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


def work_on_cluster(
    work: Callable[[OrderT], ResultT], orders: Iterable[OrderT]
) -> Iterator[tuple[OrderT, ResultT | None]]:
    """Have a function done on the connected cluster, and yield each order with its result as it comes.

    By Dask's own futures: joblib's Dask backend waits for ever for a task whose workers have died, and with a cluster
    of one thread works in the calling process (joblib 1.6).

    Args:
        work: a function of a module.
        orders: what to call it with; each is sent with its call, so that no worker's death takes it along.

    Yields:
        The order and its result; None where several workers in turn have died of it (`allowed-failures` of Dask).

    Raises:
        Exception: what the function raised.
    """
    from distributed import KilledWorker, as_completed, default_client

    client = default_client()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sending large graph")
        futures = {client.submit(work, order, pure=False): order for order in orders}
    try:
        for future in as_completed(list(futures)):
            try:
                yield futures[future], future.result()
            except KilledWorker:
                yield futures[future], None
    finally:
        client.cancel(list(futures))
