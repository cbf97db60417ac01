"""Texts read where no gradient is kept: how many at a time, and by several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn

from mt2st.models.linear_probe import pooled_vectors
from mt2st.network import Network, build_encoder
from mt2st.tasks import Texts
from mt2st.tasks.batch import infer_rows, tokens_at_a_time
from mt2st.tasks.classification import predict_probabilities
from mt2st.tasks.tagging import Words, predict_tag_probabilities
from mt2st.training.device import flushed_denormals, flushes_denormals
from mt2st.training.flops import counted_forward

LENGTHS = [9, 1, 4, 4, 2, 5, 3, 3, 1, 1]
TEXTS = Texts(np.arange(2, 2 + sum(LENGTHS), dtype=np.int32), np.cumsum([0, *LENGTHS]))


def words() -> Words:
    return Words(TEXTS, np.ones(sum(LENGTHS), dtype=np.bool_), np.array(LENGTHS))


READINGS = pytest.mark.parametrize(
    "read",
    [
        lambda net, **given: predict_probabilities(net, "task", TEXTS, max_length=5, **given),
        lambda net, **given: predict_tag_probabilities(net, "tags", words(), max_length=9, **given),
        lambda net, **given: pooled_vectors(net, TEXTS, max_length=5, **given),
    ],
    ids=["texts", "words", "refit"],
)
"""What reads texts, to predict and to fit a head anew."""


def small_network(encoder_name: str = "cnn") -> Network:
    encoder = build_encoder(encoder_name, vector_size=4, hidden_size=4)
    heads = {"task": nn.Linear(encoder.pooled_size, 2), "tags": nn.Linear(encoder.state_size, 2)}
    return Network(nn.Embedding(40, 4, padding_idx=0), encoder, heads)


@READINGS
def test_as_many_texts_are_read_together_as_the_tokens_allow(
    read: Callable[[Network], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = small_network()
    seen: list[tuple[int, ...]] = []
    network.encoder.register_forward_hook(lambda _layer, inputs, _output: seen.append(tuple(inputs[1].shape)))
    monkeypatch.setattr("mt2st.tasks.batch.TOKENS_ON_CPU", 12)
    read(network)
    assert sum(n for n, _ in seen) == len(LENGTHS)
    assert len(seen) >= 3
    assert all(n * length <= 12 for n, length in seen)
    seen.clear()
    monkeypatch.undo()
    read(network)
    assert len(seen) == 1


def test_another_device_reads_more_at_a_time() -> None:
    assert tokens_at_a_time(torch.device("cpu")) < tokens_at_a_time(torch.device("cuda")) / 10


@READINGS
@pytest.mark.parametrize("encoder_name", ["bilstm", "cnn", "mean"])
def test_two_readers_share_the_batches_and_come_to_the_same(
    read: Callable[..., Any], encoder_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mt2st.tasks.batch.TOKENS_ON_CPU", 6)
    network = small_network(encoder_name).train()
    with counted_forward(network) as counter:
        alone = read(network)
    here, together = threading.current_thread(), threading.Barrier(2)
    of_threads: list[tuple[threading.Thread, bool, bool, bool]] = []

    def note(*_: Any) -> None:
        if threading.current_thread() not in {thread for thread, *_ in of_threads}:
            together.wait(timeout=30)  # which only two batches at the same time can pass
        of_threads.append((threading.current_thread(), network.training, torch.is_grad_enabled(), flushes_denormals()))

    hook = network.encoder.register_forward_hook(note)
    with flushed_denormals(), counted_forward(network) as counter_of_two:
        both = read(network, eval_threads=2)
    hook.remove()
    assert np.array_equal(alone, both)
    assert len(np.unique(alone, axis=0)) == len(alone)
    assert counter_of_two.operations == counter.operations > 0
    assert here not in {thread for thread, *_ in of_threads}
    assert len({thread for thread, *_ in of_threads}) == 2
    assert {tuple(state) for _, *state in of_threads} == {(False, False, True)}
    assert network.training


@READINGS
def test_readers_take_over_the_callers_precision(read: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt2st.tasks.batch.TOKENS_ON_CPU", 6)
    network = small_network()
    full = read(network)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half, half_of_two = read(network), read(network, eval_threads=2)
        with torch.autocast("cpu", enabled=False):
            assert np.array_equal(full, read(network, eval_threads=2))
    assert half.dtype == half_of_two.dtype == np.float32
    assert np.array_equal(half, half_of_two)
    assert 1e-5 < np.abs(full - half).max() < 0.05


def test_probabilities_are_of_full_precision_in_an_autocast_too() -> None:
    network = small_network("mean")
    with torch.no_grad():
        network.heads["task"].weight.mul_(1e-3)
        network.heads["task"].bias.copy_(torch.tensor([9.0, -9.0]))
        network.heads["tags"].bias.copy_(torch.tensor([0.3, 0.1]))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        of_texts = predict_probabilities(network, "task", TEXTS, max_length=5)
        of_words = predict_tag_probabilities(network, "tags", words(), max_length=9)
        of_labels = predict_probabilities(network, "task", TEXTS, max_length=5, independent=True)
    for probabilities in (of_texts, of_words):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (of_labels[:, 0] > 0.9995).all()
    assert (of_labels[:, 0] < 1).all()


def test_one_batch_needs_no_thread() -> None:
    with mock.patch("mt2st._workers.ThreadPoolExecutor", side_effect=AssertionError):
        predict_probabilities(small_network(), "task", TEXTS, max_length=5, eval_threads=2)


def test_where_torch_has_several_threads_batches_are_read_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt2st.tasks.batch.TOKENS_ON_CPU", 6)
    here: set[bool] = set()
    network = small_network()
    network.encoder.register_forward_hook(lambda *_: here.add(threading.current_thread() is threading.main_thread()))
    with mock.patch("torch.get_num_threads", return_value=2):
        predict_probabilities(network, "task", TEXTS, max_length=5, eval_threads=2)
    assert here == {True}


@pytest.mark.parametrize("eval_threads", [1, 2])
def test_an_error_comes_through_and_leaves_the_network_as_it_was(
    eval_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mt2st.tasks.batch.TOKENS_ON_CPU", 6)
    network = small_network().train()
    here: set[bool] = set()

    def fails(indices: Any, device: torch.device) -> Any:
        here.add(threading.current_thread() is threading.main_thread())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        infer_rows(network, TEXTS, fails, n_rows=1, max_length=5, eval_threads=eval_threads)
    assert here == {eval_threads == 1}
    assert network.training
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mt2st-worker")]
