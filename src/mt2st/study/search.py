"""A small search of each method's own settings before a study, with the same effort for every one.

Every method, in every setting of the grid, has the same number of trials. A trial is a cell in the folder ``search`` of
the study's: a training on the same data without the test part, with a seed that the study does not report. Its measure
on the validation part counts. The settings of a trial are a function of those before it, so a search that was
interrupted goes on to the same end, several processes can share one, and a larger one begins as a smaller one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mt2st.errors import InputError, MissingExtraError
from mt2st.models import ModelSettings
from mt2st.strategy import Range, Scale, Strategy
from mt2st.study.data import StudyData, difference
from mt2st.study.grid import Cell
from mt2st.study.result import ERROR, RESULT, Failure
from mt2st.study.run import finished_cells, stop_file, work_on
from mt2st.study.worker import LOCAL, Order, Outcome, Watcher

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

COMMON = (
    Range("optimisation__learning_rate", 0.3, 3.0, Scale.FACTOR, log=True),
    Range("optimisation__embedding_learning_rate", 0.3, 3.0, Scale.FACTOR, log=True),
    Range("encoder__dropout", 0.0, 0.6),
)
"""What is searched with every strategy. A learning rate of the heads alone stays as it is given."""


@dataclass(frozen=True)
class Axis:
    """One number that is searched for a method: of what, where, and for which auxiliary task; None: all."""

    range: Range
    task: str | None = None

    @property
    def name(self) -> str:
        """What records call it: ``weight`` or ``weight of analogy``."""
        return self.range.name if self.task is None else f"{self.range.name} of {self.task}"

    def holds(self, number: float) -> bool:
        """Whether the number is in the range."""
        return self.range.low <= number <= self.range.high


@dataclass(frozen=True)
class Course:
    """A strategy and the settings of the model that it trains: what a search changes.

    ``steps_per_epoch``, of the primary task, are for strategies that count steps; ``of_words`` tells whether the labels
    are of words, for which other defaults hold.
    """

    strategy: Strategy
    settings: ModelSettings
    steps_per_epoch: int = 1
    of_words: bool = False

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What is searched: first what all methods share, then the strategy's own."""
        return tuple(axis for axis, _ in self._values())

    @property
    def given(self) -> dict[str, float]:
        """The numbers, by the axes' names, that stand for the course as it is; they may be out of range."""
        state, epochs = self.strategy.searched_settings(), self.settings.optimisation.epochs
        return {axis.name: _number(axis.range, old, self._time(axis, state, epochs)) for axis, old in self._values()}

    def at(self, numbers: Mapping[str, float], *, epochs: int | None = None) -> Course:
        """Return the course that numbers, one an axis by its name, stand for; of other epochs, if there are any."""
        epochs = epochs or self.settings.optimisation.epochs
        settings: dict[str, Any] = {"optimisation__epochs": epochs}
        state = self.strategy.searched_settings()
        for axis, old in self._values():
            name = axis.range.name
            new = _value(axis.range, numbers[axis.name], old, self._time(axis, state, epochs))
            if axis.range in COMMON:
                settings[name] = new
            elif axis.task is None:
                state[name] = new
            else:
                state[name] = {**(state[name] if isinstance(state[name], Mapping) else {}), axis.task: new}
        strategy = self.strategy
        if strategy.search:
            strategy = strategy.from_state_dict(strategy.state_dict() | {"settings": state})
        return replace(self, strategy=strategy, settings=self.settings.updated(**settings))

    def told(self) -> dict[str, Any]:
        """Return the values of what is searched, as plain JSON values."""
        state = self.strategy.searched_settings()
        return {axis.range.name: state.get(axis.range.name, value) for axis, value in self._values()}

    def _values(self) -> Iterator[tuple[Axis, Any]]:
        """Yield what is searched with its value now; learning rates that are not given are the encoder's."""
        settings = self.settings.with_defaults(of_words=self.of_words)
        rates = settings.learning_rates
        yield from zip(map(Axis, COMMON), (rates["encoder"], rates["embedding"], settings.encoder.dropout), strict=True)
        state = self.strategy.searched_settings()
        tasks: Sequence[str] = self.strategy.state_dict()["auxiliaries"] or self.settings.auxiliaries
        for each in self.strategy.search:
            read = (each.name, "curvature") if each.scale is Scale.FALL else (each.name,)
            given_by_task = [state[name] for name in read if isinstance(state.get(name), Mapping)]
            by_task = list(given_by_task[0]) if given_by_task else tasks if each.by_task and len(tasks) > 1 else [None]
            yield from ((Axis(each, task), _of(state[each.name], task)) for task in by_task)

    def _time(self, axis: Axis, state: Mapping[str, Any], epochs: int) -> float:
        """Return how long a training is in what the strategy counts, to the power with which the weight falls."""
        length = epochs if self.strategy.unit == "epoch" else epochs * self.steps_per_epoch
        falls = axis.range.scale is Scale.FALL
        return length ** float(_of(state.get("curvature", 1.0), axis.task)) if falls else length


