# ruff: noqa: ARG005  # losses take what their task gives them
from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.following import StopAfter
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler, RandomSampler, TensorDataset

from mt2st.errors import InputError
from mt2st.strategy import Diminish, Switch
from mt2st.training import DataLoaderTask, KernelTask, Task, Trainer

NUMBERS = TensorDataset(torch.arange(10.0).unsqueeze(1))


def no_loss(module: nn.Module, batch: Any) -> Tensor:
    return torch.zeros(())


def order(loader: DataLoader[Any], *, epoch: int = 1, seed: int = 1, name: str = "numbers") -> list[list[float]]:
    return [
        batch[0].flatten().tolist() for batch in DataLoaderTask(name, loader, no_loss).batches(epoch=epoch, seed=seed)
    ]


def test_it_is_a_task_and_no_kernel_task() -> None:
    task = DataLoaderTask("numbers", DataLoader(NUMBERS, batch_size=4), no_loss)
    assert isinstance(task, Task)
    assert not isinstance(task, KernelTask)
    assert task.n_batches == 3


@pytest.mark.parametrize(
    "loader",
    [
        DataLoader(NUMBERS, batch_size=3, shuffle=True),
        DataLoader(NUMBERS, batch_size=3, shuffle=True, generator=torch.Generator()),
        DataLoader(NUMBERS, batch_size=3, sampler=RandomSampler(NUMBERS, generator=torch.Generator())),
        DataLoader(NUMBERS, batch_size=3, sampler=RandomSampler(NUMBERS, replacement=True)),
    ],
    ids=["plain", "loader's generator", "sampler's generator", "with replacement"],
)
def test_the_order_depends_on_name_epoch_and_seed_alone(loader: DataLoader[Any]) -> None:
    torch.manual_seed(1)
    first = order(loader)
    torch.manual_seed(2)
    torch.rand(7)
    assert order(loader) == first
    others = [order(loader, epoch=2), order(loader, seed=2), order(loader, name="others")]
    assert all(each != first for each in others)


def test_each_process_reads_its_share_of_one_order_with_noise_of_its_own() -> None:
    def noisy(examples: list[Any]) -> list[Tensor]:
        return [torch.stack([each[0] for each in examples]), torch.rand(1)]

    def read(rank: int, epoch: int) -> list[list[Tensor]]:
        sampler: DistributedSampler[Any] = DistributedSampler(NUMBERS, 2, rank)
        loader = DataLoader(NUMBERS, batch_size=2, sampler=sampler, collate_fn=noisy)
        return list(DataLoaderTask("numbers", loader, no_loss).batches(epoch=epoch, seed=1))

    orders = [[torch.cat([batch for batch, _ in read(rank, epoch)]) for rank in (0, 1)] for epoch in (1, 2)]
    for shares in orders:
        assert torch.cat(shares).flatten().sort().values.tolist() == list(range(10))
    assert not torch.equal(orders[0][0], orders[1][0])
    noise = {float(each) for rank in (0, 1) for _, each in read(rank, 1)}
    assert len(noise) == 6


