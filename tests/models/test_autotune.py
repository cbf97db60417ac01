"""The search of settings for some minutes."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mt2st import TextClassifier
from mt2st.errors import InputError
from mt2st.models import Compute, Context, Encoder, ModelSettings, Optimisation
from mt2st.models.autotune import CHOICES, DROPOUT, RATES, Search, check_autotune, path_of
from mt2st.training import Callback

USUAL = ModelSettings().with_defaults(of_words=False)

pytest.importorskip("optuna", reason="the search needs the extra 'search'")


def searched(
    train: Any, given: ModelSettings | None = None, *, seconds: float = 1.0, loss: float = 1.0
) -> tuple[Search[str], list[str]]:
    lines: list[str] = []
    search = Search("first", loss)
    search.run(train, given or USUAL, of_words=False, until=time.monotonic() + seconds, tell=lines.append)
    return search, lines


def test_the_training_with_the_lowest_loss_is_kept_with_its_settings() -> None:
    losses, seen = [0.5, 0.2, 0.9, 0.4], []

    def train(values: Mapping[str, Any], watch: Callback) -> tuple[str, float]:
        time.sleep(0.02)
        seen.append(values)
        return f"training {len(seen)}", losses[len(seen) - 1] if len(seen) <= len(losses) else 0.7

    search, lines = searched(train)
    assert len(seen) > len(losses)
    assert (search.loss, search.values, search.result) == (0.2, seen[1], "training 2")
    assert lines[-1] == f"autotune: {len(seen) + 1} trainings, 0 of them stopped early"
    assert not search.interrupted


def test_the_given_settings_are_kept_where_nothing_is_better() -> None:
    def train(values: Mapping[str, Any], watch: Callback) -> tuple[str, float]:
        raise InputError("the training has diverged")

    search, _ = searched(train, seconds=0.2)
    assert (search.result, search.loss, search.values) == ("first", 1.0, {})


def test_what_the_user_has_said_is_not_searched() -> None:
    drawn: list[Mapping[str, Any]] = []

    def train(values: Mapping[str, Any], watch: Callback) -> tuple[str, float]:
        drawn.append(values)
        return "", 2.0

    said = {"encoder__name": "mean", DROPOUT: 0.123, "context__window": 7, "optimisation__learning_rate": 0.002}
    searched(train, USUAL.updated(**said), seconds=0.2)
    assert drawn
    assert all(not said.keys() & values.keys() for values in drawn)
    searched(train, seconds=0.2)
    assert {*CHOICES, *RATES, DROPOUT} <= drawn[-1].keys()
    assert path_of(DROPOUT) == "encoder.dropout"


def test_a_training_that_is_behind_is_stopped_and_one_that_somebody_stops_ends_the_search() -> None:
    stopped = []

    class Trainer(SimpleNamespace):
        def stop(self) -> None:
            self.run.stopped = "interrupted"

    def follow(watch: Callback, losses: list[float]) -> Trainer:
        trainer = Trainer(run=SimpleNamespace(evaluations=[], stopped="epochs"))
        for loss in losses:
            trainer.run.evaluations.append(loss)
            watch.on_evaluation(trainer, SimpleNamespace(validation={"loss": loss}))
            if trainer.run.stopped == "interrupted":
                break
        stopped.append(trainer.run.stopped == "interrupted")
        return trainer

    def train(values: Mapping[str, Any], watch: Callback) -> tuple[str, float]:
        number = len(stopped)
        trainer = follow(watch, [0.5 + number] * 8)  # each worse than all before it
        if number == 6:
            trainer.stop()
            watch.behind = False  # type: ignore[attr-defined]
        watch.on_fit_end(trainer)
        return f"training {number}", 0.5 + number if trainer.run.stopped == "epochs" else math.inf

    search, lines = searched(train, seconds=20.0)
    assert stopped[0] is False
    assert sum(stopped) >= 2
    assert len(stopped) == 7
    assert search.interrupted
    assert search.result == "training 0"
    assert lines[-1].startswith("autotune: 8 trainings")


@pytest.mark.parametrize("minutes", [0.0, -1.0, math.inf, math.nan])
def test_a_search_needs_some_minutes(minutes: float) -> None:
    with pytest.raises(InputError, match="autotune must be minutes above 0"):
        check_autotune(minutes)


def test_a_classifier_is_as_good_as_without_or_better_on_the_texts_held_out(films: tuple[list[str], list[str]]) -> None:
    texts, labels = (list(each) * 8 for each in films)
    told: list[str] = []

    class Hearing(Callback):
        def on_choice(self, reason: str) -> None:
            told.append(reason)

    model = TextClassifier(
        encoder=Encoder("mean"),
        context=Context(passes=1),
        optimisation=Optimisation(epochs=2),
        compute=Compute(parallel_context=False),
    )
    usual = model.fit(texts, labels).metrics_["validation"]["loss"]
    model.fit(texts, labels, autotune=0.1, callbacks=[Hearing()])
    assert model.metrics_["validation"]["loss"] <= usual + 1e-6
    assert any(line.startswith("autotune: ") and "trainings" in line for line in told)
    assert model.settings_.encoder.name == "mean"
    assert np.mean(model.predict(texts) == labels) > 0.5
