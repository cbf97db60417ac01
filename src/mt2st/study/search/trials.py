"""The trials of a search: how many, what becomes of them, and where to try next.

A search leaves a file for each method in each setting, ``search/<method>.json`` in the study's folder. Its schema (all
times in seconds):

- ``schema``: 1.
- ``identity``: that of a run (`mt2st.study.identity`) with the settings as given and without the test part, with
  ``search`` (``seeds``, ``epochs``) and ``space`` (the ranges): what must be the same for the trials to be taken for
  this search's. Their number is no part of it: a larger search goes on with a smaller one's.
- ``trials``: each a `Trial`; the first one has the given values.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mt2st._files import complete_file
from mt2st.errors import InputError, MissingExtraError
from mt2st.study.identity import difference
from mt2st.study.search.space import Axis

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SEARCH_SEED = 1001
"""Far from the seeds that studies report, which begin at 1."""
RANDOM_TRIALS = 5
"""Number of trials drawn at random, before the estimator has something to learn from."""


@dataclass(frozen=True)
class Search:
    """How much is searched, the same for every method.

    Attributes:
        trials: of each method in each setting, failed ones included, at least 1; the first has the given values.
        seeds: of the trials, none of them among those that the study reports; a trial's measure is the mean over them.
        epochs: of a trial; None: as many as the settings say.
    """

    trials: int
    seeds: tuple[int, ...] = (SEARCH_SEED,)
    epochs: int | None = None

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise InputError(f"a search needs at least 1 trial, found {self.trials}")
        if self.epochs is not None and self.epochs < 1:
            raise InputError(f"a trial needs at least 1 epoch, found {self.epochs}")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise InputError(f"the search needs different seeds, at least one, found {list(self.seeds)}")

    def check_seeds(self, reported: Iterable[int]) -> None:
        """Raise if the study reports a seed of the search: its results would be of what was chosen for that seed.

        Raises:
            InputError: naming the seed.
        """
        both = sorted(set(self.seeds) & set(reported))
        if both:
            raise InputError(f"seed {both[0]} is one of the study's and of the search: give the search others")


@dataclass(frozen=True)
class Trial:
    """A trial that has ended.

    Attributes:
        numbers: what was tried, by the names of the axes (`mt2st.study.search.space`).
        values: the settings that they stand for, in a training as long as a trial.
        score: the metric on the validation part, at the epoch that is best by it, mean over the seeds; None: it failed,
            and ``error`` says why.
        loss: likewise of the loss, which decides between trials of the same score.
        train_seconds: seconds of training, over all seeds; ``wall_seconds`` are of everything that its runs did.
    """

    numbers: Mapping[str, float]
    values: Mapping[str, Any]
    score: float | None = None
    loss: float = 0.0
    train_seconds: float = 0.0
    wall_seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Record:
    """The trials of a method in a setting, in their order, with the identity of the search."""

    identity: Mapping[str, Any]
    trials: Sequence[Trial] = field(default_factory=list)

    @property
    def best(self) -> int | None:
        """Index of the best trial; ties go to the earliest. None when all failed."""
        ranked = [
            (trial.score, -math.inf if math.isnan(trial.loss) else -trial.loss, -index)
            for index, trial in enumerate(self.trials)
            if trial.score is not None
        ]
        return -max(ranked)[2] if ranked else None

    def write(self, path: Path) -> None:
        """Write the file; it appears whole or not at all.

        Raises:
            InputError: when it cannot be written.
        """
        content = {"schema": 1, "identity": self.identity, "trials": [asdict(trial) for trial in self.trials]}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path.parent} cannot be made: {error.strerror}") from error
        with complete_file(path, overwrite=True) as file:
            file.write(json.dumps(content, indent=1).encode())

    @classmethod
    def read(cls, path: Path, identity: Mapping[str, Any]) -> Record:
        """Read a file that must be of this identity; an empty record if there is none.

        Raises:
            InputError: when it is broken, or of another search.
        """
        if not path.is_file():
            return cls(identity)
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            record = cls(dict(saved["identity"]), [Trial(**each) for each in saved["trials"]])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path} is not the record of a search ({error}): delete it to search again") from error
        if change := difference(record.identity, identity):
            raise InputError(
                f"{path} is the search with other {change}: choose another folder, replace the study by --overwrite, "
                f"or delete the folder {path.parent} and the runs of the study"
            )
        return record


def check_sampler() -> None:
    """Raise if Optuna is not installed; ask before hours of work, not after.

    Raises:
        MissingExtraError: it is not.
    """
    if find_spec("optuna") is None:
        raise MissingExtraError("a search of settings", "search")


def next_numbers(axes: Sequence[Axis], past: Sequence[Trial], *, seed: int) -> dict[str, float]:
    """Return the numbers of the next trial, by the axes' names: a function of the arguments and of nothing else.

    So a search that was interrupted goes on as if it had not been. As the axes that all methods share come first,
    methods draw the same numbers for them as long as the draws are random. Past trials that failed, and given values
    outside of the ranges, are left out.
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
