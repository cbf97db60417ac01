"""``mt2st compare``: several strategies and seeds on the same data, with a table."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mt2st.cli.data_options import DataOptions, read_parts
from mt2st.cli.interruption import Interrupted, stopped_by_signals
from mt2st.cli.options import parse, say
from mt2st.cli.strategy_options import STRATEGIES, StrategyOptions
from mt2st.cli.tables import aligned
from mt2st.errors import InputError
from mt2st.measures import MEASURES, SECOND
from mt2st.models.settings import ClassifierSettings
from mt2st.strategy import Strategy

if TYPE_CHECKING:
    from mt2st.models.any_model import AnyModel
    from mt2st.study import CellResult, StudyData
    from mt2st.training import Trainer

CELL = re.compile(r"-seed\d+$")
"""What the names of a study's folders end with."""
REFERENCE = "single-task"
"""Its best validation value is what the others are timed to."""


@dataclass(frozen=True)
class CompareOptions:
    """Options of ``mt2st compare``."""

    source: DataOptions
    output: Path
    """Folder of the study: a folder a cell with result and model; finished cells are not run again."""
    strategies: tuple[str, ...] = STRATEGIES
    """Strategies to compare: single-task, multi-task, diminish, switch, adaptive-diminish, adaptive-switch."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """A run of each strategy for each seed."""
    schedule: StrategyOptions = field(default_factory=StrategyOptions)
    model: ClassifierSettings = field(default_factory=ClassifierSettings)
    overwrite: bool = False
    """Throw an earlier study in the output folder away."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(
        CompareOptions, arguments, program="mt2st compare", description="Compare strategies on the same data."
    )
    options.model.check()
    twice = [name for name in dict.fromkeys(options.strategies) if options.strategies.count(name) > 1]
    if twice:
        raise InputError(f"--strategies names '{twice[0]}' twice: name each strategy once")
    strategies = {name: options.schedule.build(name, options.model.auxiliary) for name in options.strategies}
    _check_output(options.output)
    parts = read_parts(options.source)
    if parts.test is None:
        raise InputError("a comparison needs a test part: give --test a file or a share above 0")

    from mt2st.models.start import check_start
    from mt2st.study import StudyData, StudyInterrupted

    check_start(options.model)
    data = StudyData(parts.train, parts.validation, parts.test, parts.unlabelled)
    running: list[AnyModel] = []
    try:
        with (
            _replaced(options.output, overwrite=options.overwrite) as begun,
            stopped_by_signals(lambda: bool(running) and running[-1].stop()) as received,
        ):
            results = compare_all(
                data,
                strategies,
                options.model,
                seeds=options.seeds,
                folder=options.output,
                on_model=running.append,
                on_begin=begun,
            )
    except (StudyInterrupted, KeyboardInterrupt, Interrupted) as end:
        say(_what_is_kept(options.output))
        if not isinstance(end, StudyInterrupted):
            raise
        return 128 + received[0]
    print_comparison(results)
    return 0


@contextmanager
def _replaced(folder: Path, *, overwrite: bool) -> Iterator[Callable[[], None]]:
    """Set an earlier study aside; it goes for good when the yielded function is called, and comes back if it is not."""
    aside = folder.with_name(f".{folder.name}.replaced")
    if overwrite and folder.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
    try:
        yield lambda: shutil.rmtree(aside, ignore_errors=True)
    finally:
        if aside.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            aside.rename(folder)


def _what_is_kept(folder: Path) -> str:
    finished = len(list(folder.glob("*/result.json")))
    begun = any(folder.glob("*/checkpoint"))
    if not finished and not begun:
        return "interrupted: no run was finished, nothing is kept"
    kept = [f"{finished} finished run{'' if finished == 1 else 's'}"] * bool(finished) + [
        "the running one's checkpoint"
    ] * begun
    return f"interrupted: {' and '.join(kept)} in {folder}; the same command (without --overwrite) goes on from there"


def _check_output(output: Path) -> None:
    """Refuse a place that is no study's before anything is trained."""
    there = next((place for place in (output, *output.parents) if place.exists()), Path())
    if not there.is_dir():
        raise InputError(f"--output {output}: {there} is a file: give the name of a folder")
    strange = [path for path in output.iterdir() if not CELL.search(path.name)] if output.is_dir() else []
    if strange:
        raise InputError(f"--output {output} holds files that are no study's ({strange[0].name}): choose another")


def compare_all(
    data: StudyData,
    strategies: Mapping[str, Strategy],
    settings: ClassifierSettings,
    *,
    seeds: Sequence[int],
    folder: Path,
    on_model: Callable[[AnyModel], None] | None = None,
    on_begin: Callable[[], None] = lambda: None,
) -> list[CellResult]:
    """Run all cells with progress on stderr.

    Args:
        data: the data.
        strategies: by the name that the table shall use.
        settings: the model's.
        seeds: different seeds.
        folder: the study's.
        on_model: called with each cell's model before it is trained.
        on_begin: called when a training begins: from then on, the input is known to be right.
    """
    from mt2st.cli.progress import ProgressListener
    from mt2st.study import compare

    total = len(strategies) * len(seeds)
    started = 0
    listeners: list[ProgressListener] = []

    class Watcher(ProgressListener):
        """Tells that the training has begun."""

        def on_start(self, trainer: Trainer) -> None:
            on_begin()
            super().on_start(trainer)

    def listener_of(cell: object) -> ProgressListener:
        nonlocal started
        from mt2st.study import Cell

        assert isinstance(cell, Cell)
        started += 1
        for listener in listeners:
            listener.close()
        listeners.append(Watcher(f"[{started}/{total}] {cell.name}, seed {cell.settings.seed}"))
        return listeners[-1]

    try:
        return compare(
            data, strategies, settings, seeds=seeds, folder=folder, listener_of=listener_of, on_model=on_model
        )
    finally:
        for listener in listeners:
            listener.close()


def print_comparison(results: Sequence[CellResult]) -> None:
    """Print the table."""
    from mt2st.study.summary import metric_of, summarise, table

    metric = metric_of(results)
    rows = summarise(results, reference=REFERENCE)
    print(aligned(table(rows, metric)))
    if any(row.reached is not None for row in rows):
        say(
            f"{MEASURES[metric]} and {MEASURES[SECOND[metric]]} on the test part, mean over the seeds (± standard "
            "deviation); seconds of training, evaluation apart; the last column: until single-task's best validation "
            f"{MEASURES[metric]} of the same seed was "
            "first reached, mean over the seeds that reached it (how many did)"
        )
