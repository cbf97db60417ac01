# the rest of a training is foretold from its steps and from the weights to come
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mt2st.models import forecast
from mt2st.models.forecast import LATER, Forecast
from mt2st.strategy import Diminish, MultiTask, SingleTask, Strategy, Switch
from mt2st.training import Callback, remaining
from mt2st.training.remaining import RemainingTime
from mt2st.training.run import Progress

BATCHES, EPOCHS = 10, 8


class Told(Callback):
    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_forecast(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


def make_trainer(strategy: Strategy) -> Any:
    return SimpleNamespace(
        strategy=strategy.bind(["context"]),
        kernels=[SimpleNamespace(name="context")],
        primary=SimpleNamespace(n_batches=BATCHES),
        progress=Progress(),
        run=SimpleNamespace(evaluations=[]),
        epochs=EPOCHS,
    )


def train(trainer: Any, clock: Clock, steps: int) -> None:
    """Take steps of 1 s, and 5 s of context where it has weight 1."""
    for _ in range(steps):
        trainer.progress.step += 1
        epoch = 1 + (trainer.progress.step - 1) // BATCHES
        context = 5 * trainer.strategy.weights_at(epoch=epoch, step=trainer.progress.step)["context"]
        trainer.progress.kernel_seconds += context
        clock.now += 1 + context


@pytest.mark.parametrize(
    "strategy",
    [SingleTask(), MultiTask(0.5), Diminish(0.7), Switch(4), Switch(31, unit="step"), Diminish(0.05, unit="step")],
    ids=repr,
)
@pytest.mark.parametrize("known", [BATCHES, 3 * BATCHES])
@pytest.mark.parametrize("before", [0, 5])
def test_the_rest_is_what_it_then_takes(
    strategy: Strategy, known: int, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, trainer = Clock(), make_trainer(strategy)
    monkeypatch.setattr(remaining, "time", clock)
    train(trainer, clock, before)  # by a process that was stopped
    rest = RemainingTime(trainer)
    assert rest.seconds() == float("inf")
    train(trainer, clock, known)
    told, now = rest.seconds(), clock.now
    assert rest.elapsed() == now - rest._start
    train(trainer, clock, BATCHES * EPOCHS - known - before)
    assert told == pytest.approx(clock.now - now, rel=0.02)
    assert rest.seconds() == pytest.approx(0.0, abs=1e-6)


def test_a_strategy_that_decided_otherwise_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, trainer = Clock(), make_trainer(MultiTask(1.0))
    monkeypatch.setattr(remaining, "time", clock)
    rest = RemainingTime(trainer)
    train(trainer, clock, BATCHES)
    assert rest.seconds() == pytest.approx(70 * 6)
    trainer.strategy = SingleTask().bind(["context"])
    assert rest.seconds() == pytest.approx(70 * 6), "until the next evaluation"
    trainer.run.evaluations.append("one")
    assert rest.seconds() == pytest.approx(70)


def test_a_training_that_goes_on_with_an_evaluation_is_foretold_at_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, trainer, told = Clock(), make_trainer(SingleTask()), Told()
    monkeypatch.setattr(remaining, "time", clock)
    monkeypatch.setattr(forecast, "time", clock)
    train(trainer, clock, BATCHES)
    foretelling = Forecast([told], begin=clock.now, fit_partners=lambda: None, again=0.0)
    foretelling.on_fit_start(trainer)
    evaluation: Any = None
    foretelling.on_evaluation(trainer, evaluation)
    assert told.seconds == []
    for _ in range(2):
        train(trainer, clock, BATCHES)
        foretelling.on_evaluation(trainer, evaluation)
    assert told.seconds == [pytest.approx(BATCHES + LATER * 6 * BATCHES)]
