"""A module with two heads: prices of few items are the primary task, measurements of all items help for a while.

Run it by ``python examples/two_heads.py``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset, TensorDataset

from mt2st import DataLoaderTask, Diminish, SingleTask, Strategy, Trainer
from mt2st.training import Run

Batch = list[Tensor]


class TwoHeads(nn.Module):
    """A shared layer with a head for the price and one for three measurements."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
        self.price = nn.Linear(32, 1)
        self.measurements = nn.Linear(32, 3)


def price_loss(module: nn.Module, batch: Batch) -> Tensor:
    """Return the squared error of the prices."""
    items, prices, _ = batch
    assert isinstance(module, TwoHeads)
    return nn.functional.mse_loss(module.price(module.shared(items)), prices)


def measurement_loss(module: nn.Module, batch: Batch) -> Tensor:
    """Return the squared error of the measurements."""
    items, _, measurements = batch
    assert isinstance(module, TwoHeads)
    return nn.functional.mse_loss(module.measurements(module.shared(items)), measurements)


def train(strategy: Strategy, epochs: int = 40) -> Run:
    """Train on 64 items with a price and 512 with measurements, which the price depends on."""
    torch.manual_seed(0)
    items = torch.randn(512, 8)
    measurements = items @ torch.randn(8, 3)
    data = TensorDataset(items, measurements.norm(dim=1, keepdim=True), measurements)
    priced, unseen = Subset(data, range(64)), Subset(data, range(256, 512))

    module = TwoHeads()
    trainer = Trainer(
        module,
        primary=DataLoaderTask("price", DataLoader(priced, 16), price_loss, validation=DataLoader(unseen, 256)),
        auxiliaries=[DataLoaderTask("measurements", DataLoader(data, 64), measurement_loss)],
        strategy=strategy,
        optimizer=torch.optim.AdamW(module.parameters(), lr=3e-2),
        epochs=epochs,
    )
    return trainer.fit()


if __name__ == "__main__":
    for strategy in (SingleTask(), Diminish(decay=0.1)):
        run = train(strategy)
        best = run.evaluations[run.best]
        print(f"{strategy}: validation loss {best.validation['loss']:.3f} in epoch {best.epoch}")