def _value(of: Range, number: float, given: float, time: float) -> float | int | bool:
    """Return the setting that a number stands for."""
    if of.scale is Scale.FACTOR:
        return given * number
    if of.scale is Scale.SHARE:
        return max(2, min(int(time), 1 + round(number * time)))
    if of.scale is Scale.FALL:
        return number / time
    if of.scale is Scale.WHETHER:
        return bool(number)
    return round(number) if of.whole else number


def _number(of: Range, given: float, time: float) -> float:
    """Return the number that stands for the given setting."""
    if of.scale is Scale.FACTOR:
        return 1.0
    if of.scale is Scale.SHARE:
        return (given - 1) / time
    if of.scale is Scale.FALL:
        return given * time
    return given if of.scale is Scale.VALUE else int(given)


def _of(value: Any, task: str | None) -> Any:
    return value[task] if isinstance(value, Mapping) else value


SEARCH = "search"
"""The folder of a study with its trials."""
SEED = 1001
"""Of the trials: far from the seeds that studies report, which begin at 1."""
RANDOM_TRIALS = 5
"""Number of trials drawn at random, before the estimator has something to learn from."""
SPENT = ("train_seconds", "wall_seconds")
"""Seconds of training, and of everything that a run did."""


@dataclass(frozen=True)
class Trial:
    """A trial that has ended: what was tried, by the names of the axes, and what came of it.

    ``score`` is the metric on the validation part, of the parameters kept; None where the trial failed. ``loss`` is
    that of the same parameters, and decides between trials of the same score.
    """

    numbers: Mapping[str, float]
    score: float | None = None
    loss: float = 0.0
    train_seconds: float = 0.0
    wall_seconds: float = 0.0


@dataclass(frozen=True)
class Found:
    """What a search found: the cells of the study with the chosen values, or as given where it was ``interrupted``.

    ``about`` is for ``study.json``: ``metric``, ``trials`` (of each method), ``seed``, ``epochs``, ``train_seconds``,
    ``wall_seconds``, and ``methods``: a line for each in each setting (``method``, its factors, ``trials``, ``failed``,
    ``score``, ``best``, the number of the trial that is chosen, or null, ``chosen``, the values by name, seconds).
    """

    cells: Sequence[Cell]
    about: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False


@dataclass
class _Method:
    """A method in a setting: its course as given and as long as a trial trains, and the trials that have ended."""

    cell: Cell
    course: Course
    trial: Course
    trials: list[Trial] = field(default_factory=list)

    @property
    def next(self) -> tuple[dict[str, float], Cell]:
        """The numbers and the cell of the next trial."""
        number = len(self.trials) + 1
        numbers = next_numbers(self.course.axes, self.trials) if self.trials else self.course.given
        course = self.trial.at(numbers) if self.trials else self.trial
        return numbers, _trial_of(replace(self.cell, strategy=course.strategy, settings=course.settings), number)

    @property
    def best(self) -> int | None:
        return best_of(self.trials)

    @property
    def chosen(self) -> Course:
        """The course with the best trial's values, which are those given where the first trial is the best."""
        return self.course.at(self.trials[self.best].numbers) if self.best else self.course


