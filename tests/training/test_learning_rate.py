from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.training.planted import Bag, plant
from torch import nn

from mt2st.errors import InputError
from mt2st.strategy import Strategy, Switch
from mt2st.strategy.base import Unit
from mt2st.training import LearningRateSchedule, MetricsLog, Trainer, TransitionActions


def optimizer_of(**rates: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        [{"name": name, "params": [nn.Parameter(torch.ones(1))], "lr": rate} for name, rate in rates.items()]
    )


def bound(rate: LearningRateSchedule, **rates: float) -> LearningRateSchedule:
    rate.bind(optimizer_of(**(rates or {"embedding": 1.0, "encoder": 1.0})))
    return rate


def test_by_default_nothing_changes() -> None:
    rate = bound(LearningRateSchedule())
    rate.transition(5)
    rate.observe({"loss": 1.0})
    assert [rate.factor("embedding", step) for step in (1, 5, 100)] == [1, 1, 1]


def test_the_warm_up_is_even() -> None:
    rate = bound(LearningRateSchedule(warmup=4))
    assert [rate.factor("embedding", step) for step in range(1, 7)] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_on_a_plateau_the_rate_falls_to_a_minimum() -> None:
    rate = bound(LearningRateSchedule(patience=2, reduce=0.1, minimum=0.05))
    factors = []
    for loss in (1.0, 0.9, 0.95, 0.9, 0.8, 0.9, 0.9, 0.9, 0.9):
        rate.observe({"loss": loss})
        factors.append(round(rate.factor("embedding", 1), 3))
    assert factors == [1, 1, 1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05]


def test_other_measures_are_better_when_larger() -> None:
    rate = bound(LearningRateSchedule(patience=1, monitor="accuracy"))
    for accuracy in (0.5, 0.6, 0.7):
        rate.observe({"accuracy": accuracy})
    assert rate.factor("embedding", 1) == 1
    rate.observe({"accuracy": 0.7})
    assert rate.factor("embedding", 1) == 0.5


def test_each_group_chooses_what_happens_at_the_transition() -> None:
    rate = bound(
        LearningRateSchedule(warmup=2, at_transition={"embedding": 0.1, "encoder": "rewarm"}),
        embedding=1,
        encoder=1,
        heads=1,
    )
    rate.transition(11)
    assert [rate.factor("embedding", step) for step in (11, 12)] == pytest.approx([0.1, 0.1])
    assert [rate.factor("encoder", step) for step in (11, 12, 13)] == [0.5, 1, 1]
    assert rate.factor("heads", 11) == 1


def test_drop_goes_on_at_a_tenth() -> None:
    rate = bound(LearningRateSchedule(at_transition="drop"))
    rate.transition(3)
    assert rate.factor("embedding", 3) == 0.1


def test_each_group_has_its_own_warm_up_and_plateau_factor() -> None:
    rate = bound(LearningRateSchedule(warmup={"heads": 2}, patience=1, reduce={"embedding": 0.1}), embedding=1, heads=1)
    assert [rate.factor("heads", step) for step in (1, 2)] == [0.5, 1]
    assert rate.factor("embedding", 1) == 1
    for loss in (1.0, 1.0):
        rate.observe({"loss": loss})
    assert (rate.factor("embedding", 2), rate.factor("heads", 2)) == (0.1, 1)


def test_the_plateau_begins_anew_at_the_transition() -> None:
    rate = bound(LearningRateSchedule(patience=1))
    rate.observe({"loss": 0.1})
    rate.transition(5)
    rate.observe({"loss": 0.9})
    assert rate.factor("embedding", 6) == 1


def test_the_rates_are_set_on_the_optimizer_by_group() -> None:
    optimizer = optimizer_of(embedding=0.1, heads=0.5)
    rate = LearningRateSchedule(warmup=2)
    rate.bind(optimizer)
    rate.apply(optimizer, 1)
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.25]
    rate.apply(optimizer, 2)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5]


def test_the_state_is_plain_and_complete() -> None:
    first, second = (bound(LearningRateSchedule(warmup=3, patience=1, at_transition="rewarm")) for _ in range(2))
    for rate in (first, second):
        rate.observe({"loss": 0.5})
    first.observe({"loss": 0.6})
    first.transition(7)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert [second.factor("encoder", step) for step in range(7, 11)] == [
        first.factor("encoder", s) for s in range(7, 11)
    ]


def test_in_a_run_the_transition_is_when_the_last_task_goes_off() -> None:
    planted, network, called = plant(1), Bag(1), []
    optimizer = torch.optim.SGD(
        [
            {"name": "embedding", "params": [network.embedding.weight], "lr": 0.2},
            {"name": "heads", "params": [*network.shared.parameters(), *network.heads.parameters()], "lr": 0.4},
        ]
    )
    run = Trainer(
        network,
        primary=planted.primary,
        optimizer=optimizer,
        strategy=Switch(3),
        auxiliaries=[planted.helpful],
        epochs=4,
        transition=TransitionActions(LearningRateSchedule(at_transition={"embedding": 0.5}), activate=called.append),
    ).fit()
    rates = [each.learning_rates for each in run.evaluations]
    assert [each["embedding"] for each in rates] == [0.2, 0.2, 0.1, 0.1]
    assert [each["heads"] for each in rates] == [0.4] * 4
    assert called == [network]


