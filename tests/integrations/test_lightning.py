from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, DistributedSampler

pytest.importorskip("lightning", reason="needs the extra 'lightning'")
pytest.importorskip("transformers", reason="needs the extra 'hf', for a model")

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.strategies import DDPStrategy
from tests.integrations.processes import run_processes
from tests.integrations.strategies import UncertaintySwitch
from tests.integrations.two_heads import Words, assert_same, masked, model, parameters, reviews, words_loss, words_task

from mt2st.errors import InputError
from mt2st.integrations.lightning import AuxiliaryDataset, MultiTaskCallback, MultiTaskModule
from mt2st.strategy import (
    AdaptiveSwitch,
    Diminish,
    MultiTask,
    PCGrad,
    PretrainFinetune,
    SingleTask,
    Strategy,
    Switch,
    UncertaintyWeighting,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of loaders without workers, of GPUs, of itself


class Classifier(LightningModule):
    """A module that knows nothing of auxiliary tasks."""

    def __init__(self, *, dropout: float = 0.0, rate: float = 0.05) -> None:
        super().__init__()
        self.model, self.rate = model(dropout=dropout), rate

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor | dict[str, Tensor]:
        loss = self.model(**batch).loss
        self.log("own_loss", loss)
        return loss

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        self.log("val_loss", self.model(**batch).loss)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.rate, momentum=0.5)


def of_model(module: Classifier, batch: dict[str, Tensor]) -> Tensor:
    return words_loss(module.model, batch)


def task(**settings: Any) -> AuxiliaryDataset:
    return words_task(**({"loss": of_model} | settings))


class Logs(Callback):
    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self.rests: list[bool] = []

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        self.steps.append({name: float(value) for name, value in trainer.callback_metrics.items()})

    def on_before_optimizer_step(self, trainer: Any, module: Any, *_: Any) -> None:
        self.rests.append(module.model.words.weight.grad is None)

    def of(self, name: str) -> list[float]:
        return [each[name] for each in self.steps if name in each]


def trained(
    folder: Path,
    strategy: str | Strategy | None,
    module: Classifier | None = None,
    *,
    tasks: dict[str, AuxiliaryDataset] | None = None,
    batch_size: int = 8,
    resume: str | None = None,
    engine: str = "auto",
    sampler: Any = None,
    **settings: Any,
) -> tuple[Classifier, MultiTaskCallback | None, Logs]:
    module, logs = module or Classifier(), Logs()
    own = None if strategy is None else MultiTaskCallback(tasks or {"words": task()}, strategy)
    torch.manual_seed(3)
    plain = {
        "max_epochs": 2,
        "accelerator": "cpu",
        "devices": 1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 1,
        "limit_val_batches": 1,
    }
    callbacks = [each for each in (own, *settings.pop("callbacks", ()), logs) if each is not None]
    trainer = Trainer(default_root_dir=folder, callbacks=callbacks, strategy=engine, **(plain | settings))
    trainer.fit(
        module,
        DataLoader(reviews(), batch_size=batch_size, sampler=sampler),
        DataLoader(reviews(16), batch_size=16),
        ckpt_path=resume,
    )
    return module, own, logs


def test_without_an_active_task_it_is_plain_lightning(tmp_path: Path) -> None:
    theirs, _, their_logs = trained(tmp_path, None, Classifier(dropout=0.1))
    ours, _, logs = trained(tmp_path, SingleTask(), Classifier(dropout=0.1))
    assert_same(parameters(theirs), parameters(ours))
    assert their_logs.of("own_loss") == logs.of("own_loss") == logs.of("primary_loss")
    assert "training_step" not in vars(ours)


@pytest.mark.parametrize("mixin", [False, True])
def test_the_loss_is_the_weighted_sum_of_a_loop_by_hand(tmp_path: Path, mixin: bool) -> None:
    batches: list[Any] = []

    def collator(examples: list[Any]) -> Any:
        batches.append(torch.utils.data.default_collate(examples))
        return batches[-1]

    strategy, tasks = Diminish(decay=0.7, unit="step", negligible=0.005), {"words": task(collator=collator)}

    class Own(MultiTaskModule, Classifier):
        def __init__(self) -> None:
            super().__init__()
            self.auxiliaries, self.strategy = tasks, strategy

    trained_module, _, _ = (
        trained(tmp_path, None, Own()) if mixin else trained(tmp_path, strategy, Classifier(), tasks=tasks)
    )
    module = Classifier()
    optimizer, rest = module.configure_optimizers(), iter(batches)
    for step, batch in enumerate([*DataLoader(reviews(), batch_size=8)] * 2, start=1):
        loss = module.model(**batch).loss
        if weight := strategy.bind(["words"]).weights(step)["words"]:
            loss = loss + weight * of_model(module, next(rest))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert next(rest, None) is None
    assert 0 < len(batches) < 12
    assert_same(parameters(module), parameters(trained_module), atol=1e-5)


def test_accumulated_micro_batches_are_one_large_batch(tmp_path: Path) -> None:
    texts = AuxiliaryDataset(reviews(32), None, lambda module, batch: module.model(**batch).loss)
    whole, one, _ = trained(tmp_path, UncertaintyWeighting(rate=0.3), tasks={"texts": texts}, batch_size=16)
    parts, other, _ = trained(
        tmp_path, UncertaintyWeighting(rate=0.3), tasks={"texts": texts}, batch_size=4, accumulate_grad_batches=4
    )
    assert_same(parameters(whole), parameters(parts), atol=1e-5)
    assert one is not None
    assert other is not None
    assert one.strategy.weights(1) == pytest.approx(other.strategy.weights(1), abs=1e-5)
    assert one.strategy.weights(1) != {"texts": 1.0}


