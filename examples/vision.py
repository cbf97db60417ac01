"""A vision model without any text: which digit (few labels) is the primary task, odd or even (many) the auxiliary one.

Run it by ``python examples/vision.py``.
"""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from mt2st import DataLoaderTask, SingleTask, Strategy, Switch, Trainer
from mt2st.training import Run

Batch = list[Tensor]


class SmallCNN(nn.Module):
    """Two convolutions, a head for the digit and one for odd or even."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )  # fmt: skip
        self.digit = nn.Linear(128, 10)
        self.odd = nn.Linear(128, 2)


def digit_loss(module: nn.Module, batch: Batch) -> Tensor:
    """Return the cross-entropy of the digits."""
    images, digits = batch
    assert isinstance(module, SmallCNN)
    return nn.functional.cross_entropy(module.digit(module.features(images)), digits)


def digit_accuracy(module: nn.Module, batch: Batch) -> Tensor:
    """Return the accuracy on a batch of the validation data."""
    images, digits = batch
    assert isinstance(module, SmallCNN)
    return (module.digit(module.features(images)).argmax(dim=1) == digits).float().mean()


def odd_loss(module: nn.Module, batch: Batch) -> Tensor:
    """Return the cross-entropy of odd or even."""
    images, odd = batch
    assert isinstance(module, SmallCNN)
    return nn.functional.cross_entropy(module.odd(module.features(images)), odd)


def train(strategy: Strategy, labelled: int = 100, epochs: int = 24) -> Run:
    """Train on a hundred images whose digit is known and a thousand of which only odd or even is known."""
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    few = DataLoader(TensorDataset(images[:labelled], labels[:labelled]), batch_size=20)
    many = DataLoader(TensorDataset(images[:1000], labels[:1000] % 2), batch_size=100)
    unseen = DataLoader(TensorDataset(images[1000:], labels[1000:]), batch_size=1000)

    module = SmallCNN()
    trainer = Trainer(
        module,
        primary=DataLoaderTask("digit", few, digit_loss, validation=unseen, metrics={"accuracy": digit_accuracy}),
        auxiliaries=[DataLoaderTask("odd", many, odd_loss)],
        strategy=strategy,
        optimizer=torch.optim.AdamW(module.parameters(), lr=3e-3),
        epochs=epochs,
        monitor="accuracy",
    )
    return trainer.fit()


if __name__ == "__main__":
    for strategy in (SingleTask(), Switch(at=16)):
        run = train(strategy)
        print(f"{strategy}: accuracy {run.evaluations[run.best].validation['accuracy']:.3f}")
