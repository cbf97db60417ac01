from __future__ import annotations

import copy
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

pytest.importorskip("transformers", reason="needs the extra 'hf'")
pytest.importorskip("accelerate", reason="needs the extra 'hf'")

from accelerate import Accelerator, DistributedDataParallelKwargs, DistributedType
from tests.integrations.processes import run_processes
from tests.integrations.strategies import UncertaintySwitch, diminish_until
from tests.integrations.two_heads import (
    TwoHeads,
    Words,
    assert_same,
    masked,
    mean_words_loss,
    model,
    parameters,
    reviews,
    words_loss,
    words_task,
)
from transformers import Trainer, TrainerCallback, TrainingArguments

from mt2st.errors import InputError
from mt2st.integrations.transformers import AuxiliaryDataset, MultiTaskTrainer, StrategyCallback
from mt2st.strategy import (
    DWA,
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

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """The environment as it was: older versions of transformers leave the precision and the compiler of a run there."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def arguments(folder: Path, **settings: Any) -> TrainingArguments:
    plain = {
        "per_device_train_batch_size": 8,
        "num_train_epochs": 2,
        "learning_rate": 0.05,
        "lr_scheduler_type": "constant",
        "optim": "sgd",
        "max_grad_norm": 0.0,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "use_cpu": True,
        "dataloader_pin_memory": False,
    }
    return TrainingArguments(str(folder), **(plain | settings))


def trained(
    folder: Path,
    strategy: str | Strategy,
    module: TwoHeads | None = None,
    *,
    tasks: dict[str, AuxiliaryDataset] | None = None,
    kind: type[MultiTaskTrainer] = MultiTaskTrainer,
    resume: str | None = None,
    callbacks: tuple[TrainerCallback, ...] = (),
    **settings: Any,
) -> MultiTaskTrainer:
    options = {name: settings.pop(name) for name in ("data_collator", "compute_loss_func") if name in settings}
    trainer = kind(
        module or model(),
        arguments(folder, **settings),
        train_dataset=reviews(),
        eval_dataset=reviews(16),
        callbacks=list(callbacks),
        auxiliaries=tasks or {"words": words_task()},
        strategy=strategy,
        **options,
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def logged(trainer: Trainer, name: str) -> list[float]:
    return [each[name] for each in trainer.state.log_history if name in each]


def test_without_an_active_task_it_is_the_trainer_of_transformers(tmp_path: Path) -> None:
    theirs = Trainer(model(), arguments(tmp_path), train_dataset=reviews())
    theirs.train()
    ours = trained(tmp_path, SingleTask())
    assert_same(parameters(theirs.model), parameters(ours.model))
    assert logged(theirs, "loss") == logged(ours, "loss")
    assert logged(ours, "words_weight") == [0.0] * 12


class Spy:
    """torch's own collator, which keeps what it gave."""

    def __init__(self) -> None:
        self.batches: list[Any] = []

    def __call__(self, examples: list[Any]) -> Any:
        self.batches.append(torch.utils.data.default_collate(examples))
        return copy.deepcopy(self.batches[-1])


def test_the_loss_is_the_weighted_sum_of_a_loop_by_hand(tmp_path: Path) -> None:
    primary, auxiliary = Spy(), Spy()
    strategy = Diminish(decay=0.7, unit="step", negligible=0.005)
    task = words_task(collator=auxiliary)
    trainer = trained(
        tmp_path, strategy, model(dropout=0.0), tasks={"words": task}, data_collator=primary, weight_decay=0.0
    )
    module = model(dropout=0.0)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    rest, losses = iter(auxiliary.batches), []
    for step, batch in enumerate(primary.batches, start=1):
        weight = strategy.bind(["words"]).weights(step)["words"]
        loss = module(**batch).loss
        if weight:
            loss = loss + weight * words_loss(module, next(rest))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert next(rest, None) is None, "a batch too many"
    assert 0 < len(auxiliary.batches) < len(primary.batches) == 12
    assert_same(parameters(module), parameters(trainer.model), atol=1e-6)
    assert logged(trainer, "loss") == pytest.approx(losses, abs=1e-4)


@pytest.mark.parametrize("accepts_items", [True, False])
@pytest.mark.parametrize("weigh_primary", [False, True])
def test_accumulated_micro_batches_are_one_large_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accepts_items: bool, weigh_primary: bool
) -> None:
    monkeypatch.setattr(TwoHeads, "accepts_loss_kwargs", accepts_items)
    strategy = UncertaintyWeighting(rate=0.3) if weigh_primary else MultiTask(weight=0.5)
    # The number of labelled words differs between batches, that of texts does not.
    texts = AuxiliaryDataset(reviews(32), None, lambda module, batch: module(**batch).loss)
    tasks = {"words": words_task(), "texts": texts}
    whole = trained(tmp_path, strategy, model(dropout=0.0), tasks=tasks, per_device_train_batch_size=16)
    parts = trained(
        tmp_path,
        strategy,
        model(dropout=0.0),
        tasks=tasks,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
    )
    assert_same(parameters(whole.model), parameters(parts.model), atol=1e-6)
    for name in ("loss", "words_loss", "texts_loss", "primary_loss", "words_weight"):
        assert len(logged(whole, name)) == 6
        assert logged(whole, name) == pytest.approx(logged(parts, name), abs=1e-4), name


