"""Running a network over texts without gradients: to evaluate, to predict, to fit a head."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mt2st._workers import results
from mt2st.tasks.batch import Texts, by_length
from mt2st.training.modules import evaluation_mode

TOKENS_ON_CPU, TOKENS_ELSEWHERE = 4096, 131072
"""Tokens per batch, padding included. A CPU is fastest while the layers' outputs stay in its caches: with one thread,
long texts take 0.6 to 0.9 of the time that batches of 128 texts take (1 to 1.1 where words are made of n-grams:
docs/explanation/kernels.md#reading-texts-without-a-gradient). A GPU needs larger batches; the best size was not
measured."""

Rows = tuple[NDArray[np.int64], NDArray[np.float32]]
OfBatch = Callable[[NDArray[np.int64], torch.device], tuple[NDArray[np.int64], Tensor]]


def infer_rows(
    network: nn.Module, texts: Texts, of_batch: OfBatch, *, n_rows: int, max_length: int, eval_threads: int = 1
) -> NDArray[np.float32]:
    """Return what a network computes for texts, ``[n_rows, size]``, batch by batch.

    The caller's `torch.autocast` applies, on every thread; the result is float32.

    Args:
        network: put in evaluation mode for the call and back after it.
        texts: at least one.
        of_batch: takes the indices of some texts and the network's device; returns the row numbers ``[n]`` and the rows
            ``[n, size]``. It runs on several threads if ``eval_threads`` is above 1.
        n_rows: number of rows in all.
        max_length: tokens per text that are read.
        eval_threads: batches that run at the same time, each on a thread; the network's ``forward`` must then keep
            nothing of a batch. The result does not depend on it. One thread is used if there is a single batch, if the
            network is not on the CPU, or if torch itself uses several threads (`torch.get_num_threads`).
    """
    assert len(texts), "no text to read"
    rows: NDArray[np.float32] | None = None
    device = next(network.parameters()).device
    with evaluation_mode(network), torch.inference_mode():
        batches = list(by_length(np.minimum(texts.lengths, max_length), tokens_at_a_time(device)))
        alone = device.type != "cpu" or torch.get_num_threads() > 1 or len(batches) == 1

        def here(indices: NDArray[np.int64]) -> Rows:
            numbers, made = of_batch(indices, device)
            return numbers, made.float().cpu().numpy()  # numpy has no bfloat16

        callers_precision = partial(
            torch.autocast,
            device.type,
            dtype=torch.get_autocast_dtype(device.type),
            enabled=torch.is_autocast_enabled(device.type),
        )

        def on_a_thread(indices: NDArray[np.int64]) -> Rows:
            # Both modes belong to a thread. (Whether denormals are flushed is inherited.)
            with torch.inference_mode(), callers_precision():
                return here(indices)

        workers = 1 if alone else eval_threads
        with closing(results(on_a_thread if workers > 1 else here, iter(batches), workers)) as parts:
            for numbers, made in parts:
                if rows is None:
                    rows = np.empty((n_rows, made.shape[1]), dtype=np.float32)
                rows[numbers] = made
    assert rows is not None
    return rows


def tokens_at_a_time(device: torch.device) -> int:
    """Return the tokens per batch on a device."""
    return TOKENS_ON_CPU if device.type == "cpu" else TOKENS_ELSEWHERE
