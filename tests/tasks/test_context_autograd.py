from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mt2st.embedding import SubwordSettings
from mt2st.embedding.kernels import KERNELS, ContextKernel
from mt2st.embedding.subwords import KnownSubwords
from mt2st.network import Network, SubwordEmbedding, build_encoder
from mt2st.tasks import ContextTask, Texts
from mt2st.tasks.context import document_runs, stream_of
from mt2st.training import EpochSlice, Task
from tests.embedding.kernels.replay import sample_pairs
from tests.tasks.context_autograd import AutogradContextTask, ContextBatch, context_loss

VOCABULARY, VECTOR_SIZE = 25, 7
NGRAM_METHODS = ["skipgram-fasttext", "cbow-fasttext"]
METHODS = ["skipgram", "cbow", *NGRAM_METHODS]
TOKENS = ["<pad>", "<unk>", *(f"word{number:02d}{'ing' * (number % 2)}" for number in range(VOCABULARY - 2))]
SUBWORDS = KnownSubwords.of(TOKENS, SubwordSettings(min_n=3, max_n=4, bucket=40))


def corpus(n_documents: int, seed: int = 0) -> tuple[Texts, ContextKernel]:
    return corpus_for("skipgram", n_documents, seed)


def corpus_for(method: str, n_documents: int, seed: int = 0) -> tuple[Texts, ContextKernel]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 15, n_documents)
    ids = rng.integers(1, VOCABULARY, lengths.sum()).astype(np.int32)
    counts = np.bincount(ids, minlength=VOCABULARY)
    counts[:2] = 0
    subwords = SUBWORDS.rows if method in NGRAM_METHODS else None
    kernel = KERNELS[method](counts, subwords=subwords, window=3, negative=4, sample=0.02)
    return Texts(ids, np.cumsum([0, *lengths])), kernel


def table(seed: int, dtype: torch.dtype = torch.float32, rows: int = VOCABULARY) -> Tensor:
    return (torch.randn(rows, VECTOR_SIZE, generator=torch.Generator().manual_seed(seed)) * 0.5).to(dtype)


def input_table(method: str, dtype: torch.dtype = torch.float32) -> Tensor:
    return table(0, dtype, SUBWORDS.rows.table_rows if method in NGRAM_METHODS else VOCABULARY)


