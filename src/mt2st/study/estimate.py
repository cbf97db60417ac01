"""About how long the runs of a study will take on this machine."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Barrier
from typing import Any

import torch

from mt2st.models import ModelSettings
from mt2st.network import build_encoder
from mt2st.strategy import MultiTask, SingleTask, Strategy
from mt2st.study.data import StudyData
from mt2st.study.grid import Cell
from mt2st.study.run import Watcher, run_study
from mt2st.training import Callback, Evaluation
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


EPOCHS = 3
"""Epochs of each timed run. The first one, in which kernels may be compiled, is left out."""
FEW = 50
"""Texts of the test part in a timed run."""


@dataclass
class Timed(Watcher):
    """Times one run: seconds of an epoch with its evaluation, of an evaluation, and of all else."""

    epoch: float = 0.0
    evaluation: float = 0.0
    rest: float = 0.0
    _times: list[float] = field(default_factory=list)

    def callback(self, cell: Cell) -> Callback:  # noqa: ARG002  # there is one
        """Return a callback that takes the time of each evaluation."""
        times = self._times

        class Clock(Callback):
            def on_evaluation(self, trainer: Any, evaluation: Evaluation) -> None:  # noqa: ARG002
                times.append(time.perf_counter())

        return Clock()


def probed_seconds(data: StudyData, cells: Sequence[Cell]) -> float:
    """Return about how long cells take in this process, one after the other.

    A multi-task and a single-task run of `EPOCHS` epochs are timed. A cell then costs an epoch of the first one for
    each of its epochs with an auxiliary task on, and one of the second for the others, and the measurement of the test
    part. For an adaptive strategy, all epochs count as those of multi-task training.

    Args:
        data: the data, with a test part.
        cells: at least one; all have the settings of the first.
    """
    multi, single = (_timed(data, cells[0], strategy) for strategy in (MultiTask(), SingleTask()))
    epochs = cells[0].settings.optimisation.epochs
    test = single.evaluation * len(data.test or ()) / max(1, len(data.validation))
    steps_per_epoch = math.ceil(len(data.train) / cells[0].settings.optimisation.batch_size)
    total = 0.0
    for cell in cells:
        with_auxiliary = _epochs_with_auxiliary(cell, steps_per_epoch)
        total += single.rest + test + with_auxiliary * multi.epoch + (epochs - with_auxiliary) * single.epoch
    return total


def _timed(data: StudyData, cell: Cell, strategy: Strategy) -> Timed:
    assert data.test is not None
    settings = cell.settings.updated(optimisation__epochs=EPOCHS)
    few = replace(data, test=data.test.select(range(min(FEW, len(data.test)))))
    timed, start = Timed(), time.perf_counter()
    study = run_study(few, [Cell(strategy.name, strategy, settings)], watcher=timed)
    whole = time.perf_counter() - start
    if study.failures:
        raise RuntimeError(study.failures[0].traceback or study.failures[0].error)
    first, *_, last = study.results[0].run.evaluations
    timed.epoch = (timed._times[-1] - timed._times[0]) / (EPOCHS - 1)
    timed.evaluation = max(0.0, timed.epoch - (last.train_seconds - first.train_seconds) / (EPOCHS - 1))
    timed.rest = max(0.0, whole - EPOCHS * timed.epoch)
    return timed


def _epochs_with_auxiliary(cell: Cell, steps_per_epoch: int) -> float:
    """Return for how many epochs an auxiliary task is on: a fraction, where the strategy counts steps."""
    strategy, epochs = cell.strategy.bind(cell.settings.auxiliaries), cell.settings.optimisation.epochs
    if not strategy.is_fixed:
        return epochs
    if not any(strategy.weights(1).values()):
        return 0
    in_an_epoch = steps_per_epoch if strategy.unit == "step" else 1
    transition = strategy.transition_time(epochs * in_an_epoch)
    return epochs if transition is None else (transition - 1) / in_an_epoch
