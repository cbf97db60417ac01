from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from mt2st.embedding.kernels import KERNELS
from mt2st.errors import InputError
from mt2st.tasks import ContextTask, Texts
from mt2st.tasks.context import document_runs, stream_of
from mt2st.training import EpochSlice, KernelTask

VECTOR_SIZE = 8
METHODS = ["skipgram", "cbow"]


def planted_corpus(n_documents: int = 300, seed: int = 0) -> tuple[Texts, NDArray[np.int64]]:
    """Words 2 to 21 in two groups that never meet in a document; 1 is unknown; some documents are empty."""
    rng = np.random.default_rng(seed)
    documents = [
        rng.choice(np.r_[1, np.arange(2, 12) + 10 * rng.integers(2)], rng.integers(0, 13)) for _ in range(n_documents)
    ]
    ids = np.concatenate(documents).astype(np.int32)
    counts = np.bincount(ids, minlength=22)
    counts[:2] = 0
    return Texts(ids, np.cumsum([0, *map(len, documents)])), counts


def make_task(
    method: str = "skipgram",
    *,
    alpha: float = 0.05,
    passes: float = 1.0,
    min_alpha: float | None = None,
    **kernel: float,
) -> ContextTask:
    texts, counts = planted_corpus()
    made = KERNELS[method](counts, **kernel)
    return ContextTask(texts, made, VECTOR_SIZE, alpha=alpha, passes=passes, min_alpha=min_alpha)


def make_table(seed: int = 0) -> Tensor:
    return torch.randn(22, VECTOR_SIZE, generator=torch.Generator().manual_seed(seed)) * 0.1


def whole(epoch: int = 1) -> EpochSlice:
    return EpochSlice(epoch, 0, 1, seed=1)


documents = st.lists(st.integers(0, 7), min_size=1, max_size=40).filter(any)


@given(documents, st.integers(1, 60), st.integers(1, 9), st.integers(0, 9), st.integers(1, 50))
def test_the_parts_of_one_pass_hold_each_document_exactly_once_however_small_the_pieces(
    lengths: list[int], parts: int, epoch: int, seed: int, piece: int
) -> None:
    with mock.patch("mt2st.tasks.context.PIECE", piece):
        assert times_seen(lengths, parts, 1.0, epoch, seed) == dict.fromkeys(starts(lengths), 1)


@given(documents, st.integers(1, 60), st.integers(2, 4), st.integers(1, 9))
def test_whole_passes_hold_each_document_as_often(lengths: list[int], parts: int, passes: int, epoch: int) -> None:
    assert times_seen(lengths, parts, passes, epoch, 1) == dict.fromkeys(starts(lengths), passes)


@given(documents, st.integers(1, 60), st.floats(0.05, 3.5), st.integers(1, 9))
def test_fractional_passes_differ_by_one_between_documents(
    lengths: list[int], parts: int, passes: float, epoch: int
) -> None:
    seen = times_seen(lengths, parts, passes, epoch, 1)
    counts = {seen.get(start, 0) for start in starts(lengths)}
    laps = round(sum(lengths) * passes) / sum(lengths)
    assert counts <= {int(laps), int(laps) + 1}
    if laps == int(laps):
        assert counts == {int(laps)}


def starts(lengths: list[int]) -> list[int]:
    begins = np.cumsum([0, *lengths])[:-1].tolist()
    return [begin for begin, length in zip(begins, lengths, strict=True) if length]


def times_seen(lengths: list[int], parts: int, passes: float, epoch: int, seed: int) -> dict[int, int]:
    """How often each document with a word, named by its start, is in the runs of an epoch's parts."""
    offsets = np.cumsum([0, *lengths])
    seen: Counter[int] = Counter()
    for part in range(parts):
        for run in document_runs(offsets, EpochSlice(epoch, part, parts, seed), passes):
            assert len(run) >= 2
            seen.update(int(start) for start, stop in pairwise(run) if stop > start)
    return dict(seen)


def test_parts_hold_about_as_many_words_as_each_other() -> None:
    rng = np.random.default_rng(0)
    offsets = np.cumsum([0, *rng.integers(0, 30, 1000)])
    sizes = [
        sum(int(run[-1] - run[0]) for run in document_runs(offsets, EpochSlice(1, part, 20, 1), 1.0))
        for part in range(20)
    ]
    assert max(sizes) - min(sizes) <= 60


def test_a_large_part_comes_in_pieces_of_about_the_same_size() -> None:
    offsets = np.cumsum([0, *np.random.default_rng(0).integers(1, 30, 1000)])
    with mock.patch("mt2st.tasks.context.PIECE", 1000):
        runs = list(document_runs(offsets, whole(), 1.0))
    sizes = [int(run[-1] - run[0]) for run in runs]
    assert sum(sizes) == offsets[-1]
    assert len(sizes) >= offsets[-1] / 1000 - 1
    assert max(sizes) <= 1500


