"""Search of the settings for some minutes: one training after the other, the worse ones stopped early, the best kept.

Optuna's tree of Parzen estimators draws the settings (Bergstra et al. 2011). A training that is behind most others at
the same evaluation is stopped (asynchronous successive halving, Li et al. 2020).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

from mt2st.errors import InputError, MissingExtraError
from mt2st.models.choice import LONG_TEXTS
from mt2st.models.settings import ModelSettings
from mt2st.training import Callback

CHOICES: dict[str, tuple[Any, ...]] = {
    "encoder__name": ("bilstm", "cnn", "mean"),
    "encoder__hidden_size": (64, 128, 256),
    "optimisation__batch_size": (16, 32, 64),
    "context__window": (5, 15, 30),
    "context__sample": (1e-3, 1e-4),
    "text__min_count": (1, 2, 5),
}
"""Settings of which one value is chosen."""
LENGTH, DROPOUT, DROPOUTS = "text__max_length", "encoder__dropout", (0.0, 0.6)
RATES = {"optimisation__learning_rate": "encoder", "optimisation__embedding_learning_rate": "embedding"}
FACTORS = (0.3, 3.0)
"""Bounds of what the default learning rates are multiplied by."""
FIRST_HALVING = 2
"""Evaluations before a training may be stopped."""
KEPT_OF = 3
"""The best of so many go on."""

ResultT = TypeVar("ResultT")


@dataclass
class Search(Generic[ResultT]):
    """A search, and the best that it has found.

    Optuna's tree of Parzen estimators draws the settings (Bergstra et al. 2011). A training that is behind most others
    at the same evaluation is stopped (asynchronous successive halving, Li et al. 2020).

    Attributes:
        result: of the best training.
        loss: on the texts held out, after that training.
        values: its settings by name; none for those that the search began with.
        interrupted: whether somebody stopped it.
    """

    result: ResultT
    loss: float
    values: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False

    def run(
        self,
        train: Callable[[Mapping[str, Any], Callback], tuple[ResultT, float]],
        given: ModelSettings,
        *,
        of_words: bool,
        until: float,
        tell: Callable[[str], None],
    ) -> None:
        """Train under other settings until the time is over.

        Args:
            train: trains with these settings in place of the given ones, followed by a callback; returns what came of
                it, and its loss on the texts held out. It may raise an `InputError`.
            given: the user's settings. What differs from the defaults is not searched.
            of_words: whether the labels are those of words.
            until: when to stop, by `time.monotonic`.
            tell: gets a line for each better training, and one in the end.
        """
        import optuna

        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            study = optuna.create_study(
                sampler=optuna.samplers.TPESampler(seed=given.seed),
                pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=FIRST_HALVING, reduction_factor=KEPT_OF),
            )
            stopped = 0
            while time.monotonic() < until and not self.interrupted:
                trial = study.ask()
                values, watch = _drawn(trial, given, of_words=of_words), _Watch(trial, until)
                try:
                    result, loss = train(values, watch)
                except InputError:  # these settings do not go with the data, or the training diverged
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)
                    continue
                if watch.behind or watch.interrupted:
                    stopped += watch.behind
                    self.interrupted = watch.interrupted and time.monotonic() <= until
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                    continue
                study.tell(trial, loss)
                if loss < self.loss:
                    self.result, self.loss, self.values = result, loss, values
                    tell(f"autotune: training {len(study.trials) + 1} is the best so far: {described(values)}")
            tell(f"autotune: {len(study.trials) + 1} trainings, {stopped} of them stopped early")
        finally:
            optuna.logging.set_verbosity(verbosity)


def check_autotune(minutes: float) -> None:
    """Raise an error unless there can be a search of so many minutes."""
    if not isinstance(minutes, int | float) or not 0 < minutes < float("inf"):
        raise InputError(f"autotune must be minutes above 0, found {minutes!r}")
    if find_spec("optuna") is None:
        raise MissingExtraError("autotune", extra="search")


def _drawn(trial: Any, given: ModelSettings, *, of_words: bool) -> dict[str, Any]:
    """Return values of the settings that the user has left out."""
    usual, said = ModelSettings().with_defaults(of_words=of_words).flat(), given.flat()
    free = {name for name in (*CHOICES, *RATES, DROPOUT, LENGTH) if said[path_of(name)] == usual[path_of(name)]}
    values = {name: trial.suggest_categorical(name, each) for name, each in CHOICES.items() if name in free}
    if DROPOUT in free:
        values[DROPOUT] = round(trial.suggest_float(DROPOUT, *DROPOUTS), 2)
    encoder = values.get("encoder__name", given.encoder.name)
    if {"encoder__name", LENGTH} <= free:
        values[LENGTH] = LONG_TEXTS[LENGTH] if encoder == "mean" else usual[path_of(LENGTH)]
    rates = given.updated(encoder__name=encoder).learning_rates
    for name, group in RATES.items():
        if name in free:
            values[name] = float(f"{trial.suggest_float(name, *FACTORS, log=True) * rates[group]:.2g}")
    return values


def path_of(name: str) -> str:
    """Return the path of a setting: ``encoder.name`` of ``encoder__name``."""
    return name.replace("__", ".")


def described(values: Mapping[str, Any]) -> str:
    """Return settings for a person."""
    return ", ".join(f"{path_of(name)} {value}" for name, value in values.items())


class _Watch(Callback):
    """Stops a training that is behind, or when the time is over.

    Attributes:
        behind: it was behind.
        interrupted: the time was over, or somebody stopped it.
    """

    def __init__(self, trial: Any, until: float) -> None:
        self.trial, self.until = trial, until
        self.behind = self.interrupted = False

    def on_step_end(self, trainer: Any) -> None:
        if time.monotonic() > self.until:
            trainer.stop()

    def on_evaluation(self, trainer: Any, evaluation: Any) -> None:
        self.trial.report(evaluation.validation["loss"], len(trainer.run.evaluations))
        if self.trial.should_prune():
            self.behind = True
            trainer.stop()

    def on_fit_end(self, trainer: Any) -> None:
        self.interrupted = trainer.run.stopped == "interrupted" and not self.behind
