"""The update in torch operations is that of the compiled kernels, tested on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mt2st.embedding import SubwordSettings
from mt2st.embedding.kernels import KERNELS, ContextKernel
from mt2st.embedding.kernels.sampling import draw_noise
from mt2st.embedding.kernels.windows import BEGIN, READY, refill
from mt2st.embedding.subwords import SubwordRows
from mt2st.errors import InputError
from mt2st.tasks import ContextTask, Texts, batched_context, context
from mt2st.tasks.batched_context import BatchedContext, Blocks, Windows
from mt2st.training import EpochSlice
from tests.embedding.kernels.replay import PairBlock, sample_pairs
from tests.tasks.context_autograd import ContextBatch, context_loss

VOCABULARY, VECTOR_SIZE = 40, 9
METHODS = ["skipgram", "cbow", "skipgram-fasttext", "cbow-fasttext"]
TOKENS = ["<pad>", "<unk>", *(f"word{number:02d}{'ing' * (number % 2)}" for number in range(VOCABULARY - 2))]
SUBWORDS = SubwordRows.of(TOKENS, SubwordSettings(min_n=3, max_n=4, bucket=40))
CPU = torch.device("cpu")


def text_of(method: str, n_documents: int = 60, **settings: Any) -> tuple[Texts, ContextKernel]:
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 25, n_documents)
    ids = (1 + 38 * rng.random(lengths.sum()) ** 2).astype(np.int32)  # the first words are the most frequent
    counts = np.bincount(ids, minlength=VOCABULARY)
    counts[:2] = 0
    subwords = SUBWORDS if method.endswith("fasttext") else None
    kernel = KERNELS[method](counts, subwords=subwords, **{"window": 3, "negative": 7, "sample": 0.05, **settings})
    return Texts(ids, np.cumsum([0, *lengths])), kernel


def table(seed: int, rows: int = VOCABULARY, dtype: torch.dtype = torch.float32) -> Tensor:
    return (torch.randn(rows, VECTOR_SIZE, generator=torch.Generator().manual_seed(seed)) * 0.5).to(dtype)


def tables(kernel: ContextKernel, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    return table(0, kernel.input_rows, dtype), table(1, dtype=dtype)


def replayed(
    kernel: ContextKernel, batched: BatchedContext, texts: Texts, alpha: tuple[float, float], stream: int = 7
) -> list[Blocks]:
    """The blocks that a call of the kernel trains on, one by one."""
    walk = kernel.walk(texts.ids, texts.offsets, stream)
    plan = kernel.plan(alpha, walk)
    noise = np.empty(plan.n_noise + (plan.block - 1) * plan.noise_step, dtype=np.int32)
    blocks = []
    while refill(walk):
        ready = int(walk.walker[READY])
        arrays = (walk.words, walk.first, walk.last, walk.seen)
        windows = Windows(*(torch.from_numpy(each[:ready].astype(np.int64)) for each in arrays))
        for start in range(int(walk.walker[BEGIN]), ready, plan.block):
            draw_noise(walk.state, plan.accept, plan.alias, noise)
            rate = alpha[0] + (alpha[1] - alpha[0]) * int(walk.seen[start]) / plan.n_words
            made = batched.laid_out(
                windows,
                torch.tensor([[start]]),
                plan.block,
                torch.from_numpy(noise.astype(np.int64)).unsqueeze(0),
                torch.tensor([[[rate]]]),
            )
            blocks.append(counted(kernel, made))
    return blocks


def counted(kernel: ContextKernel, blocks: Blocks) -> Blocks:
    """The blocks with the number of rows that their words are made of."""
    if kernel.subwords is None:
        return blocks
    words = blocks.span if kernel.takes_means else blocks.centres
    return blocks._replace(rows=int(torch.from_numpy(np.diff(kernel.subwords.offsets))[words].sum()))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("alpha", "n_documents", "least"), [((0.1, 0.02), 60, 10), ((1.5, 1.5), 3, 2)])
def test_block_by_block_it_is_the_kernels_update(
    method: str, alpha: tuple[float, float], n_documents: int, least: int
) -> None:
    """At the higher rate steps are longer than a block may make them, and cut."""
    texts, kernel = text_of(method, n_documents)
    batched = BatchedContext(kernel, texts.ids, CPU)
    inputs, outputs = tables(kernel)
    drawn = replayed(kernel, batched, texts, alpha)
    report = [batched.step(inputs, outputs, blocks) for blocks in drawn]
    compiled_inputs, compiled_outputs = (each.numpy() for each in tables(kernel))
    found = kernel.update(compiled_inputs, compiled_outputs, texts.ids, texts.offsets, alpha=alpha, stream=7)
    loss, pairs = torch.stack(report).sum(dim=0).tolist()
    assert len(drawn) >= least
    assert pairs == found.pairs
    assert loss == pytest.approx(found.loss, rel=1e-4)
    torch.testing.assert_close(inputs, torch.from_numpy(compiled_inputs), atol=5e-5, rtol=0)
    torch.testing.assert_close(outputs, torch.from_numpy(compiled_outputs), atol=5e-5, rtol=0)
    assert (inputs - tables(kernel)[0]).abs().max() > 0.05


@pytest.mark.parametrize("method", METHODS)
def test_several_blocks_at_once_make_one_gradient_step_on_the_sum_of_their_losses(method: str) -> None:
    """Against autograd in float64, whose loss has the gradient of finite differences (`test_context_autograd`)."""
    alpha = 1e-4  # no step is so long that it is cut
    texts, kernel = text_of(method)
    batched = BatchedContext(kernel, texts.ids, CPU)
    (windows, at, noise), pairs = windows_of(kernel, texts)
    size = noise.shape[1] - (kernel.noise - 1) if kernel.noise_step else windows_block(kernel)
    rates = torch.full((len(at), 1, 1), alpha, dtype=torch.float64)
    blocks = counted(kernel, batched.laid_out(windows, at, size, noise, rates))
    inputs, outputs = tables(kernel, torch.float64)
    loss, n_pairs = batched.step(inputs, outputs, blocks).tolist()
    start, end = (each.requires_grad_() for each in tables(kernel, torch.float64))
    expected = context_loss(start, end, ContextBatch.of(pairs), undivided=True)
    expected.backward()
    assert start.grad is not None
    assert end.grad is not None
    assert len(at) >= 5
    assert n_pairs == sum(len(block.centres) for block in pairs)
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    torch.testing.assert_close((start.detach() - inputs) / alpha, start.grad, atol=1e-7, rtol=1e-7)
    torch.testing.assert_close((end.detach() - outputs) / alpha, end.grad, atol=1e-7, rtol=1e-7)


def windows_block(kernel: ContextKernel) -> int:
    return max(kernel.block or 1, kernel.block_size(0.025))


def windows_of(kernel: ContextKernel, texts: Texts) -> tuple[tuple[Windows, Tensor, Tensor], list[PairBlock]]:
    """All of the kernel's windows, its blocks' places and noise words, and the same as pairs."""
    walk = kernel.walk(texts.ids, texts.offsets, 7)
    plan = kernel.plan((0.025, 0.025), walk)
    assert refill(walk)
    ready = int(walk.walker[READY])
    drawn = np.empty(plan.n_noise + (plan.block - 1) * plan.noise_step, dtype=np.int32)
    noise = []
    for _ in range(0, ready, plan.block):
        draw_noise(walk.state, plan.accept, plan.alias, drawn)
        noise.append(torch.from_numpy(drawn.astype(np.int64)))
    arrays = (walk.words, walk.first, walk.last, walk.seen)
    windows = Windows(*(torch.from_numpy(each[:ready].astype(np.int64)) for each in arrays))
    pairs = [each for each in sample_pairs(kernel, texts.ids, texts.offsets, stream=7) if len(each.centres)]
    return (windows, torch.arange(0, ready, plan.block).unsqueeze(1), torch.stack(noise)), pairs


@pytest.mark.parametrize("sample", [0.0, 0.01])
def test_it_draws_words_and_windows_as_the_kernel_does(sample: float) -> None:
    texts, kernel = text_of("skipgram", 400, window=5, sample=sample)
    batched = BatchedContext(kernel, texts.ids, CPU)
    kept: list[Tensor] = []
    reaches: list[Tensor] = []
    document_of = np.repeat(np.arange(len(texts)), texts.lengths)
    for seed in range(30):
        batched._generator.manual_seed(seed)
        words, first, last, seen = batched._windows(texts.offsets)
        assert np.array_equal(words.numpy(), texts.ids[seen.numpy()])
        document = document_of[seen.numpy()]
        assert np.array_equal(document[first.numpy()], document), "no window leaves its document"
        assert np.array_equal(document[last.numpy() - 1], document)
        place = torch.arange(len(words))
        assert ((place - first).clamp(max=5) == place - first).all()
        inside = (first > 0) & (last < len(words))
        whole = inside.numpy()
        for places in (5, -5):
            whole &= np.roll(document, places) == document
        assert torch.equal((place - first)[whole], (last - 1 - place)[whole]), "as far to the left as to the right"
        kept.append(torch.bincount(words, minlength=VOCABULARY))
        reaches.append(torch.bincount((place - first)[whole], minlength=6))
    expected = kernel.walk(texts.ids, texts.offsets, 0).keep / 0xFFFFFFFF * np.bincount(texts.ids, minlength=VOCABULARY)
    found = torch.stack(kept).double().mean(dim=0).numpy()
    assert (np.abs(found - expected) <= 4 * np.sqrt(expected / 30) + 1e-9).all()
    shares = torch.stack(reaches).sum(dim=0)[1:] / torch.stack(reaches).sum()
    torch.testing.assert_close(shares, torch.full((5,), 0.2), atol=0.01, rtol=0)


def test_it_draws_noise_words_by_their_counts() -> None:
    texts, kernel = text_of("skipgram", 400)
    batched = BatchedContext(kernel, texts.ids, CPU)
    counts = np.bincount(texts.ids, minlength=VOCABULARY).astype(float)
    counts[:2] = 0
    shares = np.bincount(batched._noise(20_000, 10).flatten(), minlength=VOCABULARY) / 200_000
    np.testing.assert_allclose(shares, counts**0.75 / (counts**0.75).sum(), atol=0.003)


@pytest.mark.parametrize("method", METHODS)
def test_an_update_is_a_pure_function_of_its_stream(method: str) -> None:
    texts, kernel = text_of(method)

    def updated(stream: int) -> bytes:
        inputs, outputs = tables(kernel)
        BatchedContext(kernel, texts.ids, CPU).update(
            inputs, outputs, texts.offsets, alpha=(0.05, 0.04), weight=0.5, stream=stream
        )
        return inputs.numpy().tobytes() + outputs.numpy().tobytes()

    assert updated(1) == updated(1)
    assert updated(1) != updated(2)


class NothingRead(TorchDispatchMode):
    """Refuses operations by which the host would read from a device, or copy to another."""

    READING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "item", "_to_cpu", "is_nonzero")

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function.overloadpacket.__name__
        assert not name.startswith(self.READING), f"{name} makes the host wait"
        assert not any(isinstance(each, Tensor) and each.dtype is torch.bool for each in index_of(name, args))
        assert "device" not in (kwargs or {}) or name != "_to_copy", "a copy to another device"
        return function(*args, **(kwargs or {}))


def index_of(name: str, args: Any) -> list[Any]:
    return list(args[1]) if name.startswith("index") and isinstance(args[1], list | tuple) else []


@pytest.mark.parametrize("method", METHODS)
def test_the_host_reads_nothing_within_the_steps(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batched_context, "CENTRES", 64)
    texts, kernel = text_of(method)
    batched = BatchedContext(kernel, texts.ids, CPU)
    inputs, outputs = tables(kernel)
    drawn = batched._blocks(texts.offsets, (0.05, 0.05))
    with NothingRead():
        for blocks in drawn:
            batched.step(inputs, outputs, blocks)
    assert len(drawn) > 2
    with pytest.raises(AssertionError, match="makes the host wait"), NothingRead():
        inputs.sum().item()


@pytest.mark.parametrize("method", METHODS)
def test_elsewhere_than_on_the_cpu_the_task_trains_by_it(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "COMPILED_ON", ())
    monkeypatch.setattr(batched_context, "CENTRES", 16)  # of 38 words, each is in every second block
    rng = np.random.default_rng(0)
    n_documents, length = 200, 20
    topics = rng.integers(0, 2, n_documents)
    ids = (2 + 19 * topics[:, None] + rng.integers(0, 19, (n_documents, length))).astype(np.int32).ravel()
    kernel = KERNELS[method](
        np.bincount(ids, minlength=VOCABULARY),
        subwords=SUBWORDS if method.endswith("fasttext") else None,
        window=3,
        sample=0,
    )
    task = ContextTask(Texts(ids, np.arange(n_documents + 1) * length), kernel, VECTOR_SIZE, alpha=0.02)
    inputs = table(0, kernel.input_rows) * 0.1
    losses = [
        task.update(inputs, weight=1.0, epoch_slice=EpochSlice(epoch, part, 2, 1))
        for epoch in range(1, 16)
        for part in range(2)
    ]
    assert losses[-1] < losses[0] - 0.1
    state = task.state_dict()["outputs"]
    assert state.any()
    if kernel.subwords is None:
        units = torch.nn.functional.normalize(inputs[2:], dim=1)
        cosines, alike = units @ units.T, torch.arange(38)[:, None] // 19 == torch.arange(38) // 19
        assert cosines[alike].mean() > cosines[~alike].mean() + 0.3
    task.load_state_dict({"outputs": state.clone()})
    assert np.array_equal(task.outputs, state.numpy())
    assert task.operations > 0


def test_a_text_without_a_pair_has_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "COMPILED_ON", ())
    texts = Texts(np.array([2, 3], dtype=np.int32), np.array([0, 1, 2]))
    task = ContextTask(texts, KERNELS["cbow"](np.array([0, 0, 1, 1]), sample=0), VECTOR_SIZE)
    inputs = torch.ones(4, VECTOR_SIZE)
    assert np.isnan(task.update(inputs, weight=1.0, epoch_slice=EpochSlice(1, 0, 1, 1)))
    assert torch.equal(inputs, torch.ones(4, VECTOR_SIZE))


def test_frozen_rows_are_refused() -> None:
    frozen = np.zeros(VOCABULARY, dtype=np.bool_)
    frozen[3] = True
    texts, _ = text_of("skipgram")
    kernel = KERNELS["skipgram"](np.bincount(texts.ids, minlength=VOCABULARY), frozen=frozen)
    with pytest.raises(InputError, match="frozen by the compiled kernels only"):
        BatchedContext(kernel, texts.ids, CPU)