def batch_of(method: str, n_documents: int = 6) -> ContextBatch:
    texts, kernel = corpus_for(method, n_documents)
    return ContextBatch.of(
        [block for block in sample_pairs(kernel, texts.ids, texts.offsets, stream=1) if len(block.centres)]
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_kernel_and_autograd_make_the_same_update_on_the_same_pairs(method: str, weight: float) -> None:
    texts, kernel = corpus_for(method, 40)
    alpha = 0.1
    task = ContextTask(texts, kernel, VECTOR_SIZE, alpha=alpha)
    task.outputs[:] = table(1).numpy()
    compiled = input_table(method)
    inputs, outputs = input_table(method).requires_grad_(), table(1).requires_grad_()
    optimizer = torch.optim.SGD([inputs, outputs], lr=alpha)
    epoch_slices = [EpochSlice(2, part, 3, seed=1) for part in range(3)]
    n_blocks = 0
    for epoch_slice in epoch_slices:
        kernel_loss = task.update(compiled, weight=weight, epoch_slice=epoch_slice)
        losses, pairs = 0.0, 0
        for number, offsets in enumerate(document_runs(texts.offsets, epoch_slice, 1.0)):
            stream = stream_of(epoch_slice, number)
            for block in sample_pairs(kernel, texts.ids, offsets, stream=stream, rate=alpha * weight):
                if not len(block.centres):
                    continue
                loss = context_loss(inputs, outputs, ContextBatch.of([block]), undivided=True)
                optimizer.zero_grad()
                (weight * loss).backward()
                optimizer.step()
                losses, pairs, n_blocks = losses + loss.item(), pairs + len(block.centres), n_blocks + 1
        assert kernel_loss == pytest.approx(losses / pairs, rel=1e-4)
    assert n_blocks >= 6, "several in a row"
    assert (compiled - input_table(method)).abs().max() > 0.05
    torch.testing.assert_close(compiled, inputs.detach(), atol=2e-5, rtol=0)
    torch.testing.assert_close(torch.from_numpy(task.outputs), outputs.detach(), atol=2e-5, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_the_loss_has_the_gradient_of_finite_differences(method: str) -> None:
    batch = batch_of(method, n_documents=3)
    inputs, outputs = input_table(method, torch.float64).requires_grad_(), table(1, torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda i, o: context_loss(i, o, batch), (inputs, outputs))


@pytest.mark.parametrize("method", METHODS)
def test_the_loss_equals_the_sum_over_pairs_in_its_formula(method: str) -> None:
    texts, kernel = corpus_for(method, 6)
    inputs, outputs = input_table(method, torch.float64).numpy(), table(1, torch.float64).numpy()
    expected = 0.0
    for block in sample_pairs(kernel, texts.ids, texts.offsets, stream=1):
        for pair, centre in enumerate(block.centres):
            h = inputs[block.contexts[block.context_offsets[pair] : block.context_offsets[pair + 1]]].mean(axis=0)
            expected += np.log1p(np.exp(-h @ outputs[centre]))
            expected += block.negative_weight * sum(np.log1p(np.exp(h @ outputs[n])) for n in block.negatives[pair])
    loss = context_loss(torch.from_numpy(inputs), torch.from_numpy(outputs), batch_of(method))
    assert loss.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_undivided_changes_no_value_and_scales_each_rows_gradient_by_the_words_of_its_pair(method: str) -> None:
    batch = batch_of(method)
    first = batch.owners == 0
    one = ContextBatch(batch.contexts[first], batch.owners[first], batch.centres[:1], batch.negatives[:1], 0.25)
    gradients, losses = [], []
    for undivided in (False, True):
        inputs = input_table(method, torch.float64).requires_grad_()
        loss = context_loss(inputs, table(1, torch.float64), one, undivided=undivided)
        loss.backward()
        losses.append(loss.item())
        gradients.append(inputs.grad)
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    assert gradients[0] is not None
    torch.testing.assert_close(gradients[1], gradients[0] * int(first.sum()))


def network_of(task: AutogradContextTask) -> Network:
    torch.manual_seed(0)
    embedding = nn.Embedding(VOCABULARY, VECTOR_SIZE, padding_idx=0)
    return Network(embedding, build_encoder("mean", vector_size=VECTOR_SIZE), {"context": task.head(VECTOR_SIZE)})


def test_it_is_a_task_whose_loss_moves_embedding_and_head_but_no_row_of_padding_or_unknown_words() -> None:
    texts, kernel = corpus(30)
    task = AutogradContextTask(texts, kernel, parts=5)
    assert isinstance(task, Task)
    network = network_of(task)
    head = network.heads["context"]
    assert isinstance(head, nn.Embedding)
    nn.init.normal_(head.weight)
    task.loss(network, next(task.batches(epoch=1, seed=1))).backward()
    for weight in (network.embedding.weight, head.weight):
        assert weight.grad is not None
        assert weight.grad[:2].abs().max() == 0
        assert weight.grad[2:].abs().max() > 0
    assert task.evaluate(network) == {}


@pytest.mark.parametrize("method", NGRAM_METHODS)
def test_its_loss_moves_the_rows_of_the_n_grams_of_an_embedding_that_is_made_of_such(method: str) -> None:
    texts, kernel = corpus_for(method, 30)
    task = AutogradContextTask(texts, kernel, parts=5)
    embedding = SubwordEmbedding(input_table(method), SUBWORDS)
    encoder = build_encoder("mean", vector_size=VECTOR_SIZE)
    network = Network(embedding, encoder, {"context": nn.Embedding.from_pretrained(table(1), freeze=False)})
    task.loss(network, next(task.batches(epoch=1, seed=1))).backward()
    assert embedding.weight.grad is not None
    assert embedding.weight.grad[VOCABULARY:].abs().max() > 0
    assert embedding.weight.grad[:2].abs().max() == 0


def test_its_head_starts_with_zeros_as_the_compiled_form_does() -> None:
    head = AutogradContextTask(*corpus(5)).head(4)
    assert isinstance(head, nn.Embedding)
    assert head.weight.shape == (VOCABULARY, 4)
    assert head.weight.count_nonzero() == 0


@pytest.mark.parametrize("method", METHODS)
def test_an_epochs_batches_hold_the_pairs_of_the_compiled_forms_parts(method: str) -> None:
    texts, kernel = corpus_for(method, 30)
    task = AutogradContextTask(texts, kernel, parts=8, passes=1.5)
    compiled = ContextTask(texts, kernel, VECTOR_SIZE, passes=1.5)
    drawn = [batch.centres.tolist() for batch in task.batches(epoch=3, seed=1)]
    expected = []
    for part in range(8):
        epoch_slice = EpochSlice(3, part, 8, 1)
        expected.append(
            [
                int(centre)
                for number, offsets in enumerate(compiled.slices(epoch_slice))
                for block in sample_pairs(kernel, texts.ids, offsets, stream=stream_of(epoch_slice, number))
                for centre in block.centres
            ]
        )
    assert drawn == [centres for centres in expected if centres]
    assert task.n_batches == 8


def test_parts_without_a_pair_give_no_batch() -> None:
    texts = Texts(np.array([2, 3, 4, 5], dtype=np.int32), np.array([0, 2, 3, 4]))
    task = AutogradContextTask(texts, KERNELS["skipgram"](np.array([0, 0, 1, 1, 1, 1]), sample=0), parts=20)
    assert [len(batch.centres) for batch in task.batches(epoch=1, seed=1)] == [2]


def test_plain_gradient_descent_on_it_lowers_its_loss() -> None:
    texts, kernel = corpus(60)
    task = AutogradContextTask(texts, kernel, parts=4)
    network = network_of(task)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    means = []
    for epoch in range(1, 16):
        losses = []
        for batch in task.batches(epoch=epoch, seed=1):
            optimizer.zero_grad()
            loss = task.loss(network, batch)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(np.mean(losses))
    assert means[-1] < 0.9 * means[0]


@pytest.mark.parametrize("method", METHODS)
def test_pairs_drawn_on_the_cpu_go_to_the_device_of_the_tables(method: str) -> None:
    """Torch's meta device computes shapes alone, and like any other refuses tensors of two devices in one operation."""
    tables = [table(seed).to("meta").requires_grad_() for seed in (0, 1)]
    loss = context_loss(*tables, batch_of(method), undivided=True)
    loss.backward()
    assert loss.device.type == "meta"
    assert all(each.grad is not None and each.grad.device.type == "meta" for each in tables)


@pytest.mark.parametrize("method", METHODS)
def test_trained_by_torch_alone_words_of_one_topic_come_together(method: str) -> None:
    rng = np.random.default_rng(0)
    n_documents, length = 150, 20
    topics = rng.integers(0, 2, n_documents)
    ids = (2 + 10 * topics[:, None] + rng.integers(0, 10, (n_documents, length))).astype(np.int32).ravel()
    tokens = ["<pad>", "<unk>", *"abcdefghijklmnopqrst"]
    known = KnownSubwords.of(tokens, SubwordSettings(bucket=1000))
    subwords = known.rows if method in NGRAM_METHODS else None
    kernel = KERNELS[method](np.bincount(ids, minlength=22), subwords=subwords, window=3, sample=0)
    task = AutogradContextTask(Texts(ids, np.arange(n_documents + 1) * length), kernel, parts=20)
    torch.manual_seed(0)
    embedding: nn.Embedding | SubwordEmbedding = nn.Embedding(22, 12, padding_idx=0)
    if subwords is not None:
        embedding = SubwordEmbedding(torch.empty(subwords.table_rows, 12), known)
    nn.init.uniform_(embedding.weight, -1 / 12, 1 / 12)
    network = Network(embedding, build_encoder("mean", vector_size=12), {"context": task.head(12)})
    optimizer = torch.optim.Adam([embedding.weight, *network.heads["context"].parameters()], lr=0.05)
    losses = []
    for epoch in (1, 2, 3):
        for batch in task.batches(epoch=epoch, seed=1):
            optimizer.zero_grad()
            loss = task.loss(network, batch)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert np.mean(losses[-20:]) < 0.95 * np.mean(losses[:5])
    units = functional.normalize(embedding(torch.arange(2, 22)).detach(), dim=1)
    cosines, alike = units @ units.T, torch.arange(20)[:, None] // 10 == torch.arange(20) // 10
    others = ~torch.eye(20, dtype=torch.bool)
    assert cosines[alike & others].mean() > cosines[~alike].mean() + 0.5
