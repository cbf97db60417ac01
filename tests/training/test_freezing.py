# listeners take what the trainer gives them
from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.following import Following, StopAfter
from tests.training.planted import SIZE, Bag, plant
from torch import Tensor, nn
from torch.optim import Optimizer

from mt2st.errors import InputError
from mt2st.strategy import Diminish, SingleTask, Strategy, Switch
from mt2st.training import (
    DimensionFreezing,
    EpochSlice,
    Freeze,
    MetricsLog,
    Run,
    Trainer,
    TransitionActions,
    load_freezes,
    save_freezes,
)


class Push:
    """A kernel task that moves every entry of the table."""

    name = "push"

    def update(self, table: Tensor, *, weight: float, epoch_slice: EpochSlice) -> float:
        table += 0.01 * weight
        return 0.0

    def state_dict(self) -> dict[str, Tensor]:
        return {}

    def load_state_dict(self, state: object) -> None:
        pass


def trained(
    freezing: DimensionFreezing,
    strategy: Strategy,
    *,
    make: Callable[[nn.Module], Optimizer] = lambda network: torch.optim.AdamW(network.parameters(), lr=0.05),
    epochs: int = 5,
    log: Path | None = None,
    average: float | None = None,
    beside: bool = False,
) -> tuple[Run, Bag, list[Tensor]]:
    planted, network = plant(1), Bag(1)
    tables: list[Tensor] = []
    run = Trainer(
        network,
        primary=planted.primary,
        optimizer=make(network),
        strategy=strategy,
        auxiliaries=[planted.helpful, Push()],
        epochs=epochs,
        monitor=None,
        transition=TransitionActions(freezing=freezing),
        callbacks=[
            Following(lambda _: tables.append(network.embedding.weight.detach().clone())),
            *([MetricsLog(log)] if log else []),
        ],
        average=average,
        parallel_context=beside,
    ).fit()
    return run, network, tables