class _Sawtooth(Strategy):
    """Auxiliary tasks on at every other time before 5."""

    off_is_final = False

    def weight_of(self, task: str, t: int) -> float:
        return float(t % 2 and t < 5)


class _FixedSawtooth(_Sawtooth):
    is_fixed = True


@pytest.mark.parametrize("unit", ["epoch", "step"])
@pytest.mark.parametrize(("sawtooth", "at"), [(_FixedSawtooth, 4), (_Sawtooth, None)])
def test_the_transition_of_tasks_that_come_back_is_the_last(
    sawtooth: type[Strategy], at: int | None, unit: Unit
) -> None:
    planted, network = plant(1), Bag(1)
    times: list[int] = []
    trainer = Trainer(
        network,
        primary=planted.primary,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.2),
        strategy=sawtooth(unit=unit),
        auxiliaries=[planted.helpful],
        epochs=5,
        transition=TransitionActions(
            activate=lambda _: times.append(getattr(trainer.progress, unit)),
        ),
    )
    trainer.fit()
    assert times == ([] if at is None else [at])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"warmup": -1}, "warmup must be a whole number of at least 0, found -1"),
        ({"patience": 0}, "patience must be a whole number of at least 1, found 0"),
        ({"reduce": 1.1}, "reduce must be above 0 and at most 1, found 1.1"),
        ({"reduce": {"heads": 0.0}}, r"reduce\['heads'\] must be above 0 and at most 1, found 0.0"),
        ({"warmup": {"heads": 1.5}}, r"warmup\['heads'\] must be a whole number of at least 0, found 1.5"),
        ({"minimum": 2.0}, "minimum must be from 0 to 1, found 2.0"),
        ({"at_transition": "fall"}, "at_transition must be 'keep', 'rewarm', 'drop' or a finite .* found 'fall'"),
        ({"at_transition": {"heads": -1.0}}, "at_transition must be"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        LearningRateSchedule(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", ["warmup", "reduce", "at_transition"])
def test_an_unknown_group_is_refused(rule: str) -> None:
    with pytest.raises(InputError, match=f"{rule} names the unknown group 'embeding'. Did you mean 'embedding'"):
        bound(LearningRateSchedule(**{rule: {"embeding": 1}}))  # type: ignore[arg-type]


def test_a_plateau_and_the_transition_are_told_with_causes_and_numbers() -> None:
    rate = bound(
        LearningRateSchedule(warmup=3, patience=1, reduce={"encoder": 0.5}, at_transition={"embedding": "rewarm"}),
        embedding=1, encoder=1,
    )  # fmt: skip
    assert rate.take_changes() == []
    for loss in (0.4, 0.6):
        rate.observe({"loss": loss})
    rate.transition(7)
    plateau, transition = rate.take_changes()
    assert (plateau.before, plateau.after) == ({"encoder": 1.0}, {"encoder": 0.5})
    assert plateau.cause == "a plateau of the validation loss"
    assert plateau.numbers == {"loss": 0.6, "best loss": 0.4, "waited": 1, "patience": 1, "minimum": 0.01}
    assert (transition.cause, transition.after, transition.rewarmed) == (
        "the transition to single-task training", {}, ["embedding"],
    )  # fmt: skip
    assert rate.take_changes() == []


def test_a_rate_that_stays_at_its_minimum_is_no_change() -> None:
    rate = bound(LearningRateSchedule(patience=1, reduce=0.5, minimum=0.5), embedding=1)
    for loss in (0.4, 0.6, 0.6, 0.6):
        rate.observe({"loss": loss})
    rate.transition(5)
    assert len(rate.take_changes()) == 1


def test_changes_of_the_rate_are_in_the_log(tmp_path: Path) -> None:
    planted, network = plant(1), Bag(1)
    log = tmp_path / "metrics.jsonl"
    Trainer(
        network,
        primary=planted.primary,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.0),  # nothing moves, so every evaluation is a plateau
        strategy=Switch(3),
        auxiliaries=[planted.helpful],
        epochs=3,
        transition=TransitionActions(LearningRateSchedule(patience=1, reduce=0.5, at_transition="drop")),
        callbacks=[MetricsLog(log)],
    ).fit()
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    changes = [line for line in lines if line["event"] == "learning_rate"]
    steps = planted.primary.n_batches
    assert [(each["cause"], each["step"]) for each in changes] == [
        ("a plateau of the validation loss", 2 * steps),
        ("the transition to single-task training", 2 * steps + 1),
    ]
    assert changes[1]["after"] == {"0": pytest.approx(0.05)}
