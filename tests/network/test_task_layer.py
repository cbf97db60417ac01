from __future__ import annotations

import torch
from tests.following import Following
from tests.training.planted import Bag, plant
from torch import nn

from mt2st.network.task_layer import TaskLayer, activate_task_layers
from mt2st.strategy import Switch
from mt2st.training import Trainer, TransitionActions


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
