"""Texts read where no gradient is kept: to measure, to predict, to fit a head anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mt2st._workers import results
from mt2st.tasks.batch import Texts, by_length

TOKENS_ON_CPU, TOKENS_ELSEWHERE = 4096, 131072
"""Tokens of a batch, padding included. A processor is quickest while what each layer makes of a batch stays in its
caches: on one thread long texts take 0.6 to 0.9 of the time that batches of 128 take, but 1 to 1.1 where words are made
of n-grams (docs/explanation/kernels.md#reading-texts-without-a-gradient). A GPU needs enough to be busy; how much is
best there was not measured."""

Rows = tuple[NDArray[np.int64], NDArray[np.float32]]
OfBatch = Callable[[NDArray[np.int64], torch.device], tuple[NDArray[np.int64], Tensor]]


def read_rows(
    network: nn.Module, texts: Texts, of_batch: OfBatch, *, n_rows: int, max_length: int, readers: int = 1
) -> NDArray[np.float32]:
    """Return ``[n_rows, size]`` what a network makes of texts, batch by batch.

    In a caller's `torch.autocast` the network reads in its precision, on whatever thread; the rows are float32.

    Args:
        network: put in evaluation mode for the call and back after it.
        texts: at least one.
        of_batch: makes ``(numbers, rows)`` of the indices of some texts, on the network's device: numbers ``[n]``,
            where the ``[n, size]`` rows belong. It is called on several threads where there are several readers.
        n_rows: how many rows there are in all.
        max_length: tokens of a text that are read.
        readers: batches that are read at the same time, each on a thread, so that the network's ``forward`` must keep
            nothing of a batch. Of them comes the same, to the bit, as of one. It is one where there is but one batch,
            where the network is not on the processor, and where torch shares out the work on a batch itself
            (`torch.get_num_threads`).
    """
    assert len(texts), "no text to read"
    rows: NDArray[np.float32] | None = None
    with evaluating(network) as device:
        batches = list(by_length(np.minimum(texts.lengths, max_length), tokens_at_a_time(device)))
        alone = device.type != "cpu" or torch.get_num_threads() > 1 or len(batches) == 1

        def here(indices: NDArray[np.int64]) -> Rows:
            numbers, made = of_batch(indices, device)
            return numbers, made.float().cpu().numpy()  # numpy knows no bfloat16

        callers_precision = partial(
            torch.autocast,
            device.type,
            dtype=torch.get_autocast_dtype(device.type),
            enabled=torch.is_autocast_enabled(device.type),
        )

        def on_a_thread(indices: NDArray[np.int64]) -> Rows:
            # Both belong to a thread; whether denormals are flushed it inherits.
            with torch.inference_mode(), callers_precision():
                return here(indices)

        at_once = 1 if alone else readers
        with closing(results(on_a_thread if at_once > 1 else here, iter(batches), at_once)) as parts:
            for numbers, made in parts:
                if rows is None:
                    rows = np.empty((n_rows, made.shape[1]), dtype=np.float32)
                rows[numbers] = made
    assert rows is not None
    return rows


def tokens_at_a_time(device: torch.device) -> int:
    """Return how many tokens a batch has."""
    return TOKENS_ON_CPU if device.type == "cpu" else TOKENS_ELSEWHERE


@contextmanager
def evaluating(network: nn.Module) -> Iterator[torch.device]:
    """Put a network in evaluation mode, without gradients, for a block and back after it; gives its device."""
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            yield next(network.parameters()).device
    finally:
        network.train(was_training)
