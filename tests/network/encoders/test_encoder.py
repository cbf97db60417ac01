"""An encoder of somebody else is one class: it is found by its name."""

from __future__ import annotations

from typing import Self

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mt2st.errors import InputError
from mt2st.network import Encoded, Encoder, Network, build_encoder, encoder_class, encoder_names
from mt2st.strategy import SingleTask
from mt2st.tasks import ClassificationTask, Texts
from mt2st.tasks.classification import Labelled
from mt2st.training import Trainer


class Gated(Encoder):
    """A gate for each word vector, and their mean."""

    name = "gated"
    learning_rates = (4e-3, 2e-3)
    feedback_every = 7

    def __init__(self, vector_size: int) -> None:
        super().__init__()
        self.state_size = self.pooled_size = vector_size
        self.gate = nn.Linear(vector_size, 1)

    @classmethod
    def build(cls, vector_size: int, hidden_size: int, pooling: str) -> Self:  # noqa: ARG003
        return cls(vector_size)

    def forward(self, vectors: Tensor, mask: Tensor) -> Encoded:
        states = vectors * self.gate(vectors).sigmoid() * mask.unsqueeze(2)
        return Encoded(states, states.sum(dim=1) / mask.sum(dim=1, keepdim=True))


def test_it_is_found_by_its_name_with_its_defaults() -> None:
    assert "gated" in encoder_names()
    assert encoder_class("gated") is Gated
    assert (encoder_class("gated").learning_rates, encoder_class("gated").feedback_every) == ((4e-3, 2e-3), 7)
    assert isinstance(build_encoder("gated", vector_size=3), Gated)


def test_a_network_learns_with_it() -> None:
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    targets = rng.integers(0, 2, 60)
    ids = (2 + 3 * np.repeat(targets, 4) + rng.integers(0, 3, 240)).astype(np.int32)
    data = Labelled(Texts(ids, np.arange(0, 241, 4)), targets)
    encoder = build_encoder("gated", vector_size=4)
    network = Network(nn.Embedding(8, 4, padding_idx=0), encoder, {"label": nn.Linear(encoder.pooled_size, 2)})
    task = ClassificationTask("label", data, 2, validation=data, batch_size=10)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    run = Trainer(network, primary=task, optimizer=optimizer, strategy=SingleTask(), epochs=5).fit()
    assert run.evaluations[run.best].validation["accuracy"] == 1.0


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(InputError, match=r"Again has the name 'gated' of .*Gated: give it another class attribute"):

        class Again(Encoder):
            name = "gated"


def test_without_a_name_the_class_gives_it() -> None:
    class SelfAttention(Encoder):
        pass

    assert encoder_class("selfattention") is SelfAttention
    with pytest.raises(InputError, match=r"unknown encoder 'selfatention'\. Did you mean 'selfattention'\?"):
        encoder_class("selfatention")
