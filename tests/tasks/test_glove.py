from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mt2st.embedding.glove.counting import ENTRY, Cooccurrences, count_cooccurrences
from mt2st.embedding.glove.tables import TargetSource, update
from mt2st.embedding.kernels.glove_training import in_order, order_bits
from mt2st.errors import InputError
from mt2st.tasks import GloveTask
from mt2st.training import EpochSlice, KernelTask

VECTOR_SIZE = 8
WORDS = 22


def planted(folder: Path, n_documents: int = 300, seed: int = 0) -> Cooccurrences:
    """Words 2 to 21 in two groups that seldom meet in a document; 1 is unknown."""
    rng = np.random.default_rng(seed)
    documents = []
    for _ in range(n_documents):
        own = np.r_[1, np.arange(2, 12) + 10 * rng.integers(2)]
        other = np.arange(2, 22)
        length = rng.integers(0, 16)
        documents.append(np.where(rng.random(length) < 0.9, rng.choice(own, length), rng.choice(other, length)))
    counts = np.ones(WORDS, dtype=np.int64)
    counts[:2] = 0
    ids = np.concatenate(documents).astype(np.int32)
    offsets = np.cumsum([0, *map(len, documents)])
    found = count_cooccurrences(ids, offsets, counts, folder=folder, window=4)
    return replace(found, entries=np.array(found.entries))


@pytest.fixture(scope="module")
def cooccurrences(tmp_path_factory: pytest.TempPathFactory) -> Cooccurrences:
    return planted(tmp_path_factory.mktemp("glove"))


def make_table(seed: int = 0) -> Tensor:
    return torch.randn(WORDS, VECTOR_SIZE, generator=torch.Generator().manual_seed(seed)) * 0.1


def whole(epoch: int = 1) -> EpochSlice:
    return EpochSlice(epoch, 0, 1, seed=1)


def loss_on(task: GloveTask, table: Tensor, cooccurrences: Cooccurrences) -> float:
    source = TargetSource(cooccurrences)
    (everything,) = source.slices(0, 0, source.size)
    return update(task.tables(table), everything, rate=0.0).mean_loss


def test_training_on_it_alone_lowers_its_held_out_loss(cooccurrences: Cooccurrences, tmp_path: Path) -> None:
    held_out = planted(tmp_path, seed=1)
    task, table = GloveTask(cooccurrences, VECTOR_SIZE), make_table()
    before = loss_on(task, table, held_out)
    losses = [task.update(table, weight=1.0, epoch_slice=whole(epoch)) for epoch in range(1, 41)]
    assert losses[-1] < 0.1 * losses[0]
    assert loss_on(task, table, held_out) < 0.25 * before
    vectors = torch.nn.functional.normalize(table[2:])
    similarity = vectors @ vectors.T
    same = torch.block_diag(torch.ones(10, 10), torch.ones(10, 10)).bool()
    others = ~torch.eye(20, dtype=torch.bool)
    assert similarity[same & others].mean() > similarity[~same].mean() + 0.2


def test_it_is_a_kernel_task_and_changes_the_table_in_place(cooccurrences: Cooccurrences) -> None:
    task, table = GloveTask(cooccurrences, VECTOR_SIZE), make_table()
    assert isinstance(task, KernelTask)
    before, address = table.clone(), table.data_ptr()
    assert task.update(table, weight=1.0, epoch_slice=whole()) > 0
    assert table.data_ptr() == address
    assert (table[2:] != before[2:]).any(dim=1).all()
    assert torch.equal(table[:2], before[:2]), "padding and unknown words are in no pair"


def test_an_embedding_that_requires_gradients_is_updated_too(cooccurrences: Cooccurrences) -> None:
    embedding = torch.nn.Embedding(WORDS, VECTOR_SIZE, padding_idx=0)
    before = embedding.weight.detach().clone()
    GloveTask(cooccurrences, VECTOR_SIZE).update(embedding.weight, weight=1.0, epoch_slice=whole())
    assert not torch.equal(embedding.weight[2:], before[2:])
    assert embedding.weight.grad is None


def test_half_the_weight_makes_half_the_first_step() -> None:
    single = Cooccurrences(np.array([(3, 4, 5.0)], dtype=ENTRY), WORDS, 0)
    changes = []
    for weight in (1.0, 0.5):
        table = make_table()
        # A pair is two entries, half an epoch each; the sums of squares are 1 before the first.
        GloveTask(single, VECTOR_SIZE).update(table, weight=weight, epoch_slice=EpochSlice(1, 0, 2, 1))
        changes.append(table - make_table())
    assert changes[0].abs().max() > 1e-5
    torch.testing.assert_close(changes[1], changes[0] / 2, atol=1e-8, rtol=1e-3)


def test_weight_zero_changes_nothing(cooccurrences: Cooccurrences) -> None:
    task, table = GloveTask(cooccurrences, VECTOR_SIZE), make_table()
    before = {name: value.clone() for name, value in task.state_dict().items()}
    assert task.update(table, weight=0.0, epoch_slice=whole()) > 0
    assert torch.equal(table, make_table())
    assert all(torch.equal(value, before[name]) for name, value in task.state_dict().items())