class Noisy(Dataset[Tensor]):
    """Adds noise to its examples, as augmentation does."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Tensor:
        return index + torch.rand(1)


def test_transforms_draw_the_same_numbers_again_and_leave_the_trainings_alone() -> None:
    task = DataLoaderTask("noisy", DataLoader(Noisy(), batch_size=2), no_loss)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    drawn = []
    first = []
    for batch in task.batches(epoch=1, seed=1):
        first.append(batch)
        drawn.append(torch.rand(1))
    assert torch.equal(torch.cat(drawn), expected)
    assert torch.equal(torch.cat(list(task.batches(epoch=1, seed=1))), torch.cat(first))
    assert len(torch.cat(first).frac().unique()) == 8


def test_evaluation_weighs_batches_by_their_size_and_reports_metrics() -> None:
    data = TensorDataset(torch.tensor([1.0, 2.0, 6.0]))
    task = DataLoaderTask(
        "mean",
        DataLoader(data, batch_size=2),
        lambda module, batch: batch[0].mean(),
        validation=DataLoader(data, batch_size=2),
        metrics={"largest": lambda module, batch: batch[0].amax()},
    )
    assert task.evaluate(nn.Linear(1, 1)) == pytest.approx({"loss": 3.0, "largest": 10 / 3})
    assert DataLoaderTask("mean", DataLoader(data), no_loss).evaluate(nn.Linear(1, 1)) == {}


@pytest.mark.parametrize(
    "batch", [torch.ones(2), [torch.ones(2), "a"], (torch.ones(2), 1), {"x": torch.ones(2), "y": [torch.ones(1)]}]
)
def test_tensors_of_a_batch_are_moved_to_the_modules_device(batch: Any) -> None:
    seen: list[Any] = []

    def loss(module: nn.Module, batch: Any) -> Tensor:
        seen.append(batch)
        return torch.zeros(())

    task = DataLoaderTask("any", DataLoader(NUMBERS), loss)
    task.loss(nn.Linear(1, 1, device="meta"), batch)
    (moved,) = seen
    first = moved if isinstance(moved, Tensor) else next(iter(moved.values() if isinstance(moved, dict) else moved))
    assert first.device.type == "meta"
    assert type(moved) is type(batch)


def test_a_loader_without_a_length_and_a_metric_named_loss_are_refused() -> None:
    with pytest.raises(
        InputError, match="loader of the task 'mine' must be a DataLoader with a length, found <generator"
    ):
        DataLoaderTask("mine", (each for each in NUMBERS), no_loss)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a metric of the task 'mine' is named 'loss'"):
        DataLoaderTask("mine", DataLoader(NUMBERS), no_loss, metrics={"loss": no_loss})


# Modules of somebody else


class TwoHeads(nn.Module):
    """A user's own module: one shared layer and two heads."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.shared = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Dropout(0.1))
        self.price, self.quality = nn.Linear(16, 1), nn.Linear(16, 1)


def two_heads(**options: Any) -> Trainer:
    module = TwoHeads()
    inputs = torch.randn(96, 5, generator=torch.Generator().manual_seed(7))
    price, quality = inputs[:, :1] - inputs[:, 1:2], inputs[:, :1] + inputs[:, 2:3]

    def task(name: str, targets: Tensor) -> DataLoaderTask:
        def loss(module: nn.Module, batch: list[Tensor]) -> Tensor:
            assert isinstance(module, TwoHeads)
            head = module.price if name == "price" else module.quality
            return nn.functional.mse_loss(head(module.shared(batch[0])), batch[1])

        return DataLoaderTask(
            name,
            DataLoader(TensorDataset(inputs[:64], targets[:64]), batch_size=16, shuffle=True),
            loss,
            validation=DataLoader(TensorDataset(inputs[64:], targets[64:]), batch_size=32),
        )

    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01)
    settings: dict[str, Any] = {"strategy": Switch(at=4), "epochs": 8} | options
    return Trainer(
        module, primary=task("price", price), auxiliaries=[task("quality", quality)], optimizer=optimizer, **settings
    )


def test_a_module_of_two_heads_learns_both_and_then_the_primary_alone() -> None:
    trainer = two_heads()
    run = trainer.fit()
    losses = [each.validation["loss"] for each in run.evaluations]
    assert trainer.monitor == "loss"
    assert run.best == losses.index(min(losses))
    assert losses[-1] < losses[0]
    assert [each.weights["quality"] for each in run.evaluations] == [1.0] * 3 + [0.0] * 5
    assert run.transition_step == 13
    assert all(each.grad is None for each in trainer.module.get_submodule("quality").parameters())


@pytest.mark.parametrize("step", [3, 4, 13, 17])
def test_it_goes_on_from_a_checkpoint_to_the_bit(step: int, tmp_path: Any) -> None:
    def scheduled(**options: Any) -> Trainer:
        trainer = two_heads(strategy=Diminish(), average=0.9, **options)
        trainer.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(trainer.optimizer, T_max=32)
        return trainer

    torch.manual_seed(1)
    whole = scheduled()
    expected = whole.fit()
    torch.manual_seed(1)
    first = scheduled(callbacks=[StopAfter(step)])
    assert first.fit().stopped == "interrupted"
    first.save(tmp_path / "at")
    torch.manual_seed(99)
    second = scheduled()
    second.load(tmp_path / "at")
    run = second.fit()
    for name, value in whole.module.state_dict().items():
        assert torch.equal(second.module.state_dict()[name], value), name
    assert [each.validation for each in run.evaluations] == [each.validation for each in expected.evaluations]
    assert [each.learning_rates for each in run.evaluations] == [each.learning_rates for each in expected.evaluations]


