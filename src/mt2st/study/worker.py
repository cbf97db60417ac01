"""The work on a cell: train, measure on the test part, keep the result; here, or many at a time elsewhere.

Elsewhere are processes of this machine (joblib's), or a Dask cluster.
"""

from __future__ import annotations

import shutil
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from mt2st._checkpoint import CHECKPOINT_SECONDS
from mt2st._lock import cell_lock
from mt2st.errors import InputError, MissingExtraError
from mt2st.models import model_class
from mt2st.models.trained_model import AnyModel
from mt2st.study.data import ELSEWHERE, StudyData, difference
from mt2st.study.grid import Cell
from mt2st.study.result import CHECKPOINT, ERROR, MODEL, RESULT, CellResult, Failure, machine, versions
from mt2st.training import Callback, FlopMeter, Trainer

Warned = tuple[str, type[Warning], str, int]
"""Text, category, file and line of a warning: what `warnings.warn_explicit` takes."""
VECTORS = "vectors"
"""The folder of a study with the first word vectors that its cells share."""
SECONDS_BETWEEN_LOOKS = 0.5
"""How often a running cell looks whether it is to stop."""


@dataclass(frozen=True)
class Order:
    """What is to be done about one cell with its identity, in the study's folder or, without one, keeping nothing.

    Attributes:
        stop: a file whose appearance asks all running cells to stop, with a checkpoint.
        jobs: how many cells run at a time.
        keep_model: whether the folder gets the model too.
        checkpoint_seconds: time between two of the cell's checkpoints.
        waits: whether to wait for another process that works on the cell.
    """

    cell: Cell
    data: StudyData
    identity: Mapping[str, Any]
    folder: Path | None
    stop: Path | None = None
    jobs: int = 1
    keep_model: bool = True
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    waits: bool = False

    @property
    def stopped(self) -> bool:
        """Whether the cells are asked to stop."""
        return self.stop is not None and self.stop.exists()

    @property
    def place(self) -> Path | None:
        """The cell's folder."""
        return self.folder / self.cell.folder if self.folder else None


@dataclass(frozen=True)
class Outcome:
    """How the work on a cell ended: with a result, with a failure, or with neither where it was stopped.

    Attributes:
        busy: whether nothing was done because another process works on it.
        warned: the warnings of a process that shows none itself.
    """

    cell: Cell
    result: CellResult | None = None
    failure: Failure | None = None
    busy: bool = False
    warned: Sequence[Warned] = ()

    @property
    def stopped(self) -> bool:
        """Whether the cell was neither finished nor failed."""
        return self.result is None and self.failure is None


class Watcher:
    """Follows the progress of a study. Subclasses override what they need."""

    def callback(self, cell: Cell, model: AnyModel) -> Callback:  # noqa: ARG002  # others need them
        """Return a callback for the training of a cell's model; asked only of cells that run in this process."""
        return Callback()

    def on_stop_file(self, path: Path) -> None:
        """Cells are about to run in other processes; `mt2st.study.worker.request_stop` with this file stops them."""

    def on_outcome(self, outcome: Outcome) -> None:
        """The work on a cell has ended, here or elsewhere."""


def attempt(order: Order, watcher: Watcher | None = None) -> Outcome:
    """Work on a cell. The outcome and the cell's folder say whatever goes wrong with it.

    One process at a time works on a cell. What another one has finished meanwhile is taken from it.
    """
    watcher = watcher or Watcher()
    if order.stopped:
        return Outcome(order.cell)
    if order.place is None:
        return _work(order, watcher)
    with cell_lock(order.place, wait=lambda: order.waits and not order.stopped) as held:
        if not held:
            return Outcome(order.cell, busy=not order.waits)
        try:
            if result := finished(order.place / RESULT, order.identity):
                return Outcome(order.cell, result)
        except InputError as error:  # the other process is of another experiment: its folder stays as it is
            return Outcome(order.cell, failure=failure_of(order, str(error)))
        return _work(order, watcher)


def finished(path: Path, identity: Mapping[str, Any]) -> CellResult | None:
    """Return the result of a finished cell; None where there is none."""
    if not path.is_file():
        return None
    result = CellResult.read(path)
    if change := difference(result.identity, identity):
        raise InputError(
            f"{path} is the result of other {change}: delete {path.parent} to run it again, or {ELSEWHERE}"
        )
    return result


def failure_of(order: Order, error: str, *, fault: bool = False, where: str = "") -> Failure:
    """Return what is to be said of a cell that cannot be finished."""
    cell = order.cell
    return Failure(cell.name, cell.settings.seed, cell.folder, cell.title, error, fault, where, order.identity)


