"""A kernel makes the update that its docstring states: checked against float64 and against torch autograd."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.embedding.kernels.replay import PairBlock, sample_pairs

from mt2st.embedding.kernels import (
    KERNELS,
    CbowKernel,
    CbowSubwordKernel,
    ContextKernel,
    KernelReport,
    SkipGramKernel,
    SkipGramSubwordKernel,
)
from mt2st.embedding.subwords import SubwordRows, SubwordSettings
from mt2st.errors import InputError

WORDS = 60
BUCKET = 90
"""Few, so that words share n-gram rows and some words have one twice."""

NOISE_ALONE = 1.15
"""Growth of the loss of Skip-gram with n-grams on a text without any structure at constant high rates, even word by
word; that of the other kernels falls."""

MakeKernel = Callable[..., ContextKernel]


def skipgram_subwords(counts: NDArray[np.int64], **settings: int | float) -> ContextKernel:
    return SkipGramSubwordKernel(counts, subwords=subwords(len(counts)), **settings)  # type: ignore[arg-type]


def cbow_subwords(counts: NDArray[np.int64], **settings: int | float) -> ContextKernel:
    return CbowSubwordKernel(counts, subwords=subwords(len(counts)), **settings)  # type: ignore[arg-type]


def subwords(n_words: int) -> SubwordRows:
    words = [f"{i:03d}" * (1 + i % 3) for i in range(n_words)]
    return SubwordRows.of(words, SubwordSettings(min_n=3, max_n=4, bucket=BUCKET))


MAKERS = [SkipGramKernel, CbowKernel, skipgram_subwords, cbow_subwords]


class Setting(NamedTuple):
    """A corpus with short, empty, one-word and longer documents; two tables with values that make scores matter."""

    counts: NDArray[np.int64]
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]

    def tables(self, kernel: ContextKernel) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.inputs[: kernel.input_rows].copy(), self.outputs.copy()

    def wide_tables(self, kernel: ContextKernel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.inputs[: kernel.input_rows].astype(float), self.outputs.astype(float)


def setting(size: int = 20, words: int = 1500) -> Setting:
    rng = np.random.default_rng(5)
    ids = rng.integers(0, WORDS, words).astype(np.int32)
    counts = np.bincount(ids, minlength=WORDS)
    counts[:2] = 0
    scale = (2 / size**0.5) ** 0.5  # scores of standard deviation 2
    inputs, outputs = (rng.normal(scale=scale, size=(n, size)).astype(np.float32) for n in (WORDS + BUCKET, WORDS))
    return Setting(counts, ids, np.array([0, 100, 101, 101, 400, words]), inputs, outputs)


def reference_update(block: PairBlock, inputs: NDArray[np.float64], outputs: NDArray[np.float64], rate: float) -> float:
    """One block in float64, pair by pair from the formulas in `ContextKernel`; returns its loss."""
    input_steps, output_steps, loss = np.zeros_like(inputs), np.zeros_like(outputs), 0.0
    for pair, centre in enumerate(block.centres):
        rows = block.contexts[block.context_offsets[pair] : block.context_offsets[pair + 1]]
        mean = inputs[rows].mean(axis=0)
        error = np.zeros_like(mean)
        targets = [(centre, 1.0, 1.0), *((n, -1.0, block.negative_weight) for n in block.negatives[pair])]
        for target, sign, weight in targets:
            score = sign * (mean @ outputs[target])
            loss += weight * np.logaddexp(0, -score)
            pull = weight * sign / (1 + np.exp(score))
            error += pull * outputs[target]
            output_steps[target] += pull * mean
        np.add.at(input_steps, rows, error)
    inputs += rate * input_steps
    outputs += rate * output_steps
    return loss


@pytest.mark.parametrize("size", [1, 16, 20, 100, 130, 300])
@pytest.mark.parametrize("make_kernel", MAKERS)
def test_update_is_block_by_block_gradient_descent(make_kernel: MakeKernel, size: int) -> None:
    s = setting(size)
    kernel = make_kernel(s.counts, window=4, negative=3, sample=1e-2, seed=9)
    inputs, outputs = s.tables(kernel)
    report = kernel.update(inputs, outputs, s.ids, s.offsets, alpha=(0.05, 0.01), weight=0.7, stream=2)
    (wide_inputs, wide_outputs), loss, pairs = s.wide_tables(kernel), 0.0, 0
    for block in sample_pairs(kernel, s.ids, s.offsets, stream=2, rate=0.05 * 0.7):
        rate = (0.05 + block.progress * (0.01 - 0.05)) * 0.7
        loss += reference_update(block, wide_inputs, wide_outputs, rate)
        pairs += block.centres.size
    scale = np.abs(wide_inputs).max()
    np.testing.assert_allclose(inputs, wide_inputs, rtol=0, atol=3e-6 * scale)
    np.testing.assert_allclose(outputs, wide_outputs, rtol=0, atol=3e-6 * scale)
    assert np.abs(inputs - s.inputs[: kernel.input_rows]).max() > 0.05
    assert report.words == s.ids.size
    assert report.pairs == pairs
    assert report.loss == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("block", [1, 13, 28, 32])
@pytest.mark.parametrize("make_kernel", MAKERS)
def test_so_many_centres_as_are_asked_for_are_updated_together_at_least(make_kernel: MakeKernel, block: int) -> None:
    s = setting()
    kernel = make_kernel(s.counts, window=4, negative=3, sample=1e-2, seed=9, block=block)
    (inputs, outputs), (wide_inputs, wide_outputs) = s.tables(kernel), s.wide_tables(kernel)
    report = kernel.update(inputs, outputs, s.ids, s.offsets, alpha=(0.01, 0.01), stream=2)
    blocks = list(sample_pairs(kernel, s.ids, s.offsets, stream=2, rate=0.01))
    for each in blocks:
        reference_update(each, wide_inputs, wide_outputs, 0.01)
    np.testing.assert_allclose(inputs, wide_inputs, rtol=0, atol=1e-5 * np.abs(wide_inputs).max())
    np.testing.assert_allclose(outputs, wide_outputs, rtol=0, atol=1e-5 * np.abs(wide_outputs).max())
    assert len(blocks) == -(-report.kept // max(block, kernel.block_size(0.01)))


def test_a_block_that_is_asked_for_gives_way_to_a_larger_one_where_the_rate_allows() -> None:
    s = setting()
    kernel = SkipGramKernel(s.counts, window=30, block=4)
    walk = kernel.walk(s.ids, s.offsets, 0)
    assert [kernel.plan((rate, 0.0), walk).block for rate in (0.05, 0.01, 0.001)] == [4, 4, 32]
    assert SkipGramKernel(s.counts, window=30).plan((0.05, 0.0), walk).block == 1


@pytest.mark.parametrize("make_kernel", MAKERS)
def test_torch_autograd_makes_the_same_update_on_the_same_pairs(make_kernel: MakeKernel) -> None:
    s = setting(size=32)
    kernel = make_kernel(s.counts, window=3, seed=4)
    inputs, outputs = s.tables(kernel)
    kernel.update(inputs, outputs, s.ids, s.offsets, alpha=(0.03, 0.03), weight=0.5, stream=1)
    torch_inputs, torch_outputs = (torch.tensor(t, requires_grad=True) for t in s.tables(kernel))
    optimizer = torch.optim.SGD([torch_inputs, torch_outputs], lr=0.03)
    for block in sample_pairs(kernel, s.ids, s.offsets, stream=1, rate=0.03 * 0.5):
        if not block.centres.size:
            continue
        rows, starts = torch.from_numpy(block.contexts), torch.from_numpy(block.context_offsets[:-1])
        total, mean = (torch.nn.functional.embedding_bag(rows, torch_inputs, starts, mode=m) for m in ("sum", "mean"))
        hidden = mean.detach() + total - total.detach()  # word2vec's CBOW does not divide the error (see CbowKernel)
        attracted = (hidden * torch_outputs[torch.from_numpy(block.centres)]).sum(dim=1)
        repelled = torch.einsum("pd,pnd->pn", hidden, torch_outputs[torch.from_numpy(block.negatives)])
        softplus = torch.nn.functional.softplus
        loss = softplus(-attracted).sum() + block.negative_weight * softplus(repelled).sum()
        optimizer.zero_grad()
        (0.5 * loss).backward()
        optimizer.step()
    np.testing.assert_allclose(inputs, torch_inputs.detach().numpy(), rtol=0, atol=2e-6)
    np.testing.assert_allclose(outputs, torch_outputs.detach().numpy(), rtol=0, atol=2e-6)


@pytest.mark.parametrize("make_kernel", MAKERS)
@pytest.mark.parametrize("window", [1, 5, 50])
def test_windows_narrower_and_wider_than_a_block(make_kernel: MakeKernel, window: int) -> None:
    s = setting(size=8, words=450)
    kernel = make_kernel(s.counts, window=window, sample=0)
    inputs, outputs = s.tables(kernel)
    kernel.update(inputs, outputs, s.ids, s.offsets, alpha=(0.002, 0.002), stream=0)
    wide_inputs, wide_outputs = s.wide_tables(kernel)
    for block in sample_pairs(kernel, s.ids, s.offsets, stream=0, rate=0.002):
        reference_update(block, wide_inputs, wide_outputs, 0.002)
    np.testing.assert_allclose(inputs, wide_inputs, rtol=0, atol=1e-5)
    np.testing.assert_allclose(outputs, wide_outputs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("make_kernel", MAKERS)
def test_noise_counts_as_the_asked_number_of_words(make_kernel: MakeKernel) -> None:
    s = setting()
    for negative in (1, 5, 20):
        for block in sample_pairs(make_kernel(s.counts, negative=negative), s.ids, s.offsets, stream=0):
            assert block.negatives.shape[1] * block.negative_weight == pytest.approx(negative)


@pytest.mark.parametrize("make_kernel", MAKERS)
def test_one_call_is_bitwise_repeatable_and_another_stream_or_seed_is_not_the_same(
    make_kernel: MakeKernel,
) -> None:
    s = setting()

    def trained(seed: int, stream: int) -> bytes:
        kernel = make_kernel(s.counts, seed=seed)
        inputs, outputs = s.tables(kernel)
        kernel.update(inputs, outputs, s.ids, s.offsets, alpha=(0.025, 0.01), stream=stream)
        return inputs.tobytes() + outputs.tobytes()

    assert trained(1, 0) == trained(1, 0)
    assert len({trained(1, 0), trained(1, 1), trained(2, 0)}) == 3


@pytest.mark.parametrize("make_kernel", MAKERS)
def test_specials_are_never_trained_and_weight_0_changes_nothing(make_kernel: MakeKernel) -> None:
    s = setting()
    kernel = make_kernel(s.counts)
    inputs, outputs = s.tables(kernel)
    kernel.update(inputs, outputs, s.ids, s.offsets, alpha=(0.05, 0.05), weight=0.0, stream=0)
    np.testing.assert_array_equal(inputs, s.inputs[: kernel.input_rows])
    np.testing.assert_array_equal(outputs, s.outputs)
    kernel.update(inputs, outputs, s.ids, s.offsets, alpha=(0.05, 0.05), stream=0)
    np.testing.assert_array_equal(inputs[:2], s.inputs[:2])
    np.testing.assert_array_equal(outputs[:2], s.outputs[:2])
    assert (inputs[2:WORDS] != s.inputs[2:WORDS]).any(axis=1).all()


@pytest.mark.parametrize("make_kernel", MAKERS)
def test_a_slice_of_a_memory_mapped_corpus_trains_like_the_same_words_alone(
    make_kernel: MakeKernel, tmp_path: Path
) -> None:
    s = setting()
    np.save(tmp_path / "ids.npy", s.ids)
    mapped = np.load(tmp_path / "ids.npy", mmap_mode="r")
    kernel = make_kernel(s.counts)
    sliced, alone = s.tables(kernel), s.tables(kernel)
    first = kernel.update(*sliced, mapped, s.offsets[3:], alpha=(0.02, 0.01), stream=5)
    second = kernel.update(*alone, s.ids[101:].copy(), s.offsets[3:] - 101, alpha=(0.02, 0.01), stream=5)
    assert first == second
    for a, b in zip(sliced, alone, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make_kernel", MAKERS)
def test_torch_sees_the_update_in_its_own_memory(make_kernel: MakeKernel) -> None:
    s = setting()
    kernel = make_kernel(s.counts)
    inputs, outputs = s.tables(kernel)
    embedding = torch.nn.Embedding.from_pretrained(torch.from_numpy(inputs.copy()), freeze=False)
    kernel.update(embedding.weight.data.numpy(), outputs, s.ids, s.offsets, alpha=(0.05, 0.05), stream=0)
    assert not torch.equal(embedding.weight.data, torch.from_numpy(inputs))


@pytest.mark.parametrize("make_kernel", MAKERS)
def test_threads_may_share_the_tables(make_kernel: MakeKernel) -> None:
    s = setting(words=20_000)
    kernel = make_kernel(s.counts)
    inputs, outputs = s.tables(kernel)
    with ThreadPoolExecutor(2) as pool:
        reports = list(
            pool.map(
                lambda stream: kernel.update(inputs, outputs, s.ids, s.offsets, alpha=(0.02, 0.02), stream=stream),
                range(6),
            )
        )
    assert np.isfinite(inputs).all()
    assert sum(reports, KernelReport()).words == 6 * 20_000
    assert reports[-1].mean_loss < reports[0].mean_loss


@pytest.mark.parametrize("make_kernel", MAKERS)
@pytest.mark.parametrize("offsets", [[0], [5, 5], [0, 1, 2, 3]])
def test_slices_without_pairs_do_nothing(make_kernel: MakeKernel, offsets: list[int]) -> None:
    s = setting()
    kernel = make_kernel(s.counts, sample=0)
    inputs, outputs = s.tables(kernel)
    report = kernel.update(inputs, outputs, s.ids, np.array(offsets), alpha=(0.1, 0.1), stream=0)
    np.testing.assert_array_equal(inputs, s.inputs[: kernel.input_rows])
    np.testing.assert_array_equal(outputs, s.outputs)
    assert (report.pairs, report.words) == (0, offsets[-1] - offsets[0])
    assert report.loss == pytest.approx(0, abs=1e-5)
    nothing = np.zeros_like(inputs)  # where the least rounding would show
    kernel.update(nothing, outputs, s.ids, np.array(offsets), alpha=(0.1, 0.1), stream=0)
    assert not nothing.any()


@pytest.mark.parametrize("make_kernel", MAKERS)
def test_an_id_outside_the_vocabulary_is_named(make_kernel: MakeKernel) -> None:
    s = setting()
    kernel = make_kernel(s.counts)
    for wrong in (WORDS, -1):
        ids = s.ids.copy()
        ids[250] = wrong
        with pytest.raises(InputError, match=rf"ids\[250\] \(document 3 of the slice\).*found {wrong}"):
            kernel.update(*s.tables(kernel), ids, s.offsets, alpha=(0.1, 0.1), stream=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": np.zeros((WORDS, 4))}, "inputs must be a C-contiguous float32"),
        ({"outputs": np.zeros((WORDS, 40), np.float32)[:, ::2]}, "outputs must be a C-contiguous float32"),
        ({"outputs": np.zeros((WORDS, 7), np.float32)}, r"\[60, 20\] and \[60, 7\]"),
        ({"ids": np.zeros(2000, np.int64)}, "ids must be a contiguous int32"),
        ({"offsets": np.array([0, 5], np.int32)}, "offsets must be int64"),
        ({"offsets": np.array([5, 3])}, "offsets must not decrease"),
        ({"offsets": np.array([0, 9999])}, r"offsets must lie in \[0, 1500\]; found 0 to 9999"),
        ({"offsets": np.array([-2, 3])}, "offsets must lie in"),
        ({"alpha": (0.1, float("nan"))}, "alpha must be finite and at least 0; found nan"),
        ({"weight": -0.5}, "weight must be finite and at least 0; found -0.5"),
    ],
)
def test_wrong_arguments_are_refused_by_name_and_nothing_is_trained(change: dict[str, object], message: str) -> None:
    s = setting()
    kernel = SkipGramKernel(s.counts)
    inputs, outputs = s.tables(kernel)
    arguments = {"inputs": inputs, "outputs": outputs, "ids": s.ids, "offsets": s.offsets, "alpha": (0.1, 0.1)}
    with pytest.raises(InputError, match=message):
        kernel.update(**{**arguments, **change}, stream=0)  # type: ignore[arg-type]
    np.testing.assert_array_equal(inputs, s.inputs[:WORDS])


def test_tables_must_be_two_and_writeable() -> None:
    s = setting()
    kernel = SkipGramKernel(s.counts)
    inputs, outputs = s.tables(kernel)
    with pytest.raises(InputError, match="overlapping"):
        kernel.update(inputs, inputs, s.ids, s.offsets, alpha=(0.1, 0.1), stream=0)
    frozen = inputs.copy()
    frozen.flags.writeable = False
    with pytest.raises(InputError, match="writeable"):
        kernel.update(frozen, outputs, s.ids, s.offsets, alpha=(0.1, 0.1), stream=0)


@pytest.mark.parametrize(
    ("setting_", "message"),
    [
        ({"window": 0}, "window should be greater than or equal to 1, found 0"),
        ({"window": 2.5}, "window should be a valid integer, found 2.5"),
        ({"negative": 0}, "negative should be greater than or equal to 1, found 0"),
        ({"sample": 1.0}, "sample should be less than 1, found 1.0"),
        ({"sample": float("nan")}, "sample should be .* found nan"),
        ({"negative": 1_000_000_000}, "negative should be less than or equal to 100, found 1000000000"),
        ({"ns_exponent": float("inf")}, "ns_exponent should be less than or equal to 5, found inf"),
        ({"ns_exponent": 1000}, "ns_exponent should be less than or equal to 5, found 1000"),
        ({"block": 0}, "block should be greater than or equal to 1, found 0"),
        ({"block": 33}, "block should be less than or equal to 32, found 33"),
        ({"ns_exponent": -1000}, "ns_exponent should be greater than or equal to -5, found -1000"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting_: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SkipGramKernel(np.array([0, 0, 1]), **setting_)  # type: ignore[arg-type]


def test_counts_must_be_one_non_negative_number_per_word() -> None:
    for counts in (np.array([[1, 2]]), np.array([1, -1])):
        with pytest.raises(InputError, match="counts must be"):
            SkipGramKernel(counts)


def test_kernels_are_found_by_the_name_of_their_method() -> None:
    counts = np.array([0, 0, 3, 4])
    assert isinstance(KERNELS["skipgram-fasttext"](counts, subwords=subwords(4)), SkipGramSubwordKernel)
    assert isinstance(KERNELS["cbow-fasttext"](counts, subwords=subwords(4)), CbowSubwordKernel)
    assert isinstance(KERNELS["cbow"](counts), CbowKernel)
    assert KERNELS["skipgram"](counts, window=2, seed=7).window == 2


def test_subwords_are_asked_for_where_they_are_needed_and_only_there() -> None:
    counts = np.array([0, 0, 3, 4])
    for method, rows in (("skipgram-fasttext", None), ("cbow", subwords(4))):
        with pytest.raises(InputError, match=f"subwords are for the -fasttext methods; found '{method}'"):
            KERNELS[method](counts, subwords=rows)
    with pytest.raises(InputError, match="rows of the 4 words of counts; found 3"):
        KERNELS["cbow-fasttext"](counts, subwords=subwords(3))
    kernel = KERNELS["cbow-fasttext"](counts, subwords=subwords(4))
    table = np.zeros((4, 5), np.float32)
    with pytest.raises(InputError, match=rf"must have {4 + BUCKET} and 4 rows .*found \[4, 5\] and \[4, 5\]"):
        kernel.update(table, table.copy(), np.empty(0, np.int32), np.array([0]), alpha=(0.1, 0.1), stream=0)


@pytest.mark.parametrize("make_kernel", MAKERS)
@pytest.mark.parametrize(("window", "alpha"), [(5, 0.025), (5, 0.1), (10, 0.05), (20, 0.025)])
def test_a_high_rate_and_a_wide_window_do_not_make_the_loss_explode(
    make_kernel: MakeKernel, window: int, alpha: float
) -> None:
    rng = np.random.default_rng(0)
    n_words = 2000
    frequent_first = 1 / np.arange(1, n_words + 1)
    ids = (2 + rng.choice(n_words, 60_000, p=frequent_first / frequent_first.sum())).astype(np.int32)
    counts = np.bincount(ids, minlength=n_words + 2)
    offsets = np.arange(0, ids.size + 1, 100, dtype=np.int64)
    kernel = make_kernel(counts, window=window)
    inputs = ((rng.random((kernel.input_rows, 64), dtype=np.float32) - 0.5) / 32).astype(np.float32)
    outputs = np.zeros((n_words + 2, 64), dtype=np.float32)
    losses = [
        kernel.update(inputs, outputs, ids, offsets, alpha=(alpha, alpha), stream=epoch).mean_loss for epoch in range(6)
    ]
    most = NOISE_ALONE if make_kernel is skipgram_subwords else 1.0
    assert max(losses[1:]) <= most * losses[0]


def test_blocks_shrink_with_window_and_rate_and_stay_within_bounds() -> None:
    counts = np.array([0, 0, 1, 1])
    sizes = [SkipGramKernel(counts, window=w).block_size(r) for w, r in ((5, 0.0), (5, 0.0125), (5, 0.025), (10, 0.05))]
    assert sizes == [32, 16, 8, 2]
    assert SkipGramKernel(counts, window=50).block_size(1.0) == 1
    assert SkipGramKernel(counts, negative=20).block_size(0.025) == 2
    assert [CbowKernel(counts, window=50).block_size(rate) for rate in (0.0, 0.0125, 0.025, 0.1, 1.0)] == [
        32,
        16,
        8,
        2,
        1,
    ]


@pytest.mark.parametrize("make_kernel", MAKERS)
@pytest.mark.parametrize("negative", [5, 20])
def test_a_text_of_hardly_more_than_one_word_settles(make_kernel: MakeKernel, negative: int) -> None:
    ids = np.full(20_000, 2, dtype=np.int32)
    ids[::50] = 3
    kernel = make_kernel(np.bincount(ids), sample=0, negative=negative)
    inputs = np.random.default_rng(0).uniform(-0.05, 0.05, (kernel.input_rows, 20)).astype(np.float32)
    outputs = np.zeros((4, 20), dtype=np.float32)
    highs = [*np.linspace(0.025, 0.0025, 10), 0.0025]  # it settles in the course of the lowest rate at the latest
    for epoch, high in enumerate(highs):
        rates = high, max(0.0, high - 0.0025)
        report = kernel.update(inputs, outputs, ids, np.arange(0, 20_001, 200), alpha=rates, stream=epoch)
    chance = 1 / (1 + negative)  # noise draws the same word: no score tells pairs from noise
    unavoidable = -np.log(chance) - negative * np.log(1 - chance)
    assert report.mean_loss == pytest.approx(unavoidable, rel=0.02)
    kernel.update(inputs, outputs, ids, np.arange(0, 20_001, 200), alpha=(0.2, 0.2), stream=len(highs))
    assert max(np.abs(inputs).max(), np.abs(outputs).max()) < 100


@pytest.mark.parametrize(("block", "advice"), [(None, "0.05$"), (1, "0.05$"), (8, "0.05, or block, found 8$")])
def test_a_training_that_diverges_all_the_same_says_so(block: int | None, advice: str) -> None:
    s = setting()
    kernel = SkipGramKernel(s.counts, block=block)
    inputs, outputs = s.tables(kernel)
    inputs[3, 0] = np.inf
    with pytest.raises(InputError, match=f"diverged .* lower alpha, found {advice}"):
        kernel.update(inputs, outputs, s.ids, s.offsets, alpha=(0.05, 0.01), stream=0)
