"""The work of a search: trial by trial, all methods at once, until each has had its number."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from mt2st.errors import InputError
from mt2st.study.data import StudyData
from mt2st.study.grid import Cell
from mt2st.study.pool import LOCAL
from mt2st.study.result import CellResult
from mt2st.study.run import Worked, stop_file, work_on
from mt2st.study.search.space import COMMON, Course
from mt2st.study.search.trials import Record, Search, Trial, check_sampler, next_numbers
from mt2st.study.worker import Watcher

SEARCH = "search"
"""The folder of a study with its search: a record a method, and a folder a run of a trial."""


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        cells: those of the study, with the chosen values; as given where the search was interrupted.
        about: what it did and chose, as plain JSON values, for ``study.json``: ``metric``, ``trials`` (of each
            method), ``seeds``, ``epochs``, ``train_seconds``, ``wall_seconds`` (over all runs), and ``methods``: a line
            for each in each setting (``method``, its factors, ``trials``, ``failed``, ``score``, ``best``, the number
            of the trial that is chosen, or null, ``chosen``, the values by name, ``train_seconds``, ``wall_seconds``).
        interrupted: whether it was stopped; then the same search goes on from there.
    """

    cells: Sequence[Cell]
    about: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False


@dataclass
class _Method:
    """A method in a setting, while it is searched.

    Attributes:
        cell: one of its cells, with the given values.
        course: what is changed about it; ``trial`` is the same as long as a trial trains.
        path: of its record; None keeps nothing.
    """

    cell: Cell
    course: Course
    trial: Course
    path: Path | None
    record: Record

    def next_trial(self, search: Search) -> tuple[dict[str, float], list[Cell]]:
        """Return the numbers of the next trial, and its runs, one a seed."""
        past = self.record.trials
        numbers = next_numbers(self.course.axes, past, seed=search.seeds[0]) if past else self.course.given
        course, marks = self.trial.at(numbers) if past else self.trial, {**self.cell.marks, "trial": str(len(past) + 1)}
        seeded = [replace(course.settings, seed=seed) for seed in search.seeds]
        return numbers, [Cell(self.cell.name, course.strategy, settings, marks) for settings in seeded]

    @property
    def chosen(self) -> Course:
        """The course with the best trial's values, which are those given where the first trial is the best."""
        best = self.record.best
        return self.course.at(self.record.trials[best].numbers) if best else self.course


def search_settings(
    data: StudyData,
    cells: Sequence[Cell],
    search: Search,
    *,
    folder: Path | None = None,
    jobs: int = 1,
    backend: str = LOCAL,
    watcher: Watcher | None = None,
) -> Found:
    """Search the settings of each method in each setting of a grid, with the same number of trials for every one.

    A trial that has ended, failed ones too, is not run again: an interrupted search goes on, to the same end as if it
    had not been; a finished one is read; a larger one goes on with a smaller one's trials. The trials of different
    methods run at the same time, those of one method one after the other, as each learns from those before it.

    Args:
        data: without the test part (`StudyData.without_test`).
        cells: of a `Grid`; those that differ in the seed alone are one method in one setting.
        search: how much.
        folder: the study's; the search is in its folder ``search``. None keeps nothing.
        jobs: as for `mt2st.study.run_study`.
        backend: likewise.
        watcher: likewise.

    Raises:
        MissingExtraError: Optuna is not installed.
        InputError: when there is a test part, a seed of the search is one of the study's, settings do not go with the
            length of a trial, or the folder holds another search: before anything is trained.
    """
    check_sampler()
    if data.test is not None:
        raise InputError("a search must not see the test part: give data.without_test()")
    search.check_seeds(cell.settings.seed for cell in cells)
    place = folder / SEARCH if folder else None
    methods = _methods(data, cells, search, place)
    heard = watcher or Watcher()
    with stop_file(place) as stop:
        while due := [each for each in methods.values() if len(each.record.trials) < search.trials]:
            trials = [each.next_trial(search) for each in due]
            worked = work_on(
                data,
                [cell for _, runs in trials for cell in runs],
                folder=place,
                stop=stop,
                jobs=jobs,
                backend=backend,
                keep_models=False,
                watcher=heard,
                on_begin=heard.on_begin,
            )
            for each, (numbers, runs) in zip(due, trials, strict=True):
                _keep(each, numbers, runs, worked, data.metric)
            if worked.interrupted or (stop is not None and stop.exists()):
                return Found(cells, interrupted=True)
    for method in methods.values():  # a larger search may have been there
        method.record = replace(method.record, trials=method.record.trials[: search.trials])
    courses = {name: method.chosen for name, method in methods.items()}
    return Found(
        cells=[
            replace(cell, strategy=course.strategy, settings=replace(course.settings, seed=cell.settings.seed))
            for cell in cells
            for course in [courses[cell.group]]
        ],
        about={"metric": data.metric, **_about(methods.values(), search)},
    )