def check_search(trials: int, epochs: int | None, seeds: Collection[int]) -> None:
    """Raise if there can be no such search before a study with these seeds; ask before hours of work, not after."""
    if find_spec("optuna") is None:
        raise MissingExtraError("a search of settings", "search")
    if trials < 1:
        raise InputError(f"a search needs at least 1 trial, found {trials}")
    if epochs is not None and epochs < 1:
        raise InputError(f"a trial needs at least 1 epoch, found {epochs}")
    if SEED in seeds:
        raise InputError(f"seed {SEED} is the search's: give the study others")


def search_settings(
    data: StudyData,
    cells: Sequence[Cell],
    trials: int,
    *,
    epochs: int | None = None,
    folder: Path | None = None,
    jobs: int = 1,
    backend: str = LOCAL,
    watcher: Watcher | None = None,
) -> Found:
    """Search the settings of each method in each setting of a grid, with the same number of trials for every one.

    The first trial has the given values. A trial that has ended, failed ones too, is not run again. The trials of
    different methods run at the same time, those of one method one after the other.

    Args:
        data: without the test part (`StudyData.without_test`).
        cells: of a `Grid`; those that differ in the seed alone are one method in one setting.
        trials: of each method in each setting.
        epochs: of a trial; None: as many as the settings say.
        folder: the study's; None keeps nothing.
        jobs: as for `mt2st.study.run_study`.
        backend: likewise.
        watcher: likewise.

    Raises:
        MissingExtraError: Optuna is not installed.
        InputError: when there is a test part, a number is wrong (`check_search`), settings do not go with the length of
            a trial, or the folder holds trials of another search.
    """
    check_search(trials, epochs, [cell.settings.seed for cell in cells])
    if data.test is not None:
        raise InputError("a search must not see the test part: give data.without_test()")
    methods = _methods(data, cells, epochs)
    place, watcher = folder / SEARCH if folder else None, watcher or Watcher()
    with stop_file(place) as stop:
        for _ in range(trials):
            tried = [each.next for each in methods.values()]
            failed = {cell.folder for _, cell in tried if place and _failed(place / cell.folder, cell, data)}
            ended = finished_cells(data, [cell for _, cell in tried], place)
            due = [cell for _, cell in tried if cell.folder not in {*ended, *failed}]
            orders = [Order(cell, data, cell.identity(data), place, stop, jobs, keep_model=False) for cell in due]
            ended |= work_on(orders, jobs, backend, watcher)
            if any(each.stopped for each in ended.values()) or (stop is not None and stop.exists()):
                return Found(cells, interrupted=True)
            for method, (numbers, cell) in zip(methods.values(), tried, strict=True):
                method.trials.append(_trial(numbers, ended.get(cell.folder)))
    chosen = {group: method.chosen for group, method in methods.items()}
    return Found(
        cells=[
            replace(cell, strategy=course.strategy, settings=replace(course.settings, seed=cell.settings.seed))
            for cell in cells
            for course in [chosen[cell.group]]
        ],
        about={"metric": data.metric, "trials": trials, **_about(list(methods.values()))},
    )


def trials_left(folder: Path, cells: Iterable[Cell], trials: int) -> int:
    """Return how many trials of a search of these cells' methods have not ended in a study's folder."""
    wanted = {_trial_of(cell, number).folder for cell in cells for number in range(1, trials + 1)}
    ended = {path.parent.name for name in (RESULT, ERROR) for path in (folder / SEARCH).glob(f"*/{name}")}
    return len(wanted - ended)


