"""The work on a study's cells: those that are finished are read, the others run, as many at a time as is asked for.

A study may grow by strategies, seeds and settings of the grid, in several commands. Runs on other data or with other
settings would look like any others in its table, so they are refused before anything is trained (`check_fits`).
"""

from __future__ import annotations

import json
import uuid
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mt2st._checkpoint import CHECKPOINT_SECONDS
from mt2st._lock import BusyCellWarning, is_busy
from mt2st.errors import InputError
from mt2st.models.groups import READERS
from mt2st.study.data import DEFAULTS, ELSEWHERE, SETTINGS, StudyData, changes, difference, idle_data
from mt2st.study.grid import Cell
from mt2st.study.result import RESULT, CellResult
from mt2st.study.study import Study, read_about, write_about
from mt2st.study.worker import LOCAL, Order, Outcome, Warned, Watcher, attempt, finished, outcomes

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
            results of another experiment (`mt2st.study.run`): before anything is trained.
    """
    about = about or {}
    if folder:
        check_fits(folder, cells, data)
    ended = finished_cells(data, cells, folder)
    due = [cell for cell in (cells if share is None else share) if cell.folder not in ended]
    if folder and due:
        write_about(folder, cells, data.metric, about)
    with stop_file(folder) as stop:
        orders = [
            Order(cell, data, cell.identity(data), folder, stop, jobs, checkpoint_seconds=checkpoint_seconds)
            for cell in due
        ]
        ended |= work_on(orders, jobs, backend, watcher or Watcher())
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


def work_on(orders: Sequence[Order], jobs: int, backend: str, watcher: Watcher) -> dict[str, Outcome]:
    """Work on cells until they are asked to stop; return what became of them, by their folders."""
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


VARIED = ("encoder.name", "embedding.init", "auxiliaries", "seed")
"""Settings in which the cells of a study may differ; their methods differ by the strategy."""


def check_fits(folder: Path, cells: Sequence[Cell], data: StudyData) -> None:
    """Raise if cells do not fit the results that other cells have left in a study's folder.

    All must have the same data and version, and the same defaults where the same settings were given. Runs of one
    method in one setting are averaged, and must be the same but for the seed.
    """
    others = _other_results(folder, cells)
    if not others or not cells:
        return
    groups = {(cell.name, *sorted(cell.factors.items())): cell for cell in cells}
    here = {group: _without_seed(cell.identity(data)) for group, cell in groups.items()}
    shared = {name: next(iter(here.values()))[name] for name in ("data", "version")}
    defaults = {_given(each): each[DEFAULTS] for each in here.values()}
    for path, result in others.items():
        there = _without_seed(result.identity)
        wanted = here.get((result.name, *sorted(result.factors.items())))
        if wanted is None:
            wanted = shared | ({DEFAULTS: defaults[given]} if (given := _given(there)) in defaults else {})
        if change := difference(there, wanted):
            raise _another(folder, path, change)


def check_shared_settings(folder: Path, cells: Sequence[Cell], *, searched: Collection[str] = ()) -> None:
    """Raise if other results in a study's folder have settings that no cell of this call has.

    This is for a call whose methods differ by their strategies alone, with the settings as they were given, but for
    those ``searched``, which a search chooses for each method.
    """
    ours = [_without(cell.settings.flat(), {*VARIED, *searched}) for cell in cells]
    for path, result in _other_results(folder, cells).items():
        usual = result.identity.get(DEFAULTS, {})
        theirs = _filled(_without(result.identity.get(SETTINGS, {}), {*VARIED, *searched}), usual)
        for settings in (_filled(each, usual) for each in ours):
            # What only one of the two reads, such as a file for an auxiliary task, says nothing about the other.
            both = theirs.keys() & settings.keys()
            if change := changes(
                *({name: each[name] for name in settings if name in both} for each in (theirs, settings))
            ):
                raise _another(folder, path, f"settings ({change})")


def _other_results(folder: Path, cells: Iterable[Cell]) -> dict[Path, CellResult]:
    """Return the results in a study's folder that are of none of these cells, by their files."""
    own = {cell.folder for cell in cells}
    paths = sorted(path for path in folder.glob(f"*/{RESULT}") if path.parent.name not in own)
    return {path: CellResult.read(path) for path in paths}


def _another(folder: Path, path: Path, change: str) -> InputError:
    return InputError(
        f"{folder} holds another experiment: {path} is the result of other {change}, and runs of both would stand in "
        f"one table: {ELSEWHERE}"
    )


def _without_seed(identity: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: value for name, value in identity.get(SETTINGS, {}).items() if name != "seed"}
    return {**identity, SETTINGS: settings}


def _given(identity: Mapping[str, Any]) -> str:
    """Return the settings that decide what the defaults of others are, and those that are left to them."""
    exempt = {*VARIED, *(f"auxiliary_data.{name}" for name in READERS)} - {"encoder.name"}
    return json.dumps(_without(identity[SETTINGS], exempt), sort_keys=True)


def _filled(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the defaults of those that are not given: to give a default changes nothing."""
    return {name: defaults.get(name) if value is None else value for name, value in settings.items()}


def _without(settings: Mapping[str, Any], exempt: Collection[str]) -> dict[str, Any]:
    """Return settings without some, and without the data of auxiliary tasks that were not chosen."""
    left_out = {*exempt, *(f"auxiliary_data.{name}" for name in idle_data(settings.get("auxiliaries", ())))}
    return {name: value for name, value in settings.items() if name not in left_out}