def test_each_epoch_starts_at_another_place() -> None:
    offsets = np.arange(0, 1001, 5)
    firsts = {int(next(document_runs(offsets, EpochSlice(epoch, 0, 50, 1), 1.0))[0]) for epoch in range(1, 9)}
    assert len(firsts) >= 7


def test_every_epoch_part_and_slice_has_its_own_random_stream() -> None:
    streams = [
        stream_of(EpochSlice(epoch, part, 300, 1), number)
        for epoch in range(1, 20)
        for part in range(300)
        for number in range(5)
    ]
    assert len(set(streams)) == len(streams)


@pytest.mark.parametrize("method", METHODS)
def test_it_is_a_kernel_task_and_changes_the_table_in_place(method: str) -> None:
    task, table = make_task(method), make_table()
    assert isinstance(task, KernelTask)
    before, address = table.clone(), table.data_ptr()
    task.outputs[2:] = 0.1
    loss = task.update(table, weight=1.0, epoch_slice=whole())
    assert loss > 0
    assert table.data_ptr() == address
    assert (table[2:] != before[2:]).any(dim=1).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_rows_of_padding_and_of_unknown_words_never_change(method: str) -> None:
    task, table = make_task(method), make_table()
    before = table.clone()
    for epoch in range(1, 6):
        task.update(table, weight=1.0, epoch_slice=whole(epoch))
    assert torch.equal(table[:2], before[:2])
    assert not task.outputs[:2].any()


