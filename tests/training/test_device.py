from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from mt2st.errors import InputError
from mt2st.strategy import MultiTask
from mt2st.training import DataLoaderTask, Trainer
from mt2st.training.device import device_named, device_of, moved, random_state, seeded, set_random_state

META = torch.device("meta")
DATA = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(torch.arange(8.0).unsqueeze(1), 3 * torch.arange(8.0).unsqueeze(1)), batch_size=4
)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("name", "expected"),
    [("auto", "cuda"), ("cpu", "cpu"), ("cuda", "cuda"), ("cuda:1", "cuda:1"), (torch.device("cuda:0"), "cuda:0")],
)
def test_names_of_devices_that_are_there(name: str, expected: str) -> None:
    assert device_named(name) == torch.device(expected)


def test_without_a_gpu_auto_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_named("auto") == torch.device("cpu")


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("name", ["cuda:2", "mps"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    if torch.backends.mps.is_available():
        pytest.skip("this machine has an Apple GPU")
    with pytest.raises(InputError, match=rf"device '{name}' is not there: torch .* finds cpu, cuda:0, cuda:1 on this"):
        device_named(name)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "", "meta", "CUDA", "cpu:0"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"device: should be 'auto', .*, found '{name}'"):
        device_named(name)


class Pair(NamedTuple):
    ids: Tensor
    name: str


@dataclass(frozen=True)
class Batch:
    ids: Tensor
    weights: Tensor | None = None
    names: list[str] = field(default_factory=list)


@pytest.mark.parametrize(
    "batch",
    [
        torch.ones(2),
        [torch.ones(2), "a", None],
        (torch.ones(2), 1),
        {"x": torch.ones(2), "y": [torch.ones(1)]},
        Pair(torch.ones(2), "a"),
        Batch(torch.ones(2), torch.ones(2), ["a"]),
        Batch(torch.ones(2)),
    ],
)
def test_the_tensors_of_a_batch_are_moved_and_nothing_else_of_it_changes(batch: Any) -> None:
    there = moved(batch, META)
    assert type(there) is type(batch)
    assert str(there) == str(moved(there, META))
    assert "meta" in str(there)
    assert str(there).count("device") == str(batch).count("tensor")
    assert moved(batch, torch.device("cpu")) is batch, "it is there already"


def test_a_batch_without_tensors_stays_as_it_is() -> None:
    batch = {"text": "a", "of": object()}
    assert moved(batch, META) is batch
    assert moved("text", META) == "text"


def test_the_device_of_a_module_is_that_of_its_parameters() -> None:
    assert device_of(nn.Linear(1, 1, device="meta")) == META
    assert device_of(nn.Identity()) == torch.device("cpu")


def test_a_random_state_is_restored_and_a_block_has_a_seed_of_its_own() -> None:
    cpu = torch.device("cpu")
    state, first = random_state(cpu), torch.rand(1)
    with seeded(3, cpu):
        inside = torch.rand(1)
    second = torch.rand(1)
    set_random_state(cpu, state)
    assert torch.equal(torch.rand(1), first)
    assert torch.equal(torch.rand(1), second)
    with seeded(3, cpu):
        assert torch.equal(torch.rand(1), inside)


def trainer(module: nn.Module, seen: list[Any] | None = None, **arguments: Any) -> Trainer:
    def loss(module: nn.Module, batch: Any) -> Tensor:
        if seen is not None:
            seen.append((batch, module(batch[0]).dtype))
        return nn.functional.mse_loss(module(batch[0]).float(), batch[1])

    task = DataLoaderTask("primary", DATA, loss, validation=DATA)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    return Trainer(module, primary=task, optimizer=optimizer, strategy=MultiTask(), epochs=2, **arguments)


def test_a_trainer_moves_its_module_and_keeps_the_optimizers_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    module = nn.Linear(1, 1)
    asked: list[Any] = []
    to = module.to
    monkeypatch.setattr(module, "to", lambda device: (asked.append(device), to(device))[1])
    made = trainer(module, device="cpu")
    before = module.weight.detach().clone()
    made.fit()
    assert asked == [torch.device("cpu")]
    assert not torch.equal(module.weight, before)


class Elsewhere:
    """A task of somebody who does not think of devices."""

    name, n_batches = "primary", 1

    def __init__(self) -> None:
        self.seen: list[torch.device] = []

    def batches(self, *, epoch: int, seed: int) -> Any:
        yield [torch.ones(2, device="meta"), "a"]

    def loss(self, module: nn.Module, batch: Any) -> Tensor:
        self.seen.append(batch[0].device)
        return module.weight.sum()  # type: ignore[union-attr, return-value, operator]

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        return {}


def test_batches_come_to_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch on another device is moved, here from the one that holds no numbers: by a stand-in for the copy."""
    module, task = nn.Linear(1, 1), Elsewhere()
    monkeypatch.setattr("mt2st.training.device.mapped", lambda batch, _: [torch.ones(2), *batch[1:]])
    Trainer(module, primary=task, optimizer=torch.optim.SGD(module.parameters()), epochs=1).fit()
    assert task.seen == [torch.device("cpu")]


def test_a_device_that_is_not_there_and_an_unknown_precision_are_refused() -> None:
    with pytest.raises(InputError, match="device 'cuda:99' is not there"):
        trainer(nn.Linear(1, 1), device="cuda:99")
    with pytest.raises(InputError, match="precision must be 'float32' or 'bfloat16', found 'half'"):
        trainer(nn.Linear(1, 1), precision="half")


def test_in_bfloat16_the_network_computes_in_it_and_its_parameters_stay_float32() -> None:
    module, seen = nn.Linear(1, 1), list[Any]()
    trainer(module, seen, precision="bfloat16").fit()
    assert {dtype for _, dtype in seen} == {torch.bfloat16}
    assert len(seen) == 2 * (2 + 2), "in training and evaluation"
    assert module.weight.dtype == torch.float32
    ordinary: list[Any] = []
    trainer(nn.Linear(1, 1), ordinary).fit()
    assert {dtype for _, dtype in ordinary} == {torch.float32}
    with torch.autocast("cpu", dtype=torch.bfloat16):  # the caller's own
        trainer(nn.Linear(1, 1), ordinary := []).fit()
    assert {dtype for _, dtype in ordinary} == {torch.bfloat16}