def test_a_task_of_weight_0_draws_nothing_and_rests(tmp_path: Path) -> None:
    words = Words()
    _, _, logs = trained(tmp_path, Switch(at=2), tasks={"words": AuxiliaryDataset(words, None, of_model)})
    assert len(words.read) == 48
    assert logs.rests == [False] * 6 + [True] * 6
    assert logs.of("words_weight") == [1.0] * 6 + [0.0] * 6


@pytest.mark.parametrize("strategy", [UncertaintyWeighting(rate=0.3), AdaptiveSwitch(patience=1, minimum_gain=10.0)])
def test_a_training_that_goes_on_is_the_undisturbed_one(tmp_path: Path, strategy: Strategy) -> None:
    def saving() -> list[Callback]:
        return [ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)]

    settings: dict[str, Any] = {"max_epochs": 4, "enable_checkpointing": True}
    tasks = {"words": task(collator=masked, batch_size=5)}
    whole, one, logs = trained(tmp_path, strategy, tasks=tasks, callbacks=saving(), **settings)
    again, other, more = trained(
        tmp_path, strategy, tasks=tasks, resume=str(tmp_path / "epoch=1.ckpt"), callbacks=saving(), **settings
    )
    assert_same(parameters(whole), parameters(again))
    assert one is not None
    assert other is not None
    assert one.state_dict() == other.state_dict()
    assert logs.of("words_weight")[12:] == more.of("words_weight")
    assert len(more.steps) == 12


def test_the_evaluations_guide_an_adaptive_strategy(tmp_path: Path) -> None:
    _, own, logs = trained(tmp_path, AdaptiveSwitch(patience=1, minimum_gain=10.0), max_epochs=4)
    assert own is not None
    decision = own.strategy.decisions[0]
    assert decision.step == 6 * decision.epoch
    assert 0 < decision.step < 24
    assert logs.of("words_weight") == [1.0] * decision.step + [0.0] * (24 - decision.step)


def test_a_primary_that_is_off_is_not_computed(tmp_path: Path) -> None:
    _, _, logs = trained(tmp_path, PretrainFinetune(at=2))
    assert ["own_loss" in each for each in logs.steps] == [False] * 6 + [True] * 6


def test_a_step_may_return_a_dictionary_and_precision_holds(tmp_path: Path) -> None:
    kinds: set[torch.dtype] = set()

    class Own(Classifier):
        def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> dict[str, Tensor]:
            return {"loss": super().training_step(batch, batch_idx), "more": torch.ones(1)}

    def loss(module: Classifier, batch: dict[str, Tensor]) -> Tensor:
        kinds.add(module.model.words(module.model.bert(batch["input_ids"]).last_hidden_state).dtype)
        return of_model(module, batch)

    _, _, logs = trained(
        tmp_path, MultiTask(), Own(), tasks={"words": AuxiliaryDataset(Words(), None, loss)}, precision="bf16-mixed"
    )
    _, _, plain = trained(tmp_path, MultiTask())
    assert kinds == {torch.bfloat16}
    assert logs.of("words_loss")[0] == pytest.approx(plain.of("words_loss")[0], abs=0.02)


def two_processes(folder: str, rank: int, processes: int) -> dict[str, Any]:
    words = Words()
    module, own, logs = trained(
        Path(folder),
        UncertaintySwitch(at=5, rate=0.3),
        tasks={"words": AuxiliaryDataset(words, None, of_mean)},
        batch_size=16 // processes,
        devices=processes,
        engine="ddp_find_unused_parameters_true" if processes > 1 else "auto",
        sampler=DistributedSampler(reviews(), processes, rank, shuffle=False),  # Lightning's own shuffles
        use_distributed_sampler=False,
    )
    assert own is not None
    return {"parameters": parameters(module), "weights": logs.of("words_weight"), "read": words.read}


def of_mean(module: Classifier, batch: dict[str, Tensor]) -> Tensor:
    """Loss of all words, as many in each batch: a mean over ranks is that of the whole batch."""
    return words_loss(module.model, {"input_ids": batch["input_ids"], "labels": batch["input_ids"]})


def test_two_processes_learn_as_one_with_the_same_global_batch(tmp_path: Path) -> None:
    one, other = run_processes(two_processes, str(tmp_path), 2, processes=2)
    whole = two_processes(str(tmp_path), 0, 1)
    assert_same(one["parameters"], other["parameters"])
    assert_same(one["parameters"], whole["parameters"], atol=1e-6)
    assert one["weights"] == pytest.approx(whole["weights"], abs=1e-5)
    assert set(one["read"][:24]).isdisjoint(other["read"][:24])  # of the first epoch
    assert sorted(one["read"] + other["read"]) == sorted(whole["read"])


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    class ByHand(Classifier):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False

    with pytest.raises(InputError, match="need automatic_optimization = True"):
        trained(tmp_path, "switch", ByHand())
    with pytest.raises(InputError, match="need Trainer.strategy='ddp_find_unused_parameters_true'"):
        MultiTaskCallback({"words": task()}).setup(Trainer(strategy=DDPStrategy()), Classifier(), "fit")
    with pytest.raises(InputError, match=r"PCGrad\(\) combines the gradients"):
        MultiTaskCallback({"words": task()}, PCGrad())
    with pytest.raises(InputError, match="'words' must be an AuxiliaryDataset, found"):
        MultiTaskCallback({"words": Words()})  # type: ignore[dict-item]