def test_a_task_of_weight_0_draws_nothing_and_rests(tmp_path: Path) -> None:
    seen: list[tuple[int, int, bool]] = []
    words = Words()
    module = model()

    class Look(TrainerCallback):
        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            seen.append((state.global_step + 1, len(words.read), module.words.weight.grad is None))

    trainer = trained(
        tmp_path,
        Switch(at=2),
        module,
        tasks={"words": AuxiliaryDataset(words, None, words_loss)},
        callbacks=(Look(),),
        optim="adamw_torch",
        weight_decay=0.1,
    )
    assert seen == [(step, 8 * min(step, 6), step > 6) for step in range(1, 13)]
    assert logged(trainer, "words_weight") == [1.0] * 6 + [0.0] * 6
    assert len(logged(trainer, "words_loss")) == 6
    never = Words()
    trained(tmp_path, Switch(at=1), tasks={"words": AuxiliaryDataset(never, None, words_loss)})
    assert never.read == []


@pytest.mark.parametrize("saved", ["steps", "epoch"])
@pytest.mark.parametrize(
    "strategy", [Diminish(decay=0.1, unit="step"), UncertaintyWeighting(rate=0.3), DWA()], ids=repr
)
def test_a_training_that_goes_on_is_the_undisturbed_one(tmp_path: Path, strategy: Strategy, saved: str) -> None:
    settings = {
        "num_train_epochs": 3,
        "optim": "adamw_torch",
        "learning_rate": 1e-3,
        "save_strategy": saved,
        "save_steps": 5,
        "eval_strategy": "epoch",
    }

    def random_words() -> dict[str, AuxiliaryDataset]:
        return {"words": words_task(collator=masked)}

    whole = trained(tmp_path, strategy, tasks=random_words(), **settings)
    checkpoint = tmp_path / f"checkpoint-{10 if saved == 'steps' else 12}"
    again = trained(tmp_path, strategy, tasks=random_words(), resume=str(checkpoint), **settings)
    assert_same(parameters(whole.model), parameters(again.model))
    for name in ("words_weight", "words_loss", "primary_loss"):
        assert logged(whole, name) == logged(again, name), name
    tasks, other = whole.strategy_callback.tasks, again.strategy_callback.tasks
    assert tasks.state_dict() == other.state_dict()
    states = whole.optimizer.state_dict()["state"], again.optimizer.state_dict()["state"]
    for number, state in states[0].items():
        assert_same(state, states[1][number])


def test_a_second_training_starts_from_the_beginning(tmp_path: Path) -> None:
    module = model()
    start = parameters(module)
    trainer = trained(tmp_path, UncertaintyWeighting(rate=0.3), module)
    first = parameters(module)
    module.load_state_dict(start)
    torch.manual_seed(trainer.args.seed)
    trainer.train()
    assert_same(first, parameters(module))


def test_the_evaluations_guide_an_adaptive_strategy(tmp_path: Path) -> None:
    strategy = AdaptiveSwitch(patience=1, minimum_gain=10.0)
    trainer = trained(tmp_path, strategy, num_train_epochs=4, eval_strategy="epoch")
    weights = logged(trainer, "words_weight")
    decision = trainer.strategy_callback.strategy.decisions[0]
    assert decision.step == 6 * decision.epoch
    assert weights == [1.0] * decision.step + [0.0] * (24 - decision.step)
    assert 0 < decision.step < 24
    trainer.evaluate()  # after the training, it decides nothing
    assert trainer.strategy_callback.strategy.decisions == [decision]


def test_a_primary_that_is_off_is_not_computed(tmp_path: Path) -> None:
    seen: list[bool] = []
    module = model()

    class Look(TrainerCallback):
        def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
            seen.append(module.classifier.weight.grad is None)

    trainer = trained(tmp_path, PretrainFinetune(at=2), module, callbacks=(Look(),))
    assert seen == [True] * 6 + [False] * 6
    assert logged(trainer, "primary_weight") == [0.0] * 6
    assert logged(trainer, "loss")[:6] == pytest.approx(logged(trainer, "words_loss"), abs=1e-4)


