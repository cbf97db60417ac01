"""A training that diverges: it ends, or goes back to its last good state with half the rates."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.following import Following, StopAfter
from tests.training.test_trainer import Nudge, Regression, Shared, make_trainer
from torch import Tensor, nn

from mt2st.embedding.kernels import KERNELS
from mt2st.errors import DivergedError, DivergenceWarning, InputError
from mt2st.models import ModelSettings
from mt2st.models.assembly import check_memory
from mt2st.models.problem_types import Classification
from mt2st.strategy import MultiTask, SingleTask
from mt2st.tasks import ContextTask, Texts
from mt2st.text import Vocabulary
from mt2st.training import CheckpointEvery, EpochSlice, MetricsLog, Trainer
from mt2st.training.trainer import MOST_HALVINGS


class Bounded(Regression):
    """A task that knows what loss no guessing explains, in training and in validation."""

    most_loss = 100.0

    def evaluate(self, network: nn.Module) -> Mapping[str, float]:
        batch = next(Regression.batches(self, epoch=9, seed=9))
        loss = float(self.loss(network, batch))
        return {"accuracy": -loss, "loss": loss}


def too_fast(rate: float = 50.0, **options: Any) -> Trainer:
    network = Shared()
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.5)
    options = {"network": network, "optimizer": optimizer, "primary": Bounded("primary"), "epochs": 6, **options}
    return make_trainer(SingleTask(), **options)


def test_a_network_that_diverges_goes_on_with_half_the_rate_until_it_learns() -> None:
    trainer = too_fast(on_divergence="halve")
    with pytest.warns(DivergenceWarning, match="loss .*is .* in step .*: back to step .* half the rate"):
        run = trainer.fit()
    assert 2 < len(run.halvings) <= MOST_HALVINGS
    assert all(each.halved == ["optimizer"] for each in run.halvings[:5])
    assert [each.epoch for each in run.evaluations] == [1, 2, 3, 4, 5, 6]
    assert run.evaluations[-1].losses["primary"] < 1.0
    rates = {rate for each in run.evaluations for rate in each.learning_rates.values()}
    assert min(rates) == 50.0 / 2 ** len(run.halvings)
    assert trainer.optimizer.param_groups[0]["lr"] == 50.0  # what a schedule sees and sets
    assert all(torch.isfinite(each).all() for each in trainer.module.parameters())


def test_without_being_told_to_a_training_that_diverges_stops() -> None:
    with pytest.raises(DivergedError, match="the training has diverged: the loss of 'primary'"):
        too_fast().fit()


def test_the_number_of_halvings_has_an_end() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(DivergedError, match=f"The rates were halved {MOST_HALVINGS} times"):
            too_fast(rate=1e15, on_divergence="halve").fit()
    assert len(told) == MOST_HALVINGS


def test_what_is_good_is_the_last_evaluation() -> None:
    """The third epoch is poisoned once; its start is gone back to, and the first two are not trained again."""
    poisoned = iter([False, False, True, *[False] * 20])

    class Poisoned(Bounded):
        def batches(self, *, epoch: int, seed: int) -> Any:
            factor = math.inf if next(poisoned) else 1.0
            for number, (ids, targets) in enumerate(super().batches(epoch=epoch, seed=seed)):
                yield ids, targets * (factor if number == 3 else 1.0)

    primary = Poisoned("primary")
    with pytest.warns(DivergenceWarning, match=r"in step 16 \(epoch 3\): back to step 12"):
        run = too_fast(rate=0.01, primary=primary, on_divergence="halve").fit()
    assert [(each.step, each.diverged) for each in run.halvings] == [(12, 16)]
    assert [epoch for epoch, seed in primary.orders if seed != 9] == [1, 2, 3, 3, 4, 5, 6]
    assert [each.step for each in run.evaluations] == [6, 12, 18, 24, 30, 36]


def test_a_context_kernel_that_diverges_is_slowed_down_alone() -> None:
    rng = np.random.default_rng(1)
    texts = Texts(rng.integers(2, 12, 4000).astype(np.int32), np.arange(0, 4001, 20))
    network = Shared()
    context = ContextTask(texts, KERNELS["skipgram"](np.bincount(texts.ids, minlength=12)), 4, alpha=40.0)
    trainer = make_trainer(MultiTask(), context, network=network, epochs=3, on_divergence="halve")
    with pytest.warns(DivergenceWarning, match="the loss of 'context' is .* with half the rate of 'context'"):
        run = trainer.fit()
    assert 1 < len(run.halvings) <= 5
    assert {name for each in run.halvings for name in each.halved} == {"context"}
    factor = run.rate_factor("context")
    assert run.evaluations[0].learning_rates["context"] == pytest.approx(factor * (40 - (40 - 1e-4) / 3))
    assert all(each.losses["context"] <= context.most_loss for each in run.evaluations)


@pytest.mark.parametrize("beside", [False, True])
def test_a_kernel_task_gets_half_the_weight(beside: bool) -> None:
    class Fast(Nudge):
        def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
            super().update(table, weight=weight, epoch_slice=epoch_slice)
            return math.inf if weight > 0.3 else 0.5

    task = Fast()
    with pytest.warns(DivergenceWarning, match="'nudge'"):
        run = make_trainer(MultiTask(), task, parallel_context=beside, epochs=2, on_divergence="halve").fit()
    assert [weight for weight, _ in task.calls[:3]] == [1.0, 0.5, 0.25]
    assert [each.halved for each in run.halvings] == [["nudge"], ["nudge"]]


def test_a_parameter_that_is_not_finite_is_a_divergence_though_no_loss_shows_it() -> None:
    class Breaking(Nudge):
        def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
            table[11, 0] = math.nan if epoch_slice.part == 5 else 0.0  # after the last batch of the epoch, maybe unseen
            return 0.5

    class Unseen(Regression):
        def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
            return super().loss(network, (batch[0] % 11, batch[1]))

    with pytest.raises(DivergedError, match=r"'embedding.weight' is not finite after the update in step 6 \(epoch 1\)"):
        make_trainer(MultiTask(), Breaking(), primary=Unseen("primary"), epochs=2).fit()


def test_no_checkpoint_is_of_a_training_that_has_diverged(tmp_path: Path) -> None:
    """So that a run that ended by a divergence can go on from it with half the rates."""

    def lost(trainer: Trainer, **options: Any) -> Trainer:
        trainer.callbacks.append(CheckpointEvery(tmp_path / "checkpoint", seconds=0.0, resume=True, **options))
        return trainer

    class Late(Bounded):
        def batches(self, *, epoch: int, seed: int) -> Any:
            for ids, targets in super().batches(epoch=epoch, seed=seed):
                yield ids, targets * (1e25 if epoch == 2 else 1.0)

    with pytest.raises(DivergedError):
        lost(too_fast(rate=0.1, primary=Late("primary", n_batches=2), epochs=2)).fit()
    calm = too_fast(rate=0.1, primary=Bounded("primary", n_batches=2), epochs=2, on_divergence="halve")
    steps: list[int] = []
    calm.callbacks.append(Following(lambda progress: steps.append(progress.step)))
    run = lost(calm).fit()
    assert steps[0] in (3, 4)  # the last checkpoint is of the first epoch or a step later
    assert all(math.isfinite(value) for each in run.evaluations for value in each.losses.values())


def test_a_run_with_halved_rates_is_resumed_with_them(tmp_path: Path) -> None:
    whole, stopped, resumed = (too_fast(on_divergence="halve") for _ in range(3))
    stopped.callbacks.append(StopAfter(20))
    for each in (whole, stopped):
        with pytest.warns(DivergenceWarning):
            each.fit()
    stopped.save(tmp_path / "checkpoint")
    resumed.load(tmp_path / "checkpoint")
    resumed.fit()
    assert resumed.run.halvings == whole.run.halvings
    for name, value in whole.module.state_dict().items():
        assert torch.equal(value, resumed.module.state_dict()[name]), name


def test_the_log_has_each_step_once_and_the_halvings(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    trainer = too_fast(rate=3.0, on_divergence="halve", evaluations_per_epoch=2)
    trainer.callbacks.append(MetricsLog(log))
    with pytest.warns(DivergenceWarning):
        run = trainer.fit()
    records = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [each["step"] for each in records if each["event"] == "evaluation"]
    assert steps == sorted(set(steps))
    halvings = [each for each in records if each["event"] == "halving"]
    assert [each["diverged"] for each in halvings] == [each.diverged for each in run.halvings]
    assert json.loads(json.dumps(run.as_dict())) == type(run).from_dict(json.loads(json.dumps(run.as_dict()))).as_dict()


def test_the_state_to_go_back_to_counts_as_memory() -> None:
    vocabulary = Vocabulary.from_counts({f"word{number}": 9 for number in range(3000)})
    heads = {"primary": (Classification(), 2)}
    stop = ModelSettings().with_defaults(of_words=False)
    halve = stop.updated(optimisation__on_divergence="halve")
    most = [check_memory(each, vocabulary, None, heads).total for each in (stop, halve)]
    assert 1.5 * most[0] < most[1] < 2 * most[0]


def test_what_follows_a_divergence_is_one_of_two() -> None:
    with pytest.raises(InputError, match="on_divergence must be one of 'stop', 'halve', found 'hlave'"):
        too_fast(on_divergence="hlave")
