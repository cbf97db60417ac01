"""A layer of a task's own above the shared encoder, for the single-task phase of Switch (section III-E)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class TaskLayer(nn.Module):
    """Passes its input on unchanged until it is activated; then adds what it learns: ``x + V tanh(U x)``.

    ``V`` starts at 0, so that activating it changes no result at that moment: training goes on from where multi-task
    training has led (Houlsby et al. 2019, arXiv 1902.00751, start their adapters so). Before, its parameters take no
    part: they get no gradient, and no optimizer moves them.

    Args:
        size: size of the vectors.
        hidden_size: rows of ``U``; as many as ``size`` if not given.
    """

    def __init__(self, size: int, hidden_size: int | None = None) -> None:
        super().__init__()
        self.down = nn.Linear(size, hidden_size or size)
        self.up = nn.Linear(hidden_size or size, size)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)
        self.register_buffer("active", torch.tensor(False))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return vectors of the same shape ``[..., size]``."""
        if not self.active:
            return vectors
        added: Tensor = self.up(torch.tanh(self.down(vectors)))
        return vectors + added


def activate_task_layers(network: nn.Module) -> None:
    """Activate every `TaskLayer` of a network: what a trainer calls at the transition."""
    for module in network.modules():
        if isinstance(module, TaskLayer):
            module.active.fill_(True)  # type: ignore[operator]  # a registered buffer
