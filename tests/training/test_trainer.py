# ruff: noqa: ARG005  # tasks and listeners take what their protocols give them
from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.following import Following, StopAfter
from torch import Tensor, nn

from mt2st.errors import DivergedError, InputError
from mt2st.strategy import (
    DWA,
    AdaptiveDiminish,
    AdaptiveSwitch,
    Diminish,
    MultiTask,
    Observation,
    PretrainFinetune,
    SingleTask,
    Strategy,
    Switch,
)
from mt2st.training import (
    CheckConvergence,
    EarlyStopping,
    EpochSlice,
    Evaluation,
    LearningRateSchedule,
    MetricsLog,
    Progress,
    Trainer,
    TransitionActions,
)
from mt2st.training.modules import gradient_norm

SIZE = 4


class Shared(nn.Module):
    """A user's own module: it knows nothing of this package."""

    def __init__(self, heads: Sequence[str] = ("primary", "helper"), dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.embedding = nn.Embedding(12, SIZE)
        self.heads = nn.ModuleDict({name: nn.Linear(SIZE, 1) for name in heads})
        self.dropout = nn.Dropout(dropout)


@dataclass
class Regression:
    """A user's own task, which keeps count of what is asked of it."""

    name: str
    n_batches: int = 6
    scores: Sequence[float] = ()
    pause: float = 0.0
    drawn: int = 0
    forwards: int = 0
    orders: list[tuple[int, int]] = field(default_factory=list)

    def batches(self, *, epoch: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        self.orders.append((epoch, seed))
        generator = torch.Generator().manual_seed(1000 * seed + 10 * epoch + len(self.name))
        for _ in range(self.n_batches):
            self.drawn += 1
            ids = torch.randint(12, (8, 3), generator=generator)
            yield ids, (ids.float().mean(dim=1, keepdim=True) - 5) / 3

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        self.forwards += 1
        assert isinstance(network, Shared)
        ids, targets = batch
        predicted: Tensor = network.heads[self.name](network.dropout(network.embedding(ids)).mean(dim=1))
        return (predicted - targets).square().mean()

    def evaluate(self, network: nn.Module) -> Mapping[str, float]:
        time.sleep(self.pause)
        at = getattr(self, "measured", 0)
        self.measured = at + 1
        return {"accuracy": self.scores[at]} if self.scores else {}


@dataclass
class Nudge:
    """A kernel task that moves every row by a known amount."""

    name: str = "nudge"
    calls: list[tuple[float, EpochSlice]] = field(default_factory=list)
    loss: float = 0.5
    total: Tensor = field(default_factory=lambda: torch.zeros(1))

    def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
        self.calls.append((weight, epoch_slice))
        self.total += weight
        table += 0.01 * weight * torch.sin(self.total)
        return self.loss

    def state_dict(self) -> dict[str, Tensor]:
        return {"total": self.total}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.total = state["total"].clone()


def make_trainer(strategy: Strategy, *auxiliaries: Any, **options: Any) -> Trainer:
    network = options.pop("network", None) or Shared()
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(network.parameters(), lr=0.1)
    primary = options.pop("primary", None) or Regression("primary")
    following = Following(options.pop("on_step", None), options.pop("on_evaluation", None))
    logs = [MetricsLog(options.pop("log"))] if "log" in options else []
    settings = {"epochs": 3, "monitor": "accuracy", "callbacks": [following, *logs]} | options
    return Trainer(
        network, primary=primary, optimizer=optimizer, strategy=strategy, auxiliaries=auxiliaries, **settings
    )


def parameters(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_same_bits(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


# A weight of 0 means not computed


def test_a_training_that_is_told_of_an_earlier_one_decides_as_that_did() -> None:
    def trained(told: Sequence[Evaluation], scores: Sequence[float]) -> Trainer:
        trainer = make_trainer(
            AdaptiveSwitch(patience=1, metric="accuracy"),
            Regression("helper"),
            primary=Regression("primary", scores=scores),
            transition=TransitionActions(rates=LearningRateSchedule(patience=2, monitor="accuracy")),
            monitor=None,
            epochs=7,
        )
        trainer.told = told
        trainer.fit()
        return trainer

    first = trained((), [0.5, 0.6, 0.6, 0.5, 0.5, 0.5, 0.5])
    again = trained(first.run.evaluations, ())
    assert first.run.decisions
    assert again.run.decisions == first.run.decisions
    courses = [[(each.weights, each.learning_rates) for each in one.run.evaluations] for one in (first, again)]
    assert courses[0] == courses[1]
    assert first.run.evaluations[-1].learning_rates["0"] < first.run.evaluations[0].learning_rates["0"]
    assert first.run.transition_step == again.run.transition_step == 19


def test_a_task_of_weight_zero_draws_no_batch_and_runs_no_forward() -> None:
    helper, nudge = Regression("helper"), Nudge()
    trainer = make_trainer(SingleTask(), helper, nudge)
    trainer.fit()
    assert (helper.drawn, helper.forwards, helper.orders, nudge.calls) == (0, 0, [], [])
    assert all(parameter.grad is None for parameter in trainer.module.get_submodule("heads.helper").parameters())
    assert all(parameter.grad is not None for parameter in trainer.module.get_submodule("heads.primary").parameters())


def test_switch_stops_drawing_auxiliary_batches() -> None:
    helper, nudge = Regression("helper", n_batches=4), Nudge()
    run = make_trainer(Switch(at=3), helper, nudge, epochs=5).fit()
    assert (helper.drawn, helper.forwards) == (12, 12), "one batch for each primary step of the two epochs before"
    assert len(nudge.calls) == 12
    assert [(each.task, each.epoch, each.step) for each in run.transitions] == [("helper", 3, 13), ("nudge", 3, 13)]


def test_under_adamw_an_auxiliary_head_stays_as_it_was_from_the_switch_on() -> None:
    network = Shared()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.05, weight_decay=0.3)
    heads: list[dict[str, Tensor]] = []
    gradients: list[bool] = []

    def note(progress: Progress) -> None:
        heads.append(parameters(network.heads["helper"]))
        gradients.append(any(parameter.grad is not None for parameter in network.heads["helper"].parameters()))

    strategy = Switch(at=9, unit="step")
    make_trainer(strategy, Regression("helper"), network=network, optimizer=optimizer, on_step=note).fit()
    assert gradients == [True] * 8 + [False] * 10
    assert not torch.equal(heads[6]["weight"], heads[7]["weight"])
    for after in heads[8:]:
        assert_same_bits(after, heads[7])


def test_diminish_weighs_kernel_tasks_and_turns_them_off_when_negligible() -> None:
    nudge = Nudge()
    make_trainer(Diminish(decay=2.0, negligible=0.01), nudge, epochs=4).fit()
    weights = [weight for weight, _ in nudge.calls]
    assert weights == pytest.approx([0.1353352832] * 6 + [0.01831563889] * 6)


@pytest.mark.parametrize("beside", [False, True])
def test_kernel_tasks_get_every_part_of_every_epoch(beside: bool) -> None:
    nudge = Nudge()
    make_trainer(MultiTask(), nudge, epochs=2, seed=7, parallel_context=beside).fit()
    epoch_slices = [replace(epoch_slice, elapsed=(0.0, 0.0)) for _, epoch_slice in nudge.calls]
    assert epoch_slices == [EpochSlice(epoch, part, 6, 7) for epoch in (1, 2) for part in range(6)]


@pytest.mark.parametrize(
    ("strategy", "steps"),
    [
        (MultiTask(), 18),
        (Switch(at=3), 12),
        (Switch(at=9, unit="step"), 8),
        (Switch({"nudge": 2, "helper": 3}), 6),
        (Diminish(decay=2.0, negligible=0.01), 12),
        (AdaptiveSwitch(latest=3), 12),
        (AdaptiveSwitch(), 18),
        (AdaptiveDiminish(decay=2.0, negligible=0.01), 12),
        (PretrainFinetune(at=2), 6),
        (DWA(), 18),
    ],
    ids=repr,
)
def test_kernel_tasks_know_the_share_of_their_time_that_has_passed(strategy: Strategy, steps: int) -> None:
    nudge = Nudge()
    make_trainer(strategy, Regression("helper"), nudge, epochs=3).fit()
    elapsed = [share for _, epoch_slice in nudge.calls for share in epoch_slice.elapsed]
    assert elapsed == pytest.approx([share for step in range(steps) for share in (step / steps, (step + 1) / steps)])


class ComesBack(MultiTask):
    """A strategy of somebody else's, whose task comes back."""

    def weight_of(self, task: str, t: int) -> float:
        return float(t != 2)


def test_no_share_of_a_tasks_time_is_above_one_even_if_it_comes_back() -> None:
    nudge = Nudge()
    make_trainer(ComesBack(), nudge, epochs=3).fit()
    assert len(nudge.calls) == 12
    assert max(share for _, epoch_slice in nudge.calls for share in epoch_slice.elapsed) == 1.0


def test_a_task_that_is_on_in_the_middle_alone_has_a_share_of_the_time_too() -> None:
    class Middle(MultiTask):
        def weight_of(self, task: str, t: int) -> float:
            return float(t == 4)

    nudge = Nudge()
    make_trainer(Middle(), nudge, epochs=8).fit()
    shares = [epoch_slice.elapsed for _, epoch_slice in nudge.calls]
    assert (shares[0][0], shares[-1][1], len(shares)) == (3 / 8, 4 / 8, 6)


def test_a_strategy_that_never_trains_the_primary_task_is_refused() -> None:
    with pytest.raises(InputError, match=r"PretrainFinetune\(at=5\) would not train the primary task 'primary' at all"):
        make_trainer(PretrainFinetune(at=5), Nudge(), epochs=4)
    make_trainer(PretrainFinetune(at=3), Nudge(), epochs=3)


def test_the_rate_of_a_kernel_task_is_told_while_it_is_on() -> None:
    nudge = Nudge()
    nudge.rate = 0.25  # type: ignore[attr-defined]
    run = make_trainer(Switch(at=3), nudge, Regression("helper"), epochs=3).fit()
    assert [each.learning_rates.get("nudge") for each in run.evaluations] == [0.25, 0.25, None]


def test_auxiliaries_that_are_off_leave_no_trace_in_single_task_training() -> None:
    with_help = make_trainer(SingleTask(), Regression("helper"), Nudge())
    alone = make_trainer(SingleTask())
    with_help.fit()
    alone.fit()
    assert_same_bits(parameters(with_help.module), parameters(alone.module))


def test_an_auxiliary_task_starts_its_next_epoch_when_it_runs_out() -> None:
    helper = Regression("helper", n_batches=4)
    make_trainer(MultiTask(), helper, seed=3).fit()
    assert helper.drawn == 18
    assert helper.orders == [(epoch, 3) for epoch in (1, 2, 3, 4, 5)]


# The update


def test_one_step_is_equation_3_by_hand() -> None:
    reference = Shared()
    primary, helper = Regression("primary", n_batches=1), Regression("helper", n_batches=1)
    losses = [task.loss(reference, next(task.batches(epoch=1, seed=1))) for task in (primary, helper)]
    gradients = [
        torch.autograd.grad(loss, list(reference.parameters()), allow_unused=True, materialize_grads=True)
        for loss in losses
    ]
    expected = {
        name: theta.detach() - 0.1 * (of_primary + 0.3 * of_helper)
        for (name, theta), of_primary, of_helper in zip(reference.named_parameters(), *gradients, strict=True)
    }
    trainer = make_trainer(MultiTask(0.3), helper, primary=primary, epochs=1)
    run = trainer.fit()
    for name, value in trainer.module.named_parameters():
        torch.testing.assert_close(value.detach(), expected[name], atol=1e-7, rtol=1e-6)
    assert run.evaluations[0].losses == pytest.approx({"primary": losses[0].item(), "helper": losses[1].item()})
    norm = torch.cat([each.flatten() for each in gradients[0]]).norm().item()
    assert run.evaluations[0].gradient_norm == pytest.approx(norm, rel=1e-6), "of the primary's gradient alone"


def test_gradients_do_not_pile_up_from_step_to_step() -> None:
    reference = Shared()
    optimizer = torch.optim.SGD(reference.parameters(), lr=0.1)
    primary = Regression("primary")
    for batch in primary.batches(epoch=1, seed=1):
        optimizer.zero_grad()
        primary.loss(reference, batch).backward()
        optimizer.step()
    trainer = make_trainer(SingleTask(), epochs=1)
    trainer.fit()
    expected = parameters(reference)
    assert_same_bits({name: trainer.module.state_dict()[name] for name in expected}, expected)


def test_clipping_bounds_the_norm_of_the_whole_gradient() -> None:
    norms: list[float] = []
    network = Shared()
    make_trainer(
        MultiTask(),
        Regression("helper"),
        network=network,
        clip_norm=0.01,
        on_step=lambda progress: norms.append(gradient_norm(network.parameters())),
    ).fit()
    assert max(norms) == pytest.approx(0.01, rel=1e-3)


def test_the_gradient_norm_counts_parameters_without_a_gradient_as_zero() -> None:
    network = Shared()
    assert gradient_norm(network.parameters()) == 0.0
    network.heads["primary"].weight.grad = torch.full((1, SIZE), 3.0)
    assert gradient_norm(network.parameters()) == pytest.approx(6.0)


# What is measured


def test_evaluation_is_not_training_time() -> None:
    primary = Regression("primary", n_batches=2, scores=[0.5] * 3, pause=0.2)
    start = time.perf_counter()
    run = make_trainer(SingleTask(), primary=primary).fit()
    elapsed = time.perf_counter() - start
    assert 0 < run.train_seconds <= elapsed - 0.6


def test_listeners_are_not_training_time() -> None:
    run = make_trainer(SingleTask(), epochs=1, on_step=lambda progress: time.sleep(0.1)).fit()
    assert run.train_seconds < 0.5


def test_the_log_tells_the_course_of_the_run(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    network = Shared()
    optimizer = torch.optim.SGD(
        [
            {"name": "embedding", "params": network.embedding.parameters(), "lr": 0.2},
            {"params": network.heads.parameters(), "lr": 0.1},
        ]
    )
    primary = Regression("primary", scores=[0.5, float("nan"), 0.25])
    run = make_trainer(
        Switch(at=3, weight=0.7), Regression("helper"), Nudge(loss=1e308),  # whose sum is infinite
        network=network, optimizer=optimizer, primary=primary, log=log,
    ).fit()  # fmt: skip
    records = [json.loads(line, parse_constant=pytest.fail) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [record["event"] for record in records] == [
        "evaluation", "evaluation", "transition", "transition", "evaluation", "end",
    ]  # fmt: skip
    first, second, off, _, third, end = records
    assert first["losses"].keys() == {"primary", "helper", "nudge"}
    assert first["losses"]["primary"] == run.evaluations[0].losses["primary"] > 0
    assert first["losses"]["nudge"] is None, "what is not finite is null"
    assert first["weights"] == {"helper": 0.7, "nudge": 0.7}
    assert first["learning_rates"] == {"embedding": 0.2, "1": 0.1}
    assert (first["epoch"], first["step"]) == (1, 6)
    assert first["validation"] == {"accuracy": 0.5}
    assert 0 < first["train_seconds"] < second["train_seconds"] < third["train_seconds"]
    assert first["gradient_norm"] > 0
    assert second["validation"] == {"accuracy": None}
    assert off == {"event": "transition", "task": "helper", "epoch": 3, "step": 13}
    assert third["losses"].keys() == {"primary"}
    assert third["weights"] == {"helper": 0.0, "nudge": 0.0}
    assert end == {"event": "end", "stopped": "epochs", "cause": "", "best": 0, "step": 18}


def test_losses_are_means_since_the_evaluation_before() -> None:
    seen: list[float] = []

    class Noting(Regression):
        def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
            loss = super().loss(network, batch)
            seen.append(loss.item())
            return loss

    run = make_trainer(SingleTask(), primary=Noting("primary"), epochs=2, evaluations_per_epoch=3).fit()
    assert [each.step for each in run.evaluations] == [2, 4, 6, 8, 10, 12]
    assert [each.losses["primary"] for each in run.evaluations] == pytest.approx(
        [sum(seen[at : at + 2]) / 2 for at in range(0, 12, 2)]
    )


def test_a_kernel_task_without_a_word_to_learn_in_one_part_keeps_the_mean_of_the_others() -> None:
    class Sparse(Nudge):
        def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
            return float("nan") if epoch_slice.part % 2 else 2.0

    run = make_trainer(MultiTask(), Sparse(), epochs=1).fit()
    assert run.evaluations[0].losses["nudge"] == 2.0


@pytest.mark.parametrize("n_batches", [1, 2, 5, 7])
@pytest.mark.parametrize("per_epoch", [1, 2, 3, 10])
def test_every_evaluation_has_a_gradient_norm_and_each_epoch_ends_with_one(n_batches: int, per_epoch: int) -> None:
    primary = Regression("primary", n_batches=n_batches)
    run = make_trainer(SingleTask(), primary=primary, epochs=4, evaluations_per_epoch=per_epoch).fit()
    assert all(each.gradient_norm > 0 for each in run.evaluations)
    assert {n_batches * epoch for epoch in range(1, 5)} <= {each.step for each in run.evaluations}
    assert len(run.evaluations) == 4 * min(n_batches, per_epoch)


# How it ends


def kept_after(scores: list[float]) -> int:
    """The evaluation whose parameters a run with these validation scores ends with."""
    states: list[dict[str, Tensor]] = []
    network = Shared()
    primary = Regression("primary", scores=scores)
    trainer = make_trainer(
        SingleTask(), network=network, primary=primary, epochs=len(scores),
        on_evaluation=lambda evaluation: states.append(parameters(network)),
    )  # fmt: skip
    run = trainer.fit()
    assert_same_bits(parameters(network), states[run.best])
    return run.best


def test_the_best_parameters_are_restored_the_earliest_of_equals() -> None:
    assert kept_after([0.3, 0.8, 0.5, 0.8, 0.1]) == 1
    assert kept_after([0.5, 0.5]) == 0
    assert kept_after([0.1, 0.2, 0.3]) == 2


def test_of_equals_the_one_of_less_loss_is_kept() -> None:
    @dataclass
    class Measured(Regression):
        def evaluate(self, network: nn.Module) -> Mapping[str, float]:
            accuracy = super().evaluate(network)
            return {**accuracy, "loss": (0.5, 0.4, 0.3, 0.6, 0.1)[self.measured - 1]}

    def best(scores: Sequence[float]) -> int:
        primary = Measured("primary", scores=scores)
        return make_trainer(SingleTask(), primary=primary, epochs=len(scores)).fit().best

    assert best([0.8, 0.8, 0.8, 0.8, 0.2]) == 2
    assert best([0.8, 0.8, 0.8, 0.8, 0.8]) == 4
    assert best([0.2, 0.9, 0.3, 0.8, 0.8]) == 1


@pytest.mark.parametrize("scores", [(), (0.5, 0.9, 0.2)])
def test_with_an_average_it_is_what_is_evaluated_and_kept(scores: Sequence[float]) -> None:
    seen, steps = [], []
    network = Shared()
    trainer = make_trainer(
        SingleTask(), network=network, primary=Regression("primary", scores=scores), average=0.5,
        on_step=lambda progress: steps.append(parameters(network)),
        on_evaluation=lambda evaluation: seen.append(parameters(network)),
    )  # fmt: skip
    trainer.fit()
    expected = steps[0]
    at_epochs = []
    for number, state in enumerate(steps[1:], start=1):
        decay = min(0.5, (1 + number) / (10 + number))
        expected = {name: decay * expected[name] + (1 - decay) * state[name] for name in state}
        if (number + 1) % trainer.primary.n_batches == 0:
            at_epochs.append(expected)
    for found, wanted in zip(seen, at_epochs, strict=True):
        for name, value in wanted.items():
            torch.testing.assert_close(found[name], value)
    kept = at_epochs[1 if scores else -1]
    for name, value in parameters(network).items():
        torch.testing.assert_close(value, kept[name])


def test_a_measure_that_is_no_number_is_never_better() -> None:
    nan = float("nan")
    assert kept_after([nan, 0.2, nan, 0.1]) == 1
    assert kept_after([0.2, nan]) == 0


def test_without_validation_or_selection_the_last_parameters_are_kept() -> None:
    for scores, select in (((), "accuracy"), ((0.9, 0.2, 0.1), None)):
        network, states = Shared(), []
        trainer = make_trainer(
            SingleTask(), network=network, primary=Regression("primary", scores=scores), monitor=select,
            on_evaluation=lambda evaluation, network=network, states=states: states.append(parameters(network)),
        )  # fmt: skip
        assert trainer.fit().best == 2
        assert_same_bits(parameters(network), states[-1])


def test_selecting_by_a_measure_that_is_not_taken_is_refused() -> None:
    with pytest.raises(
        InputError,
        match="monitor names the metric .f1., which .* It reports: .accuracy.",
    ):
        make_trainer(SingleTask(), primary=Regression("primary", scores=[0.5]), monitor="f1").fit()


@pytest.mark.parametrize("per_epoch", [1, 3])
def test_a_converged_primary_ends_the_run_and_says_so(per_epoch: int, tmp_path: Path) -> None:
    run = make_trainer(
        SingleTask(), epochs=50, early_stopping=CheckConvergence(tolerance=1e9, patience=2),
        evaluations_per_epoch=per_epoch, log=tmp_path / "log",
    ).fit()  # fmt: skip
    assert run.stopped == "converged"
    assert len(run.evaluations) == 2
    assert json.loads((tmp_path / "log").read_text().splitlines()[-1])["stopped"] == "converged"


@pytest.mark.parametrize(
    ("strategy", "ended"),
    [
        (Switch(at=4), 5),
        (Switch(at={"helper": 2, "nudge": 4}), 5),
        (Switch(at=20, unit="step"), 5),  # epoch 4 ends with step 24
        (Switch(at=60), 2),  # no transition within the epochs
        (MultiTask(), 2),
        (AdaptiveSwitch(latest=4), 5),
    ],
    ids=repr,
)
def test_convergence_counts_after_a_transition_that_is_to_come(strategy: Strategy, ended: int) -> None:
    run = make_trainer(
        strategy, Regression("helper"), Nudge(), epochs=50, early_stopping=CheckConvergence(tolerance=1e9, patience=2)
    ).fit()
    assert (run.stopped, run.evaluations[-1].epoch) == ("converged", ended)


@pytest.mark.parametrize(("reaches", "ended"), [(True, 5), (False, 2)])
def test_convergence_waits_for_an_own_strategy_that_reaches_single_task(*, reaches: bool, ended: int) -> None:
    seen = 0

    class _OffOnceMeasured(Strategy):
        reaches_single_task = reaches

        def weight_of(self, task: str, t: int) -> float:
            return float(seen < 3)

        def after_evaluation(self, observation: Observation) -> None:
            nonlocal seen
            seen += 1

    stopping = CheckConvergence(tolerance=1e9, patience=2)
    run = make_trainer(_OffOnceMeasured(), Regression("helper"), epochs=50, early_stopping=stopping).fit()
    assert (run.stopped, run.evaluations[-1].epoch) == ("converged", ended)


@pytest.mark.parametrize(("keep_after", "kept"), [(False, 1), (True, 4)])
def test_the_best_after_the_transition_is_kept_when_asked_for(*, keep_after: bool, kept: int) -> None:
    primary = Regression("primary", scores=[0.9, 0.8, 0.5, 0.7, 0.6])
    trainer = make_trainer(
        Switch(at=3),
        Regression("helper"),
        primary=primary,
        epochs=5,
        transition=TransitionActions(keep_after=keep_after),
    )
    run = trainer.fit()
    assert run.evaluations[run.best].epoch == kept
    assert run.kept_single_task == keep_after


def test_without_a_transition_the_best_of_all_is_kept() -> None:
    primary = Regression("primary", scores=[0.5, 0.9, 0.5])
    run = make_trainer(
        MultiTask(), Regression("helper"), primary=primary, transition=TransitionActions(keep_after=True)
    ).fit()
    assert (run.best, run.kept_single_task) == (1, False)


def test_a_primary_that_has_not_converged_runs_all_epochs() -> None:
    run = make_trainer(SingleTask(), early_stopping=CheckConvergence(tolerance=1e-12)).fit()
    assert (run.stopped, len(run.evaluations), run.steps) == ("epochs", 3, 18)


def test_stop_ends_the_run_after_the_current_step_with_the_current_parameters() -> None:
    primary = Regression("primary", scores=[0.9, 0.1, 0.1])
    trainer = make_trainer(SingleTask(), primary=primary)
    trainer.callbacks.append(StopAfter(10))
    run = trainer.fit()
    assert run.stopped == "interrupted"
    assert trainer.progress.step == 10
    assert trainer.best_parameters is not None
    assert not torch.equal(trainer.best_parameters["embedding.weight"], trainer.module.state_dict()["embedding.weight"])


def test_stop_before_the_first_step_is_not_lost_and_holds_for_one_fit() -> None:
    trainer = make_trainer(SingleTask())
    trainer.stop()
    assert trainer.fit().stopped == "interrupted"
    assert trainer.progress.step == 0
    assert trainer.fit().stopped == "epochs"
    assert trainer.progress.step == 18


def test_the_network_trains_in_training_mode_again_after_each_evaluation() -> None:
    modes: list[bool] = []

    class Measuring(Regression):
        def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
            modes.append(network.training)
            return super().loss(network, batch)

    network = Shared()
    network.eval()
    make_trainer(SingleTask(), network=network, primary=Measuring("primary")).fit()
    assert all(modes)


def test_an_adaptive_strategy_hears_every_evaluation_and_acts_on_it() -> None:
    class OffWhenGood(MultiTask):
        on = True

        def weight_of(self, task: str, t: int) -> float:
            return super().weight_of(task, t) if self.on else 0.0

        def after_evaluation(self, observation: Any) -> None:
            self.on = observation.metrics["accuracy"] < 0.7

    helper = Regression("helper")
    run = make_trainer(OffWhenGood(), helper, primary=Regression("primary", scores=[0.5, 0.8, 0.9])).fit()
    assert helper.drawn == 12
    assert [(each.task, each.epoch) for each in run.transitions] == [("helper", 3)]


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, found 0"),
        ({"evaluations_per_epoch": 0}, "evaluations_per_epoch must be a whole number of at least 1, found 0"),
        ({"epochs": 2.5}, "epochs must be a whole number of at least 1, found 2.5"),
        ({"epochs": True}, "epochs must be a whole number of at least 1, found True"),
        ({"epochs": float("nan")}, "epochs must be a whole number of at least 1, found nan"),
        ({"seed": -1}, "seed must be a whole number of at least 0, found -1"),
        ({"seed": 1.5}, "seed must be a whole number of at least 0, found 1.5"),
        ({"clip_norm": 0}, "clip_norm must be a finite number above 0, found 0"),
        ({"clip_norm": float("nan")}, "clip_norm must be a finite number above 0, found nan"),
        ({"average": "0.9"}, "must be above 0 and below 1, found '0.9'"),
        ({"average": float("nan")}, "must be above 0 and below 1, found nan"),
        ({"monitor": 3}, "monitor must be the name of a metric, 'auto' or None, found 3"),
        (
            {"callbacks": [Following]},
            r"must be objects of mt2st.training.Callback, found <class .*: write Following\(\)",
        ),
        ({"callbacks": [print]}, "must be objects of mt2st.training.Callback, found <built-in function print>$"),
        ({"optimizer": "adam"}, "optimizer must be an object of torch's Optimizer, found 'adam'"),
        ({"network": "net", "optimizer": torch.optim.SGD([torch.zeros(1)])}, "of torch's Module, found 'net'"),
        ({"primary": Regression("my.task")}, "letters, digits, underscores and hyphens only, found 'my.task'"),
        ({"primary": Regression("")}, "letters, digits, underscores and hyphens only, found ''"),
        ({"primary": Regression("primary", n_batches=0)}, "'primary' has no data: it has no batch"),
        ({"primary": Regression("helper")}, "an auxiliary task has the primary task's name 'helper'"),
    ],
)
def test_arguments_out_of_range_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_trainer(MultiTask(), Regression("helper"), **options)


def test_two_auxiliaries_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="different names"):
        make_trainer(MultiTask(), Regression("helper"), Nudge("helper"))


def test_a_strategy_for_another_task_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="unknown task 'helpr'. Did you mean 'helper'"):
        make_trainer(MultiTask({"helpr": 1.0}), Regression("helper"))


def test_an_auxiliary_of_neither_form_is_refused_rather_than_passed_over() -> None:
    class Half:
        name = "half"

        def loss(self, network: nn.Module, batch: Any) -> Tensor:
            return torch.zeros(())

    with pytest.raises(InputError, match="'half' .* is neither: it lacks 'n_batches', 'batches', 'evaluate'"):
        make_trainer(MultiTask(), Half())


def test_a_kernel_task_needs_an_embedding() -> None:
    network = nn.Linear(2, 2)
    with pytest.raises(InputError, match="'nudge' needs the shared embedding .*, which Linear does not have"):
        make_trainer(MultiTask(), Nudge(), network=network)


def test_an_auxiliary_task_without_a_batch_is_named() -> None:
    with pytest.raises(InputError, match="the auxiliary task 'helper' has no data: it gave no batch in epoch 1"):
        make_trainer(MultiTask(), Regression("helper", n_batches=0)).fit()


def test_a_primary_task_that_gives_fewer_batches_than_promised_is_named() -> None:
    class Short(Regression):
        def batches(self, *, epoch: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
            yield next(super().batches(epoch=epoch, seed=seed))

    with pytest.raises(InputError, match="'primary' promised 6 batches an epoch, but gave only 1 in epoch 1"):
        make_trainer(SingleTask(), primary=Short("primary")).fit()


@pytest.mark.parametrize("beside", [False, True])
def test_an_error_in_a_kernel_task_surfaces(beside: bool) -> None:
    class Broken(Nudge):
        def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
            raise InputError("the corpus is gone")

    with pytest.raises(InputError, match="the corpus is gone"):
        make_trainer(MultiTask(), Broken(), parallel_context=beside).fit()


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(("outcome", "step"), [("inf", 1), ("error", 1), ("high", 6)])
def test_a_kernel_task_that_diverges_is_named_with_step_and_rate(outcome: str, step: int, beside: bool) -> None:
    class Diverging(Nudge):
        rate, most_loss = 0.25, 5.0

        def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
            if outcome == "error":
                raise DivergedError("the training of word vectors has diverged")
            return math.inf if outcome == "inf" else 4.0 + epoch_slice.part

    message = rf"the loss of 'nudge' is .* in step {step} \(epoch 1\); choose smaller .*'nudge': 0.25"
    with pytest.raises(DivergedError, match=message):
        make_trainer(MultiTask(), Diverging(), parallel_context=beside, epochs=2).fit()


@pytest.mark.parametrize("beside", [False, True])
def test_denormals_are_flushed_while_training_in_kernel_tasks_too_and_kept_again_after(beside: bool) -> None:
    def flushed() -> bool:
        return bool((torch.tensor([1e-39]) * 1.0 == 0).item())

    seen: list[bool] = []

    class Looking(Nudge):
        def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
            seen.append(flushed())
            return 0.0

    make_trainer(
        MultiTask(), Looking(), parallel_context=beside, epochs=1, on_step=lambda progress: seen.append(flushed())
    ).fit()
    assert seen == [True] * 12
    assert not flushed()


def test_repeated_runs_are_the_same_to_the_bit() -> None:
    states = []
    for _ in range(2):
        trainer = make_trainer(Diminish(), Regression("helper"), Nudge(), network=Shared(dropout=0.4))
        torch.manual_seed(1)
        trainer.fit()
        states.append(parameters(trainer.module))
    assert_same_bits(*states)


def test_the_strategy_given_is_not_changed() -> None:
    strategy = Switch(at=2)
    before = copy.deepcopy(strategy)
    make_trainer(strategy, Regression("helper")).fit()
    assert strategy == before


def test_evaluations_reach_the_listener_in_order() -> None:
    heard: list[Evaluation] = []
    run = make_trainer(SingleTask(), on_evaluation=heard.append).fit()
    assert heard == run.evaluations


# The contract with tasks


def test_evaluation_is_in_evaluation_mode_without_gradients_and_each_module_gets_its_mode_back() -> None:
    seen: list[tuple[bool, bool]] = []

    class Looking(Regression):
        def evaluate(self, network: nn.Module) -> Mapping[str, float]:
            seen.append((network.training, torch.is_grad_enabled()))
            return super().evaluate(network)

    modes: list[tuple[bool, bool]] = []
    network = Shared()

    def freeze_dropout(_: object) -> None:  # as a user does with layers that are to stay in evaluation mode
        modes.append((network.training, network.dropout.training))
        network.dropout.eval()

    make_trainer(SingleTask(), network=network, primary=Looking("primary"), epochs=2, on_step=freeze_dropout).fit()
    assert seen == [(False, False)] * 2
    assert modes == [(True, True)] + [(True, False)] * 11


def test_by_default_the_loss_is_monitored_where_it_is_reported_and_else_the_last_is_kept() -> None:
    class Measured(Regression):
        def evaluate(self, network: nn.Module) -> Mapping[str, float]:
            return {"loss": super().evaluate(network)["accuracy"]}

    with_loss = make_trainer(SingleTask(), primary=Measured("primary", scores=[0.5, 0.3, 0.9]), monitor="auto")
    assert (with_loss.fit().best, with_loss.monitor) == (1, "loss")
    without = make_trainer(SingleTask(), primary=Regression("primary", scores=[0.5, 0.9, 0.3]), monitor="auto")
    assert (without.fit().best, without.monitor) == (2, None)


@pytest.mark.parametrize(
    ("auxiliaries", "message"),
    [
        (Regression("helper"), r"auxiliaries must be a list of tasks, found 'helper' \(Regression\)"),
        ("helper", "auxiliaries must be a list of tasks, found 'helper'"),
        ([object()], "must be a Task or a KernelTask of mt2st.training, but <object .* it lacks 'name', 'n_batches', "),
        (["helper"], "but 'helper' is neither: it lacks 'name', 'n_batches', 'batches', 'loss', 'evaluate'$"),
        ([nn.Linear(1, 1)], r"but Linear\(.*\) is neither: it lacks 'name', 'n_batches'"),
        ([None], "but None is neither"),
    ],
)
def test_auxiliaries_that_are_no_tasks_are_refused_with_what_they_lack(auxiliaries: Any, message: str) -> None:
    network = Shared()
    with pytest.raises(InputError, match=message):
        Trainer(
            network, primary=Regression("primary"), optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
            auxiliaries=auxiliaries, epochs=1,
        )  # fmt: skip


def test_a_primary_that_is_no_task_is_refused() -> None:
    with pytest.raises(InputError, match="the primary task must be a mt2st.training.Task, .* with DataLoaderTask"):
        make_trainer(SingleTask(), primary=Nudge())


# Schedulers


def test_a_scheduler_of_torch_moves_after_each_step() -> None:
    network = Shared()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    rates: list[float] = []
    make_trainer(
        SingleTask(), network=network, optimizer=optimizer, scheduler=scheduler, epochs=1,
        on_step=lambda progress: rates.append(optimizer.param_groups[0]["lr"]),
    ).fit()  # fmt: skip
    assert rates == pytest.approx([0.1 * 0.5**step for step in range(1, 7)])


def test_a_scheduler_and_rates_of_the_transition_exclude_each_other() -> None:
    network = Shared()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    with pytest.raises(InputError, match=r"scheduler and transition\.rates both set the learning rates"):
        make_trainer(
            SingleTask(), network=network, optimizer=optimizer, scheduler=scheduler,
            transition=TransitionActions(LearningRateSchedule()),
        )  # fmt: skip
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.raises(InputError, match=r"ReduceLROnPlateau needs a metric .*LearningRateSchedule\(patience"):
        make_trainer(SingleTask(), network=network, optimizer=optimizer, scheduler=plateau)


# What a user's own parts may return


def test_a_loss_that_is_not_finite_is_the_fault_of_its_own_task() -> None:
    class Broken(Regression):
        def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
            return super().loss(network, batch) * (float("nan") if self.forwards == 2 else 1.0)

    message = r"the loss of 'helper' is nan in step 2 \(epoch 1\); .*a smaller weight of this auxiliary task, or a clip"
    with pytest.raises(InputError, match=message):
        make_trainer(MultiTask(), Broken("helper")).fit()
    with pytest.raises(InputError, match=r"the loss of 'primary' is nan in step 2 \(epoch 1\); .*\}, or a clip_norm"):
        make_trainer(MultiTask(), Regression("helper"), primary=Broken("primary")).fit()


@pytest.mark.parametrize("number", [torch.tensor(0.5), torch.tensor([0.5]), np.float32(0.5), np.array(0.5)])
def test_metrics_losses_and_rates_may_be_of_torch_and_numpy(number: Any, tmp_path: Path) -> None:
    class Own(Regression):
        def evaluate(self, network: nn.Module) -> Mapping[str, float]:
            return {"accuracy": number}

    class Kernel(Nudge):
        rate = np.float32(0.25)

        def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
            return np.float32(super().update(table, weight=weight, epoch_slice=epoch_slice))  # type: ignore[return-value]

    network = Shared()
    optimizer = torch.optim.Adam(network.parameters(), lr=torch.tensor(0.01))
    trainer = make_trainer(
        MultiTask(), Kernel(), primary=Own("primary"), network=network, optimizer=optimizer, log=tmp_path / "log.jsonl"
    )
    evaluation = trainer.fit().evaluations[-1]
    numbers = [*evaluation.validation.values(), *evaluation.losses.values(), *evaluation.learning_rates.values()]
    assert {type(each) for each in numbers} == {float}
    assert evaluation.validation == {"accuracy": 0.5}
    trainer.save(tmp_path / "at")
    first = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert first["validation"] == {"accuracy": 0.5}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, r"evaluate of the task 'primary' must return a mapping .*, or \{\} without validation data; found None"),
        (0.5, "must return a mapping of metrics by name.* found 0.5"),
        ({"accuracy": None}, "the metric 'accuracy' that evaluate of the task 'primary' returns must be a number"),
        ({"accuracy": torch.zeros(2)}, r"must be a number, found tensor\(\[0., 0.\]\)"),
    ],
)
def test_what_is_no_metric_is_named(found: Any, message: str) -> None:
    class Own(Regression):
        def evaluate(self, network: nn.Module) -> Mapping[str, float]:
            return found  # type: ignore[no-any-return]

    with pytest.raises(InputError, match=message):
        make_trainer(SingleTask(), primary=Own("primary")).fit()