def best_of(trials: Sequence[Trial]) -> int | None:
    """Return the index of the best trial; ties go to the lower loss, then to the earlier one. None when all failed."""
    ranked = [
        (trial.score, -math.inf if math.isnan(trial.loss) else -trial.loss, -index)
        for index, trial in enumerate(trials)
        if trial.score is not None
    ]
    return -max(ranked)[2] if ranked else None


def next_numbers(axes: Sequence[Axis], past: Sequence[Trial], *, seed: int = SEED) -> dict[str, float]:
    """Return the numbers of the next trial, by the axes' names: a function of the arguments and of nothing else.

    As the axes that all methods share come first, methods draw the same numbers for them as long as the draws are
    random. Past trials that failed, and given values outside of the ranges, are left out.
    """
    import optuna
    from optuna.distributions import FloatDistribution, IntDistribution

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        drawn = int(np.random.SeedSequence([seed, len(past)]).generate_state(1)[0])
        sampler = optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, seed=drawn)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        distributions: dict[str, BaseDistribution] = {
            axis.name: IntDistribution(int(axis.range.low), int(axis.range.high), log=axis.range.log)
            if axis.range.whole
            else FloatDistribution(axis.range.low, axis.range.high, log=axis.range.log)
            for axis in axes
        }
        for trial in past:
            if trial.score is not None and all(axis.holds(trial.numbers[axis.name]) for axis in axes):
                params = dict(trial.numbers)
                past_trial = optuna.trial.create_trial(params=params, distributions=distributions, value=trial.score)
                study.add_trial(past_trial)
        return dict(study.ask(distributions).params)
    finally:
        optuna.logging.set_verbosity(verbosity)


def _methods(data: StudyData, cells: Sequence[Cell], epochs: int | None) -> dict[str, _Method]:
    methods: dict[str, _Method] = {}
    for cell in cells:
        if cell.group in methods:
            continue
        given = cell.settings.optimisation
        steps = math.ceil(len(data.train) / given.batch_size)
        course = Course(cell.strategy, cell.settings, steps, of_words=not data.problem_type.of_texts)
        trial = course if epochs in (None, given.epochs) else course.at(course.given, epochs=epochs)
        try:
            trial.settings.checked()
        except InputError as error:
            raise InputError(f"in a trial of {epochs} epoch{'' if epochs == 1 else 's'}: {error}") from error
        methods[cell.group] = _Method(cell, course, trial)
    return methods


def _trial_of(cell: Cell, number: int) -> Cell:
    return replace(cell, settings=replace(cell.settings, seed=SEED), marks={**cell.marks, "trial": str(number)})


def _failed(place: Path, cell: Cell, data: StudyData) -> bool:
    """Return whether a trial has failed before, in this very search."""
    return (
        not (place / RESULT).is_file()
        and (place / ERROR).is_file()
        and difference(Failure.read(place / ERROR).identity, cell.identity(data)) is None
    )


def _trial(numbers: Mapping[str, float], outcome: Outcome | None) -> Trial:
    result = outcome.result if outcome else None
    if result is None:
        return Trial(numbers)
    run, kept = result.run, result.run.evaluations[result.run.best].validation
    score = None if math.isnan(kept[result.metric]) else kept[result.metric]
    return Trial(numbers, score, kept["loss"], run.train_seconds, result.wall_seconds)


def _about(methods: Sequence[_Method]) -> dict[str, Any]:
    lines = [
        {
            "method": each.cell.name,
            **each.cell.factors,
            "trials": len(each.trials),
            "failed": sum(trial.score is None for trial in each.trials),
            "score": None if each.best is None else each.trials[each.best].score,
            "best": None if each.best is None else each.best + 1,
            "chosen": each.chosen.told(),
            **{name: sum(getattr(trial, name) for trial in each.trials) for name in SPENT},
        }
        for each in methods
    ]
    return {
        "seed": SEED,
        "epochs": max(each.trial.settings.optimisation.epochs for each in methods),
        "methods": lines,
        **{name: sum(line[name] for line in lines) for name in SPENT},
    }