class Vision(nn.Module):
    """Convolutions and two heads: a model without any text."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveMaxPool2d(2), nn.Flatten()
        )
        self.heads = nn.ModuleDict({"side": nn.Linear(32, 2), "brightness": nn.Linear(32, 1)})


def pictures(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Pictures with a bright spot in the left or the right half."""
    generator = torch.Generator().manual_seed(seed)
    images = 0.1 * torch.rand(n, 1, 8, 8, generator=generator)
    sides = torch.randint(2, (n,), generator=generator)
    rows, columns = (torch.randint(size, (n,), generator=generator) for size in (8, 4))
    images[torch.arange(n), 0, rows, columns + 4 * sides] = 1.0
    return images, sides


def test_a_vision_model_without_text_is_trained() -> None:
    def accuracy(module: nn.Module, batch: list[Tensor]) -> Tensor:
        assert isinstance(module, Vision)
        return (module.heads["side"](module.body(batch[0])).argmax(dim=1) == batch[1]).float().mean()

    def side_loss(module: nn.Module, batch: list[Tensor]) -> Tensor:
        assert isinstance(module, Vision)
        return nn.functional.cross_entropy(module.heads["side"](module.body(batch[0])), batch[1])

    def brightness_loss(module: nn.Module, batch: list[Tensor]) -> Tensor:
        assert isinstance(module, Vision)
        predicted = module.heads["brightness"](module.body(batch[0])).squeeze(1)
        return nn.functional.mse_loss(predicted, batch[0].mean(dim=(1, 2, 3)))

    train, test = TensorDataset(*pictures(96, 1)), TensorDataset(*pictures(64, 2))
    loader = DataLoader(train, batch_size=16, shuffle=True)
    side = DataLoaderTask("side", loader, side_loss, DataLoader(test, batch_size=64), {"accuracy": accuracy})
    module = Vision()
    run = Trainer(
        module,
        primary=side,
        auxiliaries=[DataLoaderTask("brightness", loader, brightness_loss)],
        optimizer=torch.optim.Adam(module.parameters(), lr=0.02),
        strategy=Diminish(decay=1.0, negligible=0.05),
        epochs=8,
        monitor="accuracy",
    ).fit()
    assert run.evaluations[run.best].validation["accuracy"] > 0.9
    assert run.transition_step is not None
    assert [each.task for each in run.transitions] == ["brightness"]


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (lambda module, batch: module(batch[0]).mean().item(), "a tensor of torch, found -?[0-9.e-]+: return the loss"),
        (lambda module, batch: module(batch[0]).squeeze(1), r"one number, found shape \[4\]: return its mean"),
        (lambda module, batch: module(batch[0]).mean().detach(), "connected to the module's parameters"),
    ],
    ids=["a number", "one for each row", "without a gradient"],
)
def test_a_loss_that_no_backward_pass_can_start_from_is_refused_with_its_task(loss: Any, told: str) -> None:
    module = nn.Linear(1, 1)
    task = DataLoaderTask("numbers", DataLoader(NUMBERS, batch_size=4), loss)
    trainer = Trainer(module, primary=task, optimizer=torch.optim.SGD(module.parameters(), lr=0.1), epochs=1)
    with pytest.raises(InputError, match=f"the loss of the task 'numbers' must be {told}"):
        trainer.fit()


def test_an_optimizer_of_another_modules_parameters_is_refused_and_one_of_a_part_is_not() -> None:
    task = DataLoaderTask("numbers", DataLoader(NUMBERS, batch_size=4), lambda module, batch: module(batch[0]).mean())
    module, other = nn.Linear(1, 1), nn.Linear(1, 1)
    with pytest.raises(InputError, match="the optimizer has none of the parameters of Linear"):
        Trainer(module, primary=task, optimizer=torch.optim.SGD(other.parameters(), lr=0.1), epochs=1)
    bias = module.bias.item()
    Trainer(module, primary=task, optimizer=torch.optim.SGD([module.weight], lr=0.1), epochs=1).fit()
    assert module.bias.item() == bias