def seen(task: GloveTask, epoch_slice: EpochSlice) -> list[int]:
    found = []
    for chosen in task.slices(epoch_slice):
        size = 2 * chosen.targets.size
        bits = order_bits(size)
        found += [int(in_order(number, size, bits, chosen.key)) for number in range(chosen.first, chosen.last)]
    return found


@pytest.mark.parametrize("parts", [1, 3, 7, 1000])
@pytest.mark.parametrize("passes", [1.0, 2.0])
def test_the_parts_of_an_epoch_hold_every_entry_as_often_as_there_are_passes(
    cooccurrences: Cooccurrences, parts: int, passes: float
) -> None:
    task = GloveTask(cooccurrences, VECTOR_SIZE, passes=passes)
    entries = [entry for part in range(parts) for entry in seen(task, EpochSlice(1, part, parts, 1))]
    assert sorted(entries) == sorted(list(range(2 * len(cooccurrences))) * int(passes))


def test_a_fraction_of_a_pass_is_another_part_in_each_epoch(cooccurrences: Cooccurrences) -> None:
    task = GloveTask(cooccurrences, VECTOR_SIZE, passes=0.25)
    epochs = [set(seen(task, whole(epoch))) for epoch in (1, 2)]
    assert [len(epoch) for epoch in epochs] == [round(len(cooccurrences) / 2)] * 2
    assert len(epochs[0] & epochs[1]) < 0.5 * len(epochs[0])


def test_the_same_span_makes_the_same_update_and_other_spans_another(cooccurrences: Cooccurrences) -> None:
    def updated(epoch_slice: EpochSlice) -> bytes:
        table = make_table()
        GloveTask(cooccurrences, VECTOR_SIZE).update(table, weight=1.0, epoch_slice=epoch_slice)
        return table.numpy().tobytes()

    assert updated(EpochSlice(1, 0, 2, 1)) == updated(EpochSlice(1, 0, 2, 1))
    epoch_slices = [EpochSlice(1, 0, 2, 1), EpochSlice(1, 1, 2, 1), EpochSlice(2, 0, 2, 1), EpochSlice(1, 0, 2, 2)]
    assert len({updated(epoch_slice) for epoch_slice in epoch_slices}) == 4


def test_a_part_without_an_entry_has_no_loss() -> None:
    single = Cooccurrences(np.array([(3, 4, 5.0)], dtype=ENTRY), WORDS, 0)
    task, table = GloveTask(single, VECTOR_SIZE), make_table()
    assert np.isnan(task.update(table, weight=1.0, epoch_slice=EpochSlice(1, 0, 5, 1)))
    assert torch.equal(table, make_table())


def test_its_state_makes_another_task_go_on_the_same(cooccurrences: Cooccurrences) -> None:
    task, table = GloveTask(cooccurrences, VECTOR_SIZE), make_table()
    task.update(table, weight=1.0, epoch_slice=whole(1))
    other, copied = GloveTask(cooccurrences, VECTOR_SIZE), table.clone()
    other.update(make_table(1), weight=0.5, epoch_slice=whole(5))
    other.load_state_dict({name: value.clone() for name, value in task.state_dict().items()})
    task.update(table, weight=1.0, epoch_slice=whole(2))
    other.update(copied, weight=1.0, epoch_slice=whole(2))
    assert torch.equal(table, copied)


def test_compiling_leaves_the_task_as_it_was(cooccurrences: Cooccurrences) -> None:
    task = GloveTask(cooccurrences, VECTOR_SIZE)
    before = {name: value.clone() for name, value in task.state_dict().items()}
    task.compile()
    assert all(torch.equal(value, before[name]) for name, value in task.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_it_refuses_memory_that_is_not_float32(cooccurrences: Cooccurrences, dtype: torch.dtype) -> None:
    with pytest.raises(InputError, match=f"float32 memory of the CPU, found {dtype} on cpu"):
        GloveTask(cooccurrences, VECTOR_SIZE).update(make_table().to(dtype), weight=1.0, epoch_slice=whole())


def test_it_refuses_an_embedding_of_another_shape(cooccurrences: Cooccurrences) -> None:
    with pytest.raises(InputError, match=r"made for an embedding of shape \[22, 9\], found \[22, 8\]"):
        GloveTask(cooccurrences, VECTOR_SIZE + 1).update(make_table(), weight=1.0, epoch_slice=whole())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0, found 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number above 0, found nan"),
        ({"passes": 0.0}, "passes must be a number above 0 and at most 4096, found 0.0"),
        ({"passes": float("inf")}, "passes must be a number above 0 and at most 4096, found inf"),
        ({"x_max": -1.0}, "x_max should be greater than 0, found"),
    ],
)
def test_numbers_out_of_range_are_named(cooccurrences: Cooccurrences, setting: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        GloveTask(cooccurrences, VECTOR_SIZE, **setting)  # type: ignore[arg-type]


def test_no_co_occurrences_are_refused() -> None:
    with pytest.raises(InputError, match="no two words"):
        GloveTask(Cooccurrences(np.zeros(0, dtype=ENTRY), WORDS, 0), VECTOR_SIZE)