def test_mixed_precision_covers_the_auxiliary_tasks(tmp_path: Path) -> None:
    kinds: set[torch.dtype] = set()

    def loss(module: TwoHeads, batch: dict[str, Tensor]) -> Tensor:
        kinds.add(module.words(module.bert(batch["input_ids"]).last_hidden_state).dtype)
        return words_loss(module, batch)

    trainer = trained(tmp_path, MultiTask(), tasks={"words": AuxiliaryDataset(Words(), None, loss)}, bf16=True)
    plain = trained(tmp_path, MultiTask())
    assert kinds == {torch.bfloat16}
    assert logged(trainer, "words_loss") == pytest.approx(logged(plain, "words_loss"), abs=0.02)


@pytest.mark.filterwarnings("ignore")  # of what torch compiles
def test_a_compiled_model_learns_the_same(tmp_path: Path) -> None:
    torch.compiler.reset()
    counters.clear()
    plain = trained(tmp_path, diminish_until(8), model(dropout=0.0))
    compiled = trained(
        tmp_path, diminish_until(8), model(dropout=0.0), torch_compile=True, torch_compile_backend="eager"
    )
    # One of all tasks, one of the primary alone, and one more of BERT itself: none because a weight has changed.
    assert counters["stats"]["unique_graphs"] == 3
    torch.compiler.reset()
    assert_same(parameters(plain.model), parameters(compiled.model), atol=1e-6)
    assert logged(plain, "words_loss") == pytest.approx(logged(compiled, "words_loss"), abs=1e-4)


def two_processes(folder: str, rank: int, settings: dict[str, Any]) -> dict[str, Any]:
    trainer = trained(Path(folder), settings.pop("strategy"), model(dropout=0.0), **settings)
    return {
        "parameters": parameters(trainer.model),
        "logs": {name: logged(trainer, name) for name in ("words_loss", "words_weight", "primary_loss")},
        "read": trainer.auxiliaries["words"].dataset.read,
    }


def test_two_processes_learn_as_one_with_the_same_global_batch(tmp_path: Path) -> None:
    settings = {"strategy": UncertaintySwitch(at=5, rate=0.3), "gradient_accumulation_steps": 2}
    one, *others = run_processes(
        two_processes, str(tmp_path), settings | {"per_device_train_batch_size": 4}, processes=2
    )
    whole = two_processes(str(tmp_path), 0, settings | {"per_device_train_batch_size": 8})
    assert_same(one["parameters"], others[0]["parameters"])
    assert_same(one["parameters"], whole["parameters"], atol=1e-6)
    for name, values in whole["logs"].items():
        assert one["logs"][name] == pytest.approx(values, abs=1e-4), name
    assert set(one["read"][:24]).isdisjoint(others[0]["read"][:24])  # of the first epoch
    assert sorted(one["read"] + others[0]["read"]) == sorted(whole["read"])


class Halved(Trainer):
    """Somebody's own trainer."""

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **more: Any) -> Any:
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **more)
        return (loss / 2, outputs) if return_outputs else loss / 2


class HalvedWithTasks(MultiTaskTrainer, Halved):
    pass


def test_it_adds_tasks_to_a_trainer_of_ones_own(tmp_path: Path) -> None:
    own, plain = (
        trained(tmp_path, MultiTask(), kind=kind, num_train_epochs=1) for kind in (HalvedWithTasks, MultiTaskTrainer)
    )
    first = {name: logged(plain, name)[0] for name in ("primary_loss", "words_loss")}
    assert logged(own, "loss")[0] == pytest.approx(first["primary_loss"] / 2 + first["words_loss"], abs=1e-4)


def test_a_callback_alone_gives_the_weights_to_ones_own_losses(tmp_path: Path) -> None:
    callback = StrategyCallback(Switch(at=2), ["words"])
    words = iter_words()

    class Own(Trainer):
        def compute_loss(self, model: Any, inputs: Any, *rest: Any, **options: Any) -> Any:
            loss = super().compute_loss(model, inputs, *rest, **options)
            for weight in callback.weights.values():
                if weight and model.training:
                    loss = loss + weight * words_loss(model, next(words))
            return loss

    trainer = Own(model(), arguments(tmp_path, save_strategy="epoch"), train_dataset=reviews(), callbacks=[callback])
    trainer.train()
    assert logged(trainer, "words_weight") == [1.0] * 6 + [0.0] * 6
    assert len(list(words)) == 48 - 6
    again = StrategyCallback(Switch(at=2), ["words"])
    later = Trainer(model(), arguments(tmp_path, num_train_epochs=3), train_dataset=reviews(), callbacks=[again])
    later.train(resume_from_checkpoint=str(tmp_path / "checkpoint-6"))
    assert logged(later, "words_weight") == [1.0] * 6 + [0.0] * 12