def test_a_monitor_is_refused_before_the_training_where_the_task_tells_its_metrics() -> None:
    primary = Regression("primary", scores=[0.5])
    primary.metric_names = ("loss", "accuracy")  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="monitor names the metric 'acuracy'.* Did you mean 'accuracy'"):
        make_trainer(SingleTask(), primary=primary, monitor="acuracy")
    with pytest.raises(InputError, match="the monitor of early_stopping names the metric 'f1', which"):
        make_trainer(SingleTask(), primary=primary, early_stopping=EarlyStopping(monitor="f1"))
    assert primary.drawn == 0
    with pytest.raises(InputError, match="the monitor of early_stopping names the metric 'f1', which"):
        other = Regression("primary", scores=[0.5] * 9)
        make_trainer(SingleTask(), primary=other, early_stopping=EarlyStopping(monitor="f1")).fit()
    assert other.drawn == other.n_batches, "at the first evaluation"


@pytest.mark.parametrize("task", [Regression("my task"), Regression("a/b"), Nudge("a.b"), Nudge("")])
def test_a_name_that_no_module_can_have_is_refused(task: Any) -> None:
    with pytest.raises(InputError, match="a task's name has letters, digits, underscores and hyphens only, found '"):
        make_trainer(MultiTask(), task)
    assert make_trainer(MultiTask(), replace(task, name="word-lists_2")).strategy.auxiliaries == ("word-lists_2",)
