from __future__ import annotations

from collections.abc import Iterator

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mt2st import MultiTask, Switch
from mt2st.training import EpochSlice, Trainer
from mt2st.training.flops import FlopMeter, layer_flops

SMALL = st.integers(1, 5)


@settings(max_examples=20)
@given(SMALL, SMALL, SMALL, SMALL)
def test_linear_layers_and_convolutions_as_torch_counts_them(batch: int, length: int, size: int, out: int) -> None:
    for layer, values in (
        (nn.Linear(size, out), torch.zeros(batch, length, size)),
        (nn.Conv1d(size, out, 3, padding="same"), torch.zeros(batch, size, length)),
        (nn.Conv2d(size, out, 3, padding=1, stride=2), torch.zeros(batch, size, length, 5)),
    ):
        with FlopCounterMode(display=False) as counter:
            output = layer(values)
        assert layer_flops(layer, values, output) == counter.get_total_flops()


@settings(max_examples=20)
@given(SMALL, SMALL, SMALL, SMALL)
def test_an_lstm_is_its_cell_at_each_token(batch: int, length: int, size: int, hidden: int) -> None:
    lstm = nn.LSTM(size, hidden, num_layers=2, bidirectional=True, batch_first=True)
    expected = 0
    for width in (size, 2 * hidden):
        cell = nn.LSTMCell(width, hidden)
        with FlopCounterMode(display=False) as counter:
            # the fused cell is not counted; these are its two products
            nn.functional.linear(torch.zeros(batch, width), cell.weight_ih)
            nn.functional.linear(torch.zeros(batch, hidden), cell.weight_hh)
        expected += 2 * length * counter.get_total_flops()
    assert layer_flops(lstm, torch.zeros(batch, length, size)) == expected


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.layer = nn.Linear(4, 3)


class Primary:
    name, n_batches = "primary", 2

    def batches(self, *, epoch: int, seed: int) -> Iterator[Tensor]:
        yield from (torch.tensor([0, 1, 2]), torch.tensor([3]))

    def loss(self, network: Network, batch: Tensor) -> Tensor:
        return network.layer(network.embedding(batch)).square().sum()

    def evaluate(self, network: Network) -> dict[str, float]:
        with torch.no_grad():
            return {"accuracy": -float(network.layer(network.embedding.weight).sum())}


class OnWords(Primary):
    """Three products of vectors of four numbers, forward."""

    name = "words"
    products_outside_layers = True

    def loss(self, network: Network, batch: Tensor) -> Tensor:
        table = network.embedding.weight
        return (table[:1] @ table[1:4].T).sum()


class Kernel:
    name, operations = "kernel", 7.0

    def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
        self.operations += 100
        return 0.0

    def state_dict(self) -> dict[str, Tensor]:
        return {}

    def load_state_dict(self, state: object) -> None:
        pass


def test_steps_count_what_ran_in_them_and_evaluations_nothing() -> None:
    network = Network()
    trainer = Trainer(
        network, primary=Primary(), auxiliaries=[OnWords(), Kernel()], strategy=Switch(2), epochs=2,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.0),
    )  # fmt: skip
    before = [value.clone() for value in network.parameters()]
    meter = FlopMeter()
    meter.on_fit_start(trainer)
    assert all(torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True))
    assert all(value.grad is None for value in network.parameters())
    meter.on_fit_end(trainer)
    trainer.callbacks.append(meter)
    run = trainer.fit()
    products, lookups, updates = 3 * 2 * 4 * 3 * (3 + 1), 2 * 4 * (3 + 1), 12 * (5 * 4 + 4 * 3 + 3) * 2
    primary = products + lookups + updates  # products forward and backward, 4 rows in an epoch, in 2 steps
    words = 3 * 2 * 4 * 3
    assert [each.flops for each in run.evaluations] == [
        primary + 2 * words + 2 * 100,
        2 * primary + 2 * words + 2 * 100,
    ]
    assert run.flops == run.evaluations[-1].flops
    network.zero_grad()
    network.layer(torch.zeros(1, 4))
    meter.on_step_end(trainer)
    assert trainer.progress.flops == run.flops


def test_operations_go_on_from_a_checkpoint() -> None:
    def trained(epochs: int, state: dict[str, object] | None = None) -> Trainer:
        network = Network()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        trainer = Trainer(network, primary=Primary(), strategy=MultiTask(), optimizer=optimizer, epochs=epochs)
        trainer.callbacks.append(FlopMeter())
        if state:
            trainer.load_state_dict(state)
        trainer.fit()
        return trainer

    assert trained(3, trained(1).state_dict()).run.flops == trained(3).run.flops > 0


def test_layers_of_other_kinds_count_as_nothing() -> None:
    assert layer_flops(nn.Tanh(), torch.zeros(3)) == 0