def iter_words() -> Iterator[dict[str, Tensor]]:
    texts = Words()
    return iter([torch.utils.data.default_collate([texts[number]]) for number in range(len(texts))])


def test_a_model_may_return_a_tuple_or_a_dictionary(tmp_path: Path) -> None:
    first = logged(trained(tmp_path, MultiTask()), "words_loss")
    for kind in (tuple, dict):

        class Other(TwoHeads):
            def forward(self, input_ids: Tensor, labels: Any = None, num_items_in_batch: Any = None) -> Any:
                outputs = super().forward(input_ids, labels, num_items_in_batch)
                return outputs.to_tuple() if self.returns is tuple else dict(outputs)

        module = model()
        module.__class__, module.returns = Other, kind
        assert logged(trained(tmp_path, MultiTask(), module), "words_loss") == first


def test_a_copy_of_a_model_computes_with_its_own_parameters(tmp_path: Path) -> None:
    trainer = trained(tmp_path, MultiTask(), model(dropout=0.0))
    other = copy.deepcopy(trainer.model)
    with torch.no_grad():
        other.classifier.bias += 5
    ids = reviews(2)[0]["input_ids"].unsqueeze(0)
    assert torch.allclose(other(input_ids=ids).logits, trainer.model(input_ids=ids).logits + 5)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    def make(**settings: Any) -> MultiTaskTrainer:
        plain = {"auxiliaries": {"words": words_task()}, "strategy": "switch"}
        return MultiTaskTrainer(model(), arguments(tmp_path), train_dataset=reviews(), **(plain | settings))

    with pytest.raises(InputError, match=r"PCGrad\(\) combines the gradients"):
        make(strategy=PCGrad())
    with pytest.raises(InputError, match="unknown strategy 'swich'. Did you mean 'switch'"):
        make(strategy="swich")
    with pytest.raises(InputError, match="'words' must be an AuxiliaryDataset, found"):
        make(auxiliaries={"words": Words()})
    with pytest.raises(InputError, match="needs a length and indices.*found generator"):
        AuxiliaryDataset(iter_words_generator(), None, words_loss)
    with pytest.raises(InputError, match="no rows"):
        AuxiliaryDataset([], None, words_loss)
    with pytest.raises(InputError, match="batch_size of an auxiliary task must be at least 1, found 0"):
        AuxiliaryDataset([1], None, words_loss, batch_size=0)
    with pytest.raises(InputError, match="the loss of the task 'words' must be one number"):
        trained(tmp_path, MultiTask(), tasks={"words": words_task(loss=lambda module, _: module.words.weight)})


def iter_words_generator() -> Iterator[int]:
    yield 1


def test_parameters_must_be_allowed_to_be_unused_in_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trained(tmp_path, MultiTask(), max_steps=1)
    monkeypatch.setattr(Accelerator, "distributed_type", DistributedType.MULTI_CPU)
    trainer.accelerator.ddp_handler = DistributedDataParallelKwargs(find_unused_parameters=True)
    trainer._make_streams()
    trainer.accelerator.ddp_handler = DistributedDataParallelKwargs(find_unused_parameters=False)
    with pytest.raises(InputError, match=r"need TrainingArguments\(ddp_find_unused_parameters=True\)"):
        trainer._make_streams()


def test_a_checkpoint_of_other_tasks_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, MultiTask(), save_strategy="epoch")
    with pytest.raises(InputError, match=r"has the auxiliary tasks \['words'\], this training has \['other'\]"):
        trained(tmp_path, MultiTask(), tasks={"other": words_task()}, resume=str(tmp_path / "checkpoint-6"))


def test_small_data_make_a_batch_and_an_own_batch_size_counts(tmp_path: Path) -> None:
    words = Words(3)
    trained(tmp_path, MultiTask(), tasks={"words": AuxiliaryDataset(words, None, mean_words_loss)}, max_steps=2)
    assert sorted(words.read) == [0, 0, 1, 1, 2, 2]
    words = Words()
    task = AuxiliaryDataset(words, None, mean_words_loss, batch_size=2)
    trainer = trained(tmp_path, MultiTask(), tasks={"words": task}, max_steps=2)
    assert len(words.read) == 4
    assert math.isfinite(logged(trainer, "words_loss")[0])
