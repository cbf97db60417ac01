"""Where to try next: Optuna's tree-structured Parzen estimator (Bergstra et al. 2011)."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mt2st.errors import MissingExtraError
from mt2st.study.search.record import Trial
from mt2st.study.search.space import Axis

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

RANDOM_TRIALS = 5
"""So many trials that succeeded are drawn at random before the estimator has something to learn from."""


def check_sampler() -> None:
    """Raise if Optuna is not installed; ask before hours of work, not after.

    Raises:
        MissingExtraError: it is not.
    """
    try:
        importlib.import_module("optuna")
    except ImportError as error:
        raise MissingExtraError("a search of settings", "search") from error


def next_numbers(axes: Sequence[Axis], past: Sequence[Trial], *, seed: int) -> dict[str, float]:
    """Return the numbers of the next trial, by the axes' names: a function of the arguments and of nothing else.

    So a search that was interrupted goes on as if it had not been. As the axes that all methods share come first,
    methods draw the same numbers for them as long as the draws are random.

    Args:
        axes: what is searched.
        past: the trials so far; of those that failed, and of given values outside of the ranges, nothing is learnt.
        seed: of the search.

    Raises:
        MissingExtraError: Optuna is not installed.
    """
    check_sampler()
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        drawn = int(np.random.SeedSequence([seed, len(past)]).generate_state(1)[0])
        sampler = optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, seed=drawn)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        distributions = {axis.name: _distribution(axis) for axis in axes}
        for trial in past:
            if trial.score is not None and all(axis.holds(trial.numbers[axis.name]) for axis in axes):
                study.add_trial(
                    optuna.trial.create_trial(
                        params=dict(trial.numbers), distributions=distributions, value=trial.score
                    )
                )
        return dict(study.ask(distributions).params)
    finally:
        optuna.logging.set_verbosity(verbosity)


def _distribution(axis: Axis) -> BaseDistribution:
    from optuna.distributions import FloatDistribution, IntDistribution

    of = axis.range
    if of.whole:
        return IntDistribution(int(of.low), int(of.high), log=of.log)
    return FloatDistribution(of.low, of.high, log=of.log)
