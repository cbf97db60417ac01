"""About how long the runs of a study will take on this machine, from the time of a step of its network."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from mt2st.models import ClassifierSettings
from mt2st.models.assembly import torch_threads
from mt2st.network import build_encoder
from mt2st.study.cell import Cell
from mt2st.study.data import StudyData

REST = 1.3
"""What comes on top of the network's passes: reading, the tables' updates, the auxiliary tasks."""


def estimated_seconds(cells: Sequence[Cell], data: StudyData, *, jobs: int = 1) -> float:
    """Return about how long cells will take; the training of first word vectors, a minute or so each, apart.

    A forward pass and a step of the encoder are timed on random vectors of the settings' sizes, as many a text as the
    texts to learn from have words on average, of those that are read. Cells beside each other
    are taken not to slow each other down, so with as many jobs as cores it is rather longer.

    Args:
        cells: those to run, all with one encoder's sizes.
        data: of the study.
        jobs: cells at a time.
    """
    if not cells:
        return 0.0
    settings = cells[0].settings
    texts = data.train.texts
    length = max(1, round(sum(min(len(text.split()), settings.max_length) for text in texts) / len(texts)))
    step, forward = _passes(settings, min(settings.batch_size, len(texts)), length)
    sizes = (len(data.train), len(data.validation), len(data.test) if data.test is not None else 0)
    train, validation, test = (-(-size // settings.batch_size) for size in sizes)
    one = settings.epochs * (train * step + settings.evaluations_per_epoch * validation * forward) + test * forward
    return REST * one * -(-len(cells) // jobs)


def _passes(settings: ClassifierSettings, batch: int, length: int) -> tuple[float, float]:
    """Return the seconds of a step, forward and back, and of a forward pass alone: the best of three."""
    encoder = build_encoder(
        settings.encoder,
        vector_size=settings.vector_size,
        hidden_size=settings.hidden_size,
        pooling=settings.pooling,
    )
    vectors = torch.randn(batch, length, settings.vector_size, requires_grad=True)
    mask = torch.ones(batch, length, dtype=torch.bool)
    steps, forwards = [], []
    with torch_threads(settings.threads):
        for _ in range(3):
            begin = time.perf_counter()
            pooled = encoder(vectors, mask).pooled
            middle = time.perf_counter()
            torch.autograd.grad(pooled.sum(), [vectors, *encoder.parameters()])
            steps.append(time.perf_counter() - begin)
            forwards.append(middle - begin)
    return min(steps), min(forwards)
