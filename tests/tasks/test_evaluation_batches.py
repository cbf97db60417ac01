"""How many texts are encoded at a time where no gradient is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mt2st.network import Network, build_encoder
from mt2st.tasks import Texts
from mt2st.tasks.classification import predict_probabilities
from mt2st.tasks.labelled import tokens_at_a_time
from mt2st.tasks.tagging import Words, predict_tag_probabilities
from mt2st.training.refit import pooled_vectors

LENGTHS = [9, 1, 4, 4, 2, 5, 3, 3, 1, 1]
TEXTS = Texts(np.ones(sum(LENGTHS), dtype=np.int32), np.cumsum([0, *LENGTHS]))


def words() -> Words:
    return Words(TEXTS, np.ones(sum(LENGTHS), dtype=np.bool_), np.array(LENGTHS))


@pytest.mark.parametrize(
    "read",
    [
        lambda net: predict_probabilities(net, "task", TEXTS, max_length=5),
        lambda net: predict_tag_probabilities(net, "tags", words(), max_length=9),
        lambda net: pooled_vectors(net, TEXTS, max_length=5),
    ],
    ids=["texts", "words", "refit"],
)
def test_as_many_texts_are_read_together_as_the_tokens_allow(
    read: Callable[[Network], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = build_encoder("cnn", vector_size=4, hidden_size=4)
    heads = {"task": nn.Linear(encoder.pooled_size, 2), "tags": nn.Linear(encoder.state_size, 2)}
    network = Network(nn.Embedding(5, 4, padding_idx=0), encoder, heads)
    seen: list[tuple[int, ...]] = []
    encoder.register_forward_hook(lambda _layer, inputs, _output: seen.append(tuple(inputs[1].shape)))
    monkeypatch.setattr("mt2st.tasks.labelled.TOKENS_ON_CPU", 12)
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
