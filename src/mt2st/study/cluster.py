"""Dask clusters, as a place where cells run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mt2st.errors import InputError, MissingExtraError

DASK = "dask"
"""joblib's backend of Dask's workers."""


@contextmanager
def connected(address: str, *, seconds: float = 20.0) -> Iterator[None]:
    """Connect to a Dask scheduler for a block; joblib's backend `DASK` then works there.

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