def request_stop(path: Path) -> None:
    """Ask the cells that look for this file to stop; may be called by a signal handler."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def _work(order: Order, watcher: Watcher) -> Outcome:
    try:
        result = _run(order, watcher)
    except Exception as error:  # one cell's error must not end the others
        if isinstance(error, InputError):
            failure = failure_of(order, str(error))
        else:
            where = "".join(traceback.format_exception(error))
            failure = failure_of(order, f"{type(error).__name__}: {error}", fault=True, where=where)
        if order.place:
            failure.write(order.place)
        return Outcome(order.cell, failure=failure)
    if result and order.place:
        (order.place / ERROR).unlink(missing_ok=True)
    return Outcome(order.cell, result)


def _run(order: Order, watcher: Watcher) -> CellResult | None:
    """Return the result; None if it was stopped."""
    begin = time.perf_counter()
    cell, data, place = order.cell, order.data, order.place
    model: Any = model_class(data.problem_type.name).from_settings(cell.settings, cell.strategy)
    model.fit_rows(
        data.train,
        unlabelled=data.unlabelled(),
        validation=data.validation,
        checkpoint=place / CHECKPOINT if place else None,
        checkpoint_seconds=order.checkpoint_seconds,
        test=data.test,
        vector_cache=order.folder / VECTORS if order.folder else None,
        callbacks=[FlopMeter(), _StopWhenAsked(order), watcher.callback(cell, model)],
    )
    if model.run_.stopped == "interrupted":
        return None
    test = {} if data.test is None else model.evaluate_rows(data.test)
    result = CellResult(
        name=cell.name,
        seed=cell.settings.seed,
        test=test,
        run=model.run_,
        metric=data.metric,
        factors=cell.factors,
        start_seconds=model.init_seconds_,
        wall_seconds=time.perf_counter() - begin,
        versions=versions(),
        machine=machine(),
        jobs=order.jobs,
        identity=order.identity,
    )
    if place:
        if order.keep_model:
            model.save(place / MODEL, overwrite=True, about=[f"{len(data.train):,} labelled texts"])
        result.write(place)
        shutil.rmtree(place / CHECKPOINT, ignore_errors=True)
    return result


@dataclass
class _StopWhenAsked(Callback):
    """Stops a training when the study is asked to stop."""

    order: Order
    looked: float = field(default_factory=time.monotonic)

    def on_step_end(self, trainer: Trainer) -> None:
        now = time.monotonic()
        if now - self.looked >= SECONDS_BETWEEN_LOOKS:
            self.looked = now
            if self.order.stopped:
                trainer.stop()


LOCAL, DASK = "loky", "dask"
"""Backends of a study: joblib's processes on this machine, and Dask's clusters."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_kept: ContextVar[dict[Warned, None] | None] = ContextVar("warnings of this thread's cell", default=None)
_shown = warnings.showwarning


@contextmanager
def connected(address: str, *, seconds: float = 20.0) -> Iterator[None]:
    """Connect to a Dask scheduler (``tcp://host:8786``) for a block, in which cells with the backend `DASK` run there.

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


def outcomes(orders: Sequence[Order], *, jobs: int, backend: str = LOCAL) -> Iterator[Outcome]:
    """Work on cells, ``jobs`` at a time, each on one thread of torch, and yield their outcomes as they come.

    A process that dies (killed for want of memory, say) takes those of its pool with it, and Dask blames several deaths
    of workers on all cells that waited there. The cells that are left are then tried again, half as many at a time, and
    in the end one by one: what dies alone has failed. Once the cells are asked to stop, what dies has stopped.

    The backend is `LOCAL`, or `DASK` within `connected`, with the study's folder on a disk that all machines see; a
    cluster takes as many cells as it has room for.
    """
    left = {order.cell.folder: order for order in orders}
    while left:
        batch = list(left.values())[: 1 if jobs == 1 else None]
        for order, outcome in _submitted(batch, jobs, backend):
            if outcome is None and order.stopped:  # a signal for all of them has met some that were not ready for it
                outcome = Outcome(order.cell)
            if outcome is None and len(batch) == 1:
                outcome = _died(order)
            if outcome is not None:
                del left[order.cell.folder]
                yield outcome
        jobs = max(1, jobs // 2)


def _submitted(orders: Sequence[Order], jobs: int, backend: str) -> Iterator[tuple[Order, Outcome | None]]:
    """Yield each order with its outcome as it comes; None where its process has died."""
    died: type[Exception]
    if backend == DASK:
        from distributed import KilledWorker, default_client

        executor, died = default_client().get_executor(pure=False), KilledWorker
        close = partial(executor.shutdown, wait=False)  # cancels what nobody waits for any more
    else:
        executor, died = ProcessPoolExecutor(jobs, env=ONE_THREAD), TerminatedWorkerError
        close = partial(executor.shutdown, kill_workers=True)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            # Each order is sent with its call, so that no worker's death takes it along.
            futures = {executor.submit(attempt_elsewhere, order): order for order in orders}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except died:
                yield futures[future], None
    finally:
        close()


def _died(order: Order) -> Outcome:
    failure = failure_of(order, "its process ended without a word: killed, maybe for want of memory", fault=True)
    if order.place:
        failure.write(order.place)
    return Outcome(order.cell, failure=failure)


def attempt_elsewhere(order: Order) -> Outcome:
    """Work on a cell in a process of a pool, on one thread of torch. The outcome has the process's warnings.

    Ctrl-C reaches all processes of a terminal, and batch systems signal all of a job. Here, signals ask the cells to
    stop.
    """
    torch.set_num_threads(1)
    if order.stop is not None and threading.current_thread() is threading.main_thread():
        stop = order.stop
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: request_stop(stop))
    with warnings_kept() as warned:
        outcome = attempt(order)
    return replace(outcome, warned=tuple(warned))


@contextmanager
def warnings_kept() -> Iterator[dict[Warned, None]]:
    """Give the different warnings of this thread in a block as the keys of a dict; none of them is shown.

    From then on, the process shows all others as before: blocks of several threads, in a worker of a cluster, overlap.
    """
    warnings.showwarning = _keep_or_show  # type: ignore[assignment]  # of the rest it needs no names
    kept: dict[Warned, None] = {}
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)


def _keep_or_show(message: Warning | str, category: type[Warning], filename: str, lineno: int, *rest: Any) -> None:
    if (kept := _kept.get()) is None:
        _shown(message, category, filename, lineno, *rest)
    else:
        kept[str(message), category, filename, lineno] = None