def recorded_trials(folder: Path, cell: Cell) -> int:
    """Return how many trials of a cell's method a study's folder holds; 0 where its record cannot be read."""
    try:
        return len(json.loads(_path(folder / SEARCH, cell).read_text(encoding="utf-8"))["trials"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0


def _methods(data: StudyData, cells: Sequence[Cell], search: Search, place: Path | None) -> dict[str, _Method]:
    methods: dict[str, _Method] = {}
    for cell in cells:
        if cell.group in methods:
            continue
        steps = -(-len(data.train) // cell.settings.optimisation.batch_size)
        course = Course(cell.strategy, cell.settings, steps, of_words=not data.problem_type.of_texts)
        epochs = search.epochs or cell.settings.optimisation.epochs
        trial = course if epochs == cell.settings.optimisation.epochs else course.at(course.given, epochs=epochs)
        try:
            trial.settings.checked()
        except InputError as error:
            raise InputError(f"in a trial of {epochs} epoch{'' if epochs == 1 else 's'}: {error}") from error
        path = _path(place, cell) if place else None
        own = cell.identity(data)
        own["settings"].pop("seed")
        ranges = (*COMMON, *cell.strategy.search)
        identity = {
            **own,
            "search": {"seeds": list(search.seeds), "epochs": epochs},
            "space": [
                [each.name, each.low, each.high, each.scale.name, each.log, each.whole, each.by_task] for each in ranges
            ],
        }
        record = Record.read(path, identity) if path else Record(identity)
        methods[cell.group] = _Method(cell, course, trial, path, record)
    return methods


def _path(place: Path, cell: Cell) -> Path:
    return place / f"{cell.group}.json"


def _keep(method: _Method, numbers: Mapping[str, float], runs: Sequence[Cell], worked: Worked, metric: str) -> None:
    """Record a trial whose runs have all ended."""
    results = [worked.results[run.folder] for run in runs if run.folder in worked.results]
    failures = [worked.failures[run.folder] for run in runs if run.folder in worked.failures]
    if len(results) + len(failures) < len(runs):
        return
    values = Course(runs[0].strategy, runs[0].settings).told()
    error = failures[0].error if failures else ""
    score = None if error else fmean(_best(each, metric) for each in results)
    if score is not None and math.isnan(score):
        score, error = None, f"its validation {metric} is not a number"
    trial = Trial(
        numbers=numbers,
        values=values,
        score=score,
        loss=0.0 if error else fmean(_best(each, "loss") for each in results),
        train_seconds=sum(each.run.train_seconds for each in results),
        wall_seconds=sum(each.wall_seconds for each in results),
        error=error,
    )
    method.record = replace(method.record, trials=[*method.record.trials, trial])
    if method.path:
        method.record.write(method.path)


def _best(result: CellResult, measure: str) -> float:
    """Return a validation measure of the parameters that were kept."""
    return result.run.evaluations[result.run.best].validation[measure]


def _about(methods: Collection[_Method], search: Search) -> dict[str, Any]:
    lines = []
    for each in methods:
        trials, best = each.record.trials, each.record.best
        line = {
            "method": each.cell.name,
            **each.cell.factors,
            "trials": len(trials),
            "failed": sum(trial.score is None for trial in trials),
            "score": None if best is None else trials[best].score,
            "best": None if best is None else best + 1,
            "chosen": each.chosen.told(),
            **{name: sum(getattr(trial, name) for trial in trials) for name in ("train_seconds", "wall_seconds")},
        }
        lines.append(line)
    return {
        "trials": search.trials,
        "seeds": list(search.seeds),
        "epochs": max(each.trial.settings.optimisation.epochs for each in methods),
        "train_seconds": sum(line["train_seconds"] for line in lines),
        "wall_seconds": sum(line["wall_seconds"] for line in lines),
        "methods": lines,
    }