@pytest.mark.parametrize("method", METHODS)
def test_half_the_weight_makes_half_the_update_of_a_block(method: str) -> None:
    ids = np.array([2, 3, 4, 5, 2, 6], dtype=np.int32)  # fewer words than a block has
    texts = Texts(ids, np.array([0, len(ids)]))
    kernel = KERNELS[method](np.bincount(ids, minlength=22), sample=0)
    changes = []
    for weight in (1.0, 0.5):
        task, table = ContextTask(texts, kernel, VECTOR_SIZE, alpha=0.01), make_table().double().float()
        task.outputs[:] = make_table(1).numpy()
        task.update(table, weight=weight, epoch_slice=whole())
        changes.append((table - make_table(), torch.from_numpy(task.outputs) - make_table(1)))
    for full, half in zip(*changes, strict=True):
        assert full.abs().max() > 1e-4
        torch.testing.assert_close(half, full / 2, atol=1e-7, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_weight_and_learning_rate_are_one_factor(method: str) -> None:
    tables = []
    for alpha, weight in ((0.08, 0.25), (0.02, 1.0)):
        task, table = make_task(method, alpha=alpha), make_table()
        task.update(table, weight=weight, epoch_slice=whole())
        tables.append(table)
    torch.testing.assert_close(tables[0], tables[1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("elapsed", "min_alpha", "rate"), [(0.5, 0.0, 0.02), (0.75, 0.02, 0.025), (0.9, 0.04, 0.04)])
def test_the_learning_rate_falls_evenly_over_the_tasks_time(
    method: str, elapsed: float, min_alpha: float, rate: float
) -> None:
    epoch_slice = replace(whole(), elapsed=(elapsed, elapsed))
    falling, table = make_task(method, alpha=0.04, min_alpha=min_alpha), make_table()
    falling.update(table, weight=1.0, epoch_slice=epoch_slice)
    constant, expected = make_task(method, alpha=rate, min_alpha=rate), make_table()
    constant.update(expected, weight=1.0, epoch_slice=epoch_slice)
    assert not torch.equal(expected, make_table())
    torch.testing.assert_close(table, expected, atol=1e-6, rtol=0)


def test_within_a_step_it_falls_from_slice_to_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task(alpha=0.05, min_alpha=0.01, passes=2.5)
    epoch_slice = EpochSlice(3, 1, 2, seed=1, elapsed=(0.25, 0.75))
    sizes = [int(offsets[-1] - offsets[0]) for offsets in task.slices(epoch_slice)]
    given: list[tuple[float, float]] = []
    update = task.kernel.update
    monkeypatch.setattr(task.kernel, "update", lambda *a, **k: (given.append(k["alpha"]), update(*a, **k))[1])
    task.update(make_table(), weight=1.0, epoch_slice=epoch_slice)
    assert len(sizes) > 1
    assert (given[0][0], given[-1][1], task.rate) == pytest.approx((0.04, 0.02, 0.02))
    assert [before[1] for before in given[:-1]] == [after[0] for after in given[1:]]
    assert [first - last for first, last in given] == pytest.approx([0.02 * size / sum(sizes) for size in sizes])


def test_passes_that_do_not_come_to_a_word_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"1e-09 passes over the [\d,]+ words of the auxiliary task 'context' are not a"
    ):
        make_task(passes=1e-9)


@pytest.mark.parametrize(("alpha", "expected"), [(0.025, 1e-4), (1e-5, 1e-5)])
def test_it_falls_to_word2vecs_least_rate_unless_told_otherwise(alpha: float, expected: float) -> None:
    assert make_task(alpha=alpha).min_alpha == expected


@pytest.mark.parametrize("min_alpha", [-0.1, 0.06, float("nan")])
def test_a_least_rate_out_of_range_is_named(min_alpha: float) -> None:
    with pytest.raises(InputError, match=r"min_alpha must be from 0 to alpha \(0.05\), found"):
        make_task(min_alpha=min_alpha)


@pytest.mark.parametrize("method", METHODS)
def test_weight_zero_changes_nothing(method: str) -> None:
    task, table = make_task(method), make_table()
    task.update(table, weight=0.0, epoch_slice=whole())
    assert torch.equal(table, make_table())


@pytest.mark.parametrize("method", METHODS)
def test_training_lowers_the_loss_and_brings_words_of_one_context_together(method: str) -> None:
    task, table = make_task(method, alpha=0.025, sample=0), make_table()
    losses = [task.update(table, weight=1.0, epoch_slice=whole(epoch)) for epoch in range(1, 16)]
    assert losses[-1] < losses[0] - 0.1
    vectors = torch.nn.functional.normalize(table[2:])
    similarity = vectors @ vectors.T
    same = torch.block_diag(torch.ones(10, 10), torch.ones(10, 10)).bool()
    others = ~torch.eye(20, dtype=torch.bool)
    assert similarity[same & others].mean() > similarity[~same].mean() + 0.5


def test_the_same_span_makes_the_same_update_and_other_spans_another() -> None:
    def updated(epoch_slice: EpochSlice) -> bytes:
        task, table = make_task(), make_table()
        task.outputs[:] = 0.1
        task.update(table, weight=1.0, epoch_slice=epoch_slice)
        return table.numpy().tobytes()

    assert updated(EpochSlice(1, 0, 2, 1)) == updated(EpochSlice(1, 0, 2, 1))
    epoch_slices = [EpochSlice(1, 0, 2, 1), EpochSlice(1, 1, 2, 1), EpochSlice(2, 0, 2, 1)]
    assert len({updated(epoch_slice) for epoch_slice in epoch_slices}) == 3


def test_a_part_without_a_word_to_learn_has_no_loss() -> None:
    ids = np.array([2, 3], dtype=np.int32)
    task = ContextTask(
        Texts(ids, np.array([0, 1, 2])), KERNELS["skipgram"](np.array([0, 0, 1, 1]), sample=0), VECTOR_SIZE
    )
    table = torch.ones(4, VECTOR_SIZE)
    assert np.isnan(task.update(table, weight=1.0, epoch_slice=whole())), "no word has a neighbour"
    assert torch.equal(table, torch.ones(4, VECTOR_SIZE))


def test_its_state_restores_the_output_table() -> None:
    task, other = make_task(), make_task()
    task.update(make_table(), weight=1.0, epoch_slice=whole())
    other.load_state_dict({name: value.clone() for name, value in task.state_dict().items()})
    assert np.array_equal(other.outputs, task.outputs)
    assert task.outputs.any()


def test_compiling_leaves_the_task_as_it_was() -> None:
    task = make_task()
    task.compile()
    assert not task.outputs.any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_it_refuses_memory_that_is_not_float32(dtype: torch.dtype) -> None:
    with pytest.raises(InputError, match=rf"writes into float32 memory, found {dtype} on cpu: train the module there"):
        make_task().update(make_table().to(dtype), weight=1.0, epoch_slice=whole())


@pytest.mark.parametrize("parameter", ["alpha", "passes"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_numbers_out_of_range_are_named(parameter: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{parameter} must be a finite number above 0, found"):
        make_task(**{parameter: value})


@pytest.mark.parametrize("ids", [[], [2, 3]])
def test_texts_without_a_word_are_refused(ids: list[int]) -> None:
    texts = Texts(np.array(ids, dtype=np.int32), np.array([0, 0]))
    with pytest.raises(InputError, match="'context' needs unlabelled text, found none"):
        ContextTask(texts, make_task().kernel, VECTOR_SIZE)


@settings(max_examples=15)
@given(st.integers(1, 40), st.floats(0.1, 2.5))
def test_the_parts_of_an_epoch_train_on_all_its_words(parts: int, passes: float) -> None:
    task, table = make_task(passes=passes), make_table()
    words = 0
    for part in range(parts):
        epoch_slice = EpochSlice(1, part, parts, 1)
        words += sum(int(run[-1] - run[0]) for run in task.slices(epoch_slice))
        task.update(table, weight=1.0, epoch_slice=epoch_slice)
    assert words == pytest.approx(len(task.texts.ids) * passes, abs=26)