OPTIMIZERS: dict[str, Callable[[nn.Module], Optimizer]] = {
    "momentum": lambda network: torch.optim.SGD(network.parameters(), lr=0.5, momentum=0.9, weight_decay=0.1),
    "Adam": lambda network: torch.optim.Adam(network.parameters(), lr=0.05, weight_decay=0.1),
    "AdamW": lambda network: torch.optim.AdamW(network.parameters(), lr=0.05, weight_decay=0.5),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("at", [None, 2])
def test_frozen_entries_are_bit_identical_ever_after(optimizer: str, at: int | None) -> None:
    freezing = DimensionFreezing(0.5, at=at)  # from epoch 2 on, the kernel and the helpful task still push
    run, _, tables = trained(freezing, Switch(3), make=OPTIMIZERS[optimizer])
    (freeze,) = run.freezes
    assert freeze.epoch == (3 if at is None else 2)
    assert len(freeze.dimensions) == SIZE // 2
    before = tables[freeze.step - 2]
    for table in tables[freeze.step - 1 :]:
        assert torch.equal(table[:, freeze.dimensions], before[:, freeze.dimensions])
    others = [dimension for dimension in range(SIZE) if dimension not in freeze.dimensions]
    assert not torch.equal(tables[-1][:, others], before[:, others])


def test_a_kernel_beside_the_step_moves_no_frozen_entry() -> None:
    run, _, tables = trained(DimensionFreezing(0.5, at=2), Switch(10), beside=True)
    (freeze,) = run.freezes
    for table in tables[freeze.step - 1 :]:
        assert torch.equal(table[:, freeze.dimensions], tables[freeze.step - 2][:, freeze.dimensions])


def test_the_average_of_frozen_entries_is_what_they_are() -> None:
    run, network, tables = trained(DimensionFreezing(0.5), Switch(3), average=0.9)
    frozen = run.freezes[0].dimensions
    assert torch.equal(network.embedding.weight[:, frozen], tables[-1][:, frozen])


def test_fisher_is_the_mean_squared_gradient_over_the_primarys_words() -> None:
    table = nn.Parameter(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]))
    fisher, saliency = DimensionFreezing(0.3, every=1), DimensionFreezing(0.3, relevance="saliency", every=1)
    gradients = [
        torch.tensor([[1.0, 0.0, -2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
        torch.tensor([[0.0, 3.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]),
    ]
    for gradient in gradients:
        table.grad = gradient
        fisher.watch(table)
        saliency.watch(table)
    assert fisher.relevance.tolist() == pytest.approx([2 / 3, 10 / 3, 5 / 3])
    assert saliency.relevance.tolist() == pytest.approx([8 / 3, 14 / 3, 15 / 3])
    assert fisher.update(table, epoch=1, single_task=True) == [0]


def test_relevance_is_measured_every_few_steps_until_all_is_frozen() -> None:
    table = nn.Parameter(torch.ones(1, 4))
    freezing = DimensionFreezing(0.5, at=1, every=3)
    measured = []
    for number in range(1, 8):
        table.grad = torch.full((1, 4), float(number))
        freezing.watch(table)
        measured.append(float(freezing.relevance[0]))
    assert measured == pytest.approx([1, 1, 1, (1 + 16) / 2, (1 + 16) / 2, (1 + 16) / 2, (1 + 16 + 49) / 3])
    assert not freezing.complete
    freezing.update(table, epoch=1, single_task=False)
    assert freezing.complete
    for _ in range(3):
        freezing.watch(table)
    assert float(freezing.relevance[0]) == measured[-1]


def test_a_fraction_that_grows_is_complete_in_its_last_epoch() -> None:
    table = nn.Parameter(torch.ones(1, 4))
    freezing = DimensionFreezing(0.5, at=1, over=2)
    table.grad = torch.ones(1, 4)
    freezing.watch(table)
    states = []
    for epoch in (1, 1, 2, 2, 3):
        freezing.update(table, epoch=epoch, single_task=False)
        states.append((len(freezing.frozen), freezing.complete))
    assert states == [(1, False), (1, False), (2, True), (2, True), (2, True)]


def test_a_threshold_that_nothing_lies_below_is_looked_at_once() -> None:
    table = nn.Parameter(torch.ones(1, 2))
    freezing = DimensionFreezing(threshold=0.5, at=1)
    table.grad = torch.ones(1, 2)
    freezing.watch(table)
    assert freezing.update(table, epoch=1, single_task=False) == []
    assert freezing.complete


def test_relevance_finds_the_dimensions_that_the_classifier_reads() -> None:
    planted, network = plant(2), Bag(2)
    with torch.no_grad():
        network.shared.weight[:, SIZE // 2 :] = 0
    freezing = DimensionFreezing(0.5)
    for batch in planted.primary.batches(epoch=1, seed=1):
        network.zero_grad()
        planted.primary.loss(network, batch).backward()
        freezing.watch(network.embedding.weight)
    new = freezing.update(network.embedding.weight, epoch=1, single_task=True)
    assert sorted(new) == list(range(SIZE // 2, SIZE))
    most = DimensionFreezing(0.5, which="most")
    most.load_state_dict({**freezing.state_dict(), "frozen": [], "kept": None, "began": None, "complete": False})
    assert sorted(most.update(network.embedding.weight, epoch=1, single_task=True)) == list(range(SIZE // 2))


@settings(max_examples=30)
@given(st.floats(0, 1), st.integers(1, 5))
def test_the_fraction_grows_evenly(fraction: float, over: int) -> None:
    table = nn.Parameter(torch.randn(6, 10, generator=torch.Generator().manual_seed(1)))
    freezing = DimensionFreezing(fraction, over=over, at=2)
    table.grad = table.detach().clone()
    freezing.watch(table)
    counts = []
    for epoch in range(1, 9):
        freezing.update(table, epoch=epoch, single_task=False)
        counts.append(len(freezing.frozen))
    assert counts == [round(fraction * 10 * min(1, max(0, epoch - 1) / over)) for epoch in range(1, 9)]
    assert len(set(freezing.frozen)) == len(freezing.frozen)


def test_a_threshold_freezes_what_lies_below_it() -> None:
    table = nn.Parameter(torch.ones(1, 4))
    freezing = DimensionFreezing(threshold=0.5, at=1)
    table.grad = torch.tensor([[0.1, 1.0, 1.0, 0.2]])
    freezing.watch(table)
    assert freezing.update(table, epoch=1, single_task=False) == [0, 3]
    assert freezing.update(table, epoch=2, single_task=False) == []


def test_without_a_transition_nothing_is_frozen() -> None:
    for strategy in (SingleTask(), Diminish(0.0)):
        assert trained(DimensionFreezing(0.5), strategy, epochs=2)[0].freezes == []


def test_what_was_frozen_is_kept_in_the_run_and_the_log(tmp_path: Path) -> None:
    run, _, _ = trained(DimensionFreezing(0.25), Switch(2), log=tmp_path / "log", epochs=3)
    assert len(run.freezes[0].relevance) == SIZE
    assert run.freezes[0].dimensions == torch.tensor(run.freezes[0].relevance).argsort()[:2].tolist()
    assert '"event": "freeze"' in (tmp_path / "log").read_text()
    assert Run.from_dict(copy.deepcopy(run.as_dict())) == run


def test_a_run_with_frozen_dimensions_goes_on_as_if_uninterrupted(tmp_path: Path) -> None:
    def make(stop_after: int | None) -> tuple[Trainer, Bag]:
        planted, network = plant(3), Bag(3)
        trainer = Trainer(
            network, primary=planted.primary, optimizer=torch.optim.Adam(network.parameters(), lr=0.05),
            strategy=Switch(2), auxiliaries=[planted.helpful], epochs=4, average=0.9,
            transition=TransitionActions(freezing=DimensionFreezing(0.6, over=2)),
            callbacks=[StopAfter(stop_after)] if stop_after else [],
        )  # fmt: skip
        return trainer, network

    whole, expected = make(None)
    whole.fit()
    first, _ = make(10)
    first.fit()
    first.save(tmp_path / "at")
    second, found = make(None)
    second.load(tmp_path / "at")
    second.fit()
    assert torch.equal(found.embedding.weight, expected.embedding.weight)
    assert second.run.freezes == whole.run.freezes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either a fraction or a threshold"),
        ({"fraction": 0.5, "threshold": 1.0}, "either a fraction or a threshold"),
        ({"fraction": 1.5}, "fraction must be from 0 to 1, found 1.5"),
        ({"threshold": -1.0}, "threshold must be a finite number of at least 0"),
        ({"fraction": 0.5, "relevance": "luck"}, "relevance must be 'fisher' or 'saliency', found 'luck'"),
        ({"fraction": 0.5, "which": "none"}, "which must be 'least' or 'most', found 'none'"),
        ({"fraction": 0.5, "at": 0}, "at must be a whole number of at least 1, found 0"),
        ({"fraction": 0.5, "every": 0}, "every must be a whole number of at least 1, found 0"),
        ({"threshold": 0.5, "over": 2}, "a threshold freezes at once"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        DimensionFreezing(**arguments)  # type: ignore[arg-type]


# The file

FREEZES = [Freeze(2, 11, [3], [0.4, 0.2, 0.3, 0.1]), Freeze(3, 21, [1], [0.5, 0.2, 0.3, 0.1])]


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    save_freezes(tmp_path / "frozen.json", FREEZES, kept=[3])
    assert load_freezes(tmp_path / "frozen.json") == FREEZES
    assert json.loads((tmp_path / "frozen.json").read_text(encoding="utf-8"))["kept"] == [3]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"freezes": [{"epoch": 1}]}', '{"freezes": 3}'])
def test_a_file_of_something_else_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.json"):
        load_freezes(path)
