from __future__ import annotations

import pytest
import torch
from tests.following import Following
from tests.training.planted import Bag, plant
from torch import nn

from mt2st.network import Network
from mt2st.network.encoders import Mean
from mt2st.network.network import SLOWEST, Standardise, TaskLayer, activate_task_layers
from mt2st.strategy import Switch
from mt2st.training import Trainer, TransitionActions


def test_the_first_batch_comes_out_with_mean_0_and_variance_1() -> None:
    torch.manual_seed(1)
    features = 5.0 + 0.01 * torch.randn(40, 3)
    standardised = Standardise(3)(features)
    torch.testing.assert_close(standardised.mean(dim=0), torch.zeros(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(standardised.var(dim=0, correction=0), torch.ones(3), atol=1e-3, rtol=0)


def test_the_first_batches_count_alike_and_later_ones_fade() -> None:
    layer = Standardise(1)
    for value in (1.0, 2.0, 6.0):
        layer(torch.full((2, 1), value))
    assert layer.mean.item() == pytest.approx(3.0)
    for _ in range(200):
        layer(torch.full((2, 1), 7.0))
    assert layer.mean.item() == pytest.approx(7.0, abs=1e-3)
    before = layer.mean.item()
    layer(torch.full((2, 1), 8.0))
    assert layer.mean.item() - before == pytest.approx(SLOWEST * (8.0 - before), rel=1e-5)


def test_after_training_it_stays_as_it_is_and_treats_each_text_alone() -> None:
    torch.manual_seed(1)
    layer = Standardise(3)
    for _ in range(5):
        layer(torch.randn(8, 3) + 2.0)
    state = {name: value.clone() for name, value in layer.state_dict().items()}
    layer.eval()
    features = torch.randn(4, 3)
    together = layer(features)
    torch.testing.assert_close(together, torch.cat([layer(each[None]) for each in features]))
    torch.testing.assert_close(together, (features - state["mean"]) / state["variance"].sqrt(), rtol=1e-4, atol=1e-4)
    assert all(torch.equal(value, state[name]) for name, value in layer.state_dict().items())


def test_mean_and_variance_are_no_part_of_the_gradient() -> None:
    layer = Standardise(3).double()
    features = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    layer(features).sum().backward()
    assert features.grad is not None
    torch.testing.assert_close(features.grad, layer.variance.rsqrt().expand(6, 3), rtol=1e-4, atol=1e-6)
    assert torch.autograd.gradcheck(layer.eval(), features)


def test_a_batch_of_one_and_an_empty_one_do_no_harm() -> None:
    layer = Standardise(2)
    assert torch.equal(layer(torch.tensor([[3.0, -1.0]])), torch.zeros(1, 2))
    assert layer(torch.zeros(0, 2)).shape == (0, 2)
    assert torch.isfinite(layer.mean).all()


def test_a_linear_head_on_means_close_together_learns_by_it() -> None:
    """Word vectors that share a large part: what differs between the texts is a hundredth of their length."""

    def accuracy(*, standardise: bool) -> float:
        torch.manual_seed(3)
        embedding = nn.Embedding.from_pretrained(1.0 + 0.01 * torch.randn(50, 8), padding_idx=0)
        network = Network(embedding, Mean(8), {"task": nn.Linear(8, 2)}, standardise=standardise)
        ids = torch.randint(1, 50, (200, 10))
        direction = torch.randn(8)
        scores = embedding(ids).mean(dim=1) @ direction
        labels = (scores > scores.median()).long()
        optimizer = torch.optim.Adam(network.heads.parameters(), lr=0.01)
        for _ in range(100):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network.logits("task", ids), labels).backward()
            optimizer.step()
        network.eval()
        return (network.logits("task", ids).argmax(dim=1) == labels).float().mean().item()

    assert accuracy(standardise=True) > 0.95
    assert accuracy(standardise=False) < 0.75


def test_a_network_on_another_embedding_shares_it() -> None:
    network = Network(nn.Embedding(5, 2, padding_idx=0), Mean(2), {"task": nn.Linear(2, 2)}, standardise=True)
    assert network.on(nn.Embedding(7, 2, padding_idx=0)).standardise is network.standardise


def test_before_it_is_active_it_passes_on_and_learns_nothing() -> None:
    layer = TaskLayer(4)
    vectors = torch.randn(3, 4, requires_grad=True)
    assert layer(vectors) is vectors
    layer(vectors).sum().backward()
    assert all(each.grad is None for each in layer.parameters())


def test_activating_it_changes_no_result_and_then_it_learns() -> None:
    layer = TaskLayer(4, hidden_size=2)
    vectors = torch.randn(3, 4)
    activate_task_layers(nn.Sequential(layer))
    assert torch.equal(layer(vectors), vectors)
    layer(vectors).square().sum().backward()
    assert layer.up.weight.grad is not None
    assert layer.up.weight.grad.abs().sum() > 0


def test_whether_it_is_active_is_saved_with_it() -> None:
    layer, other = TaskLayer(4), TaskLayer(4)
    activate_task_layers(layer)
    other.load_state_dict(layer.state_dict())
    assert other.active


def test_in_a_run_it_is_active_from_the_switch_on() -> None:
    class Layered(Bag):
        def __init__(self) -> None:
            super().__init__(1)
            self.layer = TaskLayer(8)

        def forward(self, ids: torch.Tensor, task: str) -> torch.Tensor:
            scores: torch.Tensor = self.heads[task](self.shared(self.layer(self.embedding(ids).mean(dim=1))))
            return scores

    planted, network, moved = plant(1), Layered(), []
    start = network.layer.up.weight.detach().clone()
    Trainer(
        network,
        primary=planted.primary,
        optimizer=torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.1),
        strategy=Switch(3),
        auxiliaries=[planted.helpful],
        epochs=4,
        monitor=None,
        transition=TransitionActions(activate=activate_task_layers),
        callbacks=[
            Following(
                on_evaluation=lambda evaluation: moved.append(
                    (evaluation.epoch, not torch.equal(network.layer.up.weight, start))
                )
            )
        ],
    ).fit()
    assert moved == [(1, False), (2, False), (3, True), (4, True)]
