"""Helpers of the auxiliary tasks on words: the shared table, products of its rows, batches of rows."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mt2st.errors import InputError
from mt2st.network import SubwordEmbedding


def shared_table(network: nn.Module, task: str) -> Tensor | SubwordEmbedding:
    """Return ``network.embedding.weight``, ``[vocabulary, vector_size]``, of any module that has it.

    An embedding that composes words of n-grams is returned itself, since the rows of its table are not words.
    """
    embedding = getattr(network, "embedding", None)
    if isinstance(embedding, SubwordEmbedding):
        return embedding
    weight = getattr(embedding, "weight", None)
    if not isinstance(weight, Tensor):
        raise InputError(
            f"the task '{task}' trains the shared embedding as module.embedding.weight, which "
            f"{type(network).__name__} does not have"
        )
    return weight


def vectors_of(table: Tensor | SubwordEmbedding, ids: Tensor) -> Tensor:
    """Return the vectors ``[..., vector_size]`` of ids ``[...]`` on any device, connected to the table."""
    if isinstance(table, SubwordEmbedding):
        vectors: Tensor = table(ids)
        return vectors
    return functional.embedding(ids.to(table.device), table)


def products(x: Tensor, y: Tensor, *, raw: bool) -> Tensor:
    """Return the inner products ``[...]`` of vectors ``[..., vector_size]``, or their cosines unless ``raw``."""
    return (x * y).sum(dim=-1) if raw else functional.cosine_similarity(x, y, dim=-1)


def random_of(name: str, *, epoch: int, seed: int) -> np.random.Generator:
    """Return a task's random numbers in an epoch; they depend on name, epoch and seed alone."""
    return np.random.default_rng([seed, epoch, crc32(name.encode())])


def row_batches(n_rows: int, batch_size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield all row numbers once in random order, ``batch_size`` at a time; the last batch may be smaller."""
    order = rng.permutation(n_rows).astype(np.int64)
    for start in range(0, n_rows, batch_size):
        yield order[start : start + batch_size]


def tensor_of(array: NDArray[np.generic]) -> Tensor:
    """Return a numpy array as a tensor of the same type."""
    return torch.from_numpy(np.ascontiguousarray(array))


def check_rows(task: str, n_rows: int, batch_size: int, *, least: int = 1) -> None:
    """Raise `InputError` unless a task has enough rows to learn from, and a usable batch size."""
    if n_rows < least:
        raise InputError(f"the task '{task}' needs at least {least} rows to learn from, found {n_rows}")
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < least:
        raise InputError(f"the task '{task}' needs a batch_size of at least {least}, found {batch_size!r}")
