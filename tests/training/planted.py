"""Data with a planted truth: one auxiliary task helps the primary, another one contradicts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

WORDS, LENGTH, SIZE = 120, 20, 8


class Bag(nn.Module):
    """The mean of word vectors and one head, which all tasks share."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = nn.Embedding(WORDS, SIZE, _weight=0.1 * torch.randn(WORDS, SIZE, generator=generator))
        self.head = nn.Linear(SIZE, 2)
        with torch.no_grad():
            self.head.weight.copy_(0.5 * torch.randn(2, SIZE, generator=generator))
            self.head.bias.zero_()

    def forward(self, ids: Tensor) -> Tensor:
        """Return ``[texts, 2]`` scores."""
        scores: Tensor = self.head(self.embedding(ids).mean(dim=1))
        return scores


@dataclass(frozen=True)
class Texts:
    """A task on labelled texts.

    Attributes:
        name: its name.
        ids: ``[n, LENGTH]``.
        labels: ``[n]``.
        held_out: texts and labels that it is measured on.
        batch: texts of a batch.
    """

    name: str
    ids: Tensor
    labels: Tensor
    held_out: tuple[Tensor, Tensor] | None = None
    batch: int = 16

    @property
    def n_batches(self) -> int:
        return -(-len(self.ids) // self.batch)

    def batches(self, *, epoch: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.ids), generator=torch.Generator().manual_seed(1000 * seed + epoch))
        for rows in order.split(self.batch):
            yield self.ids[rows], self.labels[rows]

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.cross_entropy(network(batch[0]), batch[1])

    @torch.no_grad()
    def evaluate(self, network: nn.Module) -> Mapping[str, float]:
        if self.held_out is None:
            return {}
        scores, labels = network(self.held_out[0]), self.held_out[1]
        return {
            "loss": functional.cross_entropy(scores, labels).item(),
            "accuracy": (scores.argmax(dim=1) == labels).float().mean().item(),
        }


@dataclass(frozen=True)
class Planted:
    """The three tasks, and texts for the final measurement."""

    primary: Texts
    helpful: Texts
    harmful: Texts
    test: tuple[Tensor, Tensor]


def plant(seed: int, *, few: int = 64, many: int = 400) -> Planted:
    """Draw texts whose words lean to their class; the harmful task has every label turned round."""
    generator = torch.Generator().manual_seed(seed)
    leaning = torch.arange(WORDS) % 2

    def draw(count: int) -> tuple[Tensor, Tensor]:
        labels = torch.arange(count) % 2
        words = torch.randint(WORDS // 2, (count, LENGTH), generator=generator) * 2
        agrees = torch.rand(count, LENGTH, generator=generator) < 0.6
        side = torch.where(agrees, labels[:, None], 1 - labels[:, None])
        ids = words + side
        assert bool((leaning[ids] == side).all())
        return ids, labels

    train, validation, test, more, wrong = draw(few), draw(100), draw(1000), draw(many), draw(many)
    return Planted(
        primary=Texts("primary", *train, held_out=validation),
        helpful=Texts("helpful", *more),
        harmful=Texts("harmful", wrong[0], 1 - wrong[1]),
        test=test,
    )
