"""The work on a study's cells: those that are finished are read, the others run, as many at a time as is asked for."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mt2st._checkpoint import CHECKPOINT_SECONDS
from mt2st._lock import BusyCellWarning, is_busy
from mt2st.errors import InputError
from mt2st.study.data import StudyData
from mt2st.study.experiment import check_fits
from mt2st.study.grid import Cell
from mt2st.study.pool import LOCAL, outcomes
from mt2st.study.result import RESULT
from mt2st.study.study import Study, read_about, write_about
from mt2st.study.worker import Order, Outcome, Warned, Watcher, attempt, finished

STOP = ".stop-"
"""Prefix of the file that stops the cells of one run when it appears in the study's folder."""


def run_study(
    data: StudyData,
    cells: Sequence[Cell],
    *,
    folder: Path | None = None,
    jobs: int = 1,
    backend: str = LOCAL,
    share: Collection[Cell] | None = None,
    about: Mapping[str, Any] | None = None,
    watcher: Watcher | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Study:
    """Run the cells of a study and return its results.

    A finished cell is read, not run again. A cell that was interrupted goes on from its checkpoint. A cell that fails
    does not stop the others. All cells share the data and, for a seed, the initial parameters. Several processes may
    work on one folder: each cell is run by one of them. Where only cells of other processes are left, their results are
    waited for, with a warning.

    Args:
        data: the same for all.
        cells: of a `Grid`, with folders of different names.
        folder: the study's: a folder a cell with result and model. None keeps nothing.
        jobs: cells at a time. One runs in this process; more in processes of their own, which have one thread of torch
            each (and, unless ``parallel_context`` is off, a second one for the context task and for reading: with a
            core a job, their training seconds have some of each other's evaluations in them).
        backend: where they run: processes of this machine, or ``"dask"`` where a client is connected to a cluster.
        share: those of the cells that this run works on; the others are only read. None: all.
        about: plain values for ``study.json``.
        watcher: told how it goes.
        checkpoint_seconds: time between two checkpoints of a running cell.

    Raises:
        InputError: when a folder holds the result of other data or settings, or is broken, or the study's folder holds
            results of another experiment (`mt2st.study.experiment`): before anything is trained.
    """
    about = about or {}
    if folder:
        check_fits(folder, cells, data)
    ended = finished_cells(data, cells, folder)
    due = [cell for cell in (cells if share is None else share) if cell.folder not in ended]
    if folder and due:
        write_about(folder, cells, data.metric, about)
    with stop_file(folder) as stop:
        ended |= work_on(
            data, due, folder=folder, stop=stop, jobs=jobs, backend=backend, watcher=watcher or Watcher(),
            checkpoint_seconds=checkpoint_seconds,
        )  # fmt: skip
    in_order = [ended.get(cell.folder, Outcome(cell)) for cell in cells]
    return Study(
        results=[each.result for each in in_order if each.result],
        failures=[each.failure for each in in_order if each.failure],
        missing=[each.cell.folder for each in in_order if each.stopped],
        interrupted=any(each.stopped for each in ended.values()),
        about=(read_about(folder) if folder else {}) or about,
    )


def finished_cells(data: StudyData, cells: Sequence[Cell], folder: Path | None) -> dict[str, Outcome]:
    """Read those of some cells that are finished, by the names of their folders."""
    if len({cell.folder for cell in cells}) != len(cells):
        raise InputError("two cells of the study would have a folder of one name: give methods different names")
    found = {}
    for cell in cells:
        if folder and (result := finished(folder / cell.folder / RESULT, cell.identity(data))):
            found[cell.folder] = Outcome(cell, result)
    return found


def work_on(
    data: StudyData,
    cells: Sequence[Cell],
    *,
    folder: Path | None,
    stop: Path | None,
    jobs: int = 1,
    backend: str = LOCAL,
    keep_models: bool = True,
    watcher: Watcher,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> dict[str, Outcome]:
    """Run cells, as `run_study` does, until the file ``stop`` appears; return what became of them, by their folders."""
    orders = [
        Order(cell, data, cell.identity(data), folder, stop, jobs, keep_models, checkpoint_seconds) for cell in cells
    ]
    ended: dict[str, Outcome] = {}
    shown: set[Warned] = set()
    for outcome in _outcomes(orders, jobs, backend, watcher):
        for warned in outcome.warned:
            if warned not in shown:  # most cells warn of the same
                shown.add(warned)
                warnings.warn_explicit(*warned)
        ended[outcome.cell.folder] = outcome
        watcher.on_outcome(outcome)
        if outcome.stopped and jobs == 1:
            break
    return ended


def _outcomes(orders: Sequence[Order], jobs: int, backend: str, watcher: Watcher) -> Iterator[Outcome]:
    """Yield the outcomes of all cells; those that other processes work on come last, as they are to be waited for."""
    by_folder = {order.cell.folder: order for order in orders}
    busy = []
    for outcome in _attempts(orders, jobs, backend, watcher):
        if outcome.busy:
            busy.append(replace(by_folder[outcome.cell.folder], waits=True))
        else:
            yield outcome
    if waiting := [order.cell.title for order in busy if order.place and not order.stopped and is_busy(order.place)]:
        warnings.warn(
            f"another process works on {'; '.join(waiting)}, in the same folder: what it finds is waited for",
            BusyCellWarning,
            stacklevel=4,
        )
    yield from _attempts(busy, jobs, backend, watcher)


def _attempts(orders: Sequence[Order], jobs: int, backend: str, watcher: Watcher) -> Iterator[Outcome]:
    if jobs == 1 and backend == LOCAL:
        for order in orders:
            yield attempt(order, watcher)
    elif orders:
        if orders[0].stop is not None:
            watcher.on_stop_file(orders[0].stop)
        yield from outcomes(orders, jobs=jobs, backend=backend)


@contextmanager
def stop_file(folder: Path | None) -> Iterator[Path | None]:
    """Give the name of a file that stops this run's cells, and remove it afterwards."""
    stop = folder / f"{STOP}{uuid.uuid4().hex}" if folder else None
    try:
        yield stop
    finally:
        if stop is not None:
            stop.unlink(missing_ok=True)


def is_finished(folder: Path, cell: Cell) -> bool:
    """Return whether a study's folder holds a result of a cell, so that it is not run again.

    A result that cannot be used counts: running the study raises its error.
    """
    return (folder / cell.folder / RESULT).is_file()
