"""About how long the runs of a study will take on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch

from mt2st.models import ModelSettings
from mt2st.network import build_encoder
from mt2st.study.data import StudyData
from mt2st.study.grid import Cell
from mt2st.training.processor import torch_threads, usable_cores

REST = 1.3
"""What comes on top of the network's passes: reading, the tables' updates, the auxiliary tasks."""


def estimated_seconds(cells: Sequence[Cell], data: StudyData, *, jobs: int = 1) -> float:
    """Return about how long cells will take; the training of first word vectors, a minute or so each, apart.

    A forward pass and a step of the encoder are timed on random vectors of the settings' sizes. A text has as many of
    them as the training texts have words on average, up to ``text.max_length``. As many passes run at a time as there
    are jobs: cells that run together share caches, memory and often the units of a core.

    Args:
        cells: those to run, all with one encoder's sizes.
        data: of the study.
        jobs: cells at a time; those beyond the cores wait for one, and count as waiting.
    """
    if not cells:
        return 0.0
    settings = cells[0].settings
    texts = data.train.texts
    length = max(1, round(sum(min(len(text.split()), settings.text.max_length) for text in texts) / len(texts)))
    at_a_time = min(jobs, usable_cores(), len(cells))
    step, forward = _passes_together(settings, min(settings.optimisation.batch_size, len(texts)), length, at_a_time)
    sizes = (len(data.train), len(data.validation), len(data.test) if data.test is not None else 0)
    train, validation, test = (-(-size // settings.optimisation.batch_size) for size in sizes)
    one = (
        settings.optimisation.epochs
        * (train * step + settings.optimisation.evaluations_per_epoch * validation * forward)
        + test * forward
    )
    return REST * one * -(-len(cells) // at_a_time)


def _passes_together(settings: ModelSettings, batch: int, length: int, at_a_time: int) -> tuple[float, float]:
    """Return the seconds of a step and of a forward pass where so many are made at a time, here by threads."""
    together = Barrier(at_a_time)
    with torch_threads(settings.compute.threads), ThreadPoolExecutor(at_a_time) as pool:
        timed = list(pool.map(lambda _: _passes(settings, batch, length, together), range(at_a_time)))
    return max(step for step, _ in timed), max(forward for _, forward in timed)


def _passes(settings: ModelSettings, batch: int, length: int, together: Barrier) -> tuple[float, float]:
    """Return the seconds of a step, forward and back, and of a forward pass alone: the median of five."""
    encoder = build_encoder(
        settings.encoder.name,
        vector_size=settings.embedding.vector_size,
        hidden_size=settings.encoder.hidden_size,
        pooling=settings.encoder.pooling,
    )
    vectors = torch.randn(batch, length, settings.embedding.vector_size, requires_grad=True)
    mask = torch.ones(batch, length, dtype=torch.bool)
    steps, forwards = [], []
    together.wait()
    for _ in range(5):
        begin = time.perf_counter()
        pooled = encoder(vectors, mask).pooled
        middle = time.perf_counter()
        torch.autograd.grad(pooled.sum(), [vectors, *encoder.parameters()])
        steps.append(time.perf_counter() - begin)
        forwards.append(middle - begin)
    return statistics.median(steps), statistics.median(forwards)
