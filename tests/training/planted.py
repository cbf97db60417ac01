"""Data with a planted truth: one auxiliary task helps the primary, another one contradicts it.

Each task has a head of its own, so no contradiction can sit in a head: labels that are merely turned round would be as
good as the right ones. What the tasks share is the embedding and one unit above it, which is all that a head sees of a
text. The primary wants to read there which of two sides a word leans to; the harmful task wants to read which of four
groups it belongs to, and each group has as many words of the one side as of the other. One number a word cannot serve
both: whatever tells the groups apart hides the sides, under any heads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

WORDS, LENGTH, SIZE = 120, 20, 8
GROUPS = 4
SIDE_OF_WORD = torch.arange(WORDS) % 2
GROUP_OF_WORD = torch.arange(WORDS) // 2 % GROUPS


class Bag(nn.Module):
    """The mean of word vectors, one shared unit that sees it, and a head for each task.

    The heads start alike: with opposite signs, two tasks of the same labels would contradict each other at first.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = nn.Embedding(WORDS, SIZE, _weight=0.1 * torch.randn(WORDS, SIZE, generator=generator))
        self.shared = nn.Linear(SIZE, 1, bias=False)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(1, classes) for name, classes in (("primary", 2), ("helpful", 2), ("harmful", GROUPS))}
        )
        with torch.no_grad():
            self.shared.weight.copy_(functional.normalize(torch.randn(1, SIZE, generator=generator)))
            for head in self.heads.values():
                assert isinstance(head, nn.Linear)
                head.weight.copy_(torch.linspace(-2, 2, head.out_features)[:, None])
                head.bias.zero_()

    def forward(self, ids: Tensor, task: str) -> Tensor:
        """Return ``[texts, classes]`` scores of a task."""
        scores: Tensor = self.heads[task](self.shared(self.embedding(ids).mean(dim=1)))
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
        return functional.cross_entropy(network(batch[0], self.name), batch[1])

    @torch.no_grad()
    def evaluate(self, network: nn.Module) -> Mapping[str, float]:
        if self.held_out is None:
            return {}
        scores, labels = network(self.held_out[0], self.name), self.held_out[1]
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


def plant(seed: int, *, few: int = 64, many: int = 800) -> Planted:
    """Draw texts whose words lean to their label: to a side (the primary and the helpful task) or to a group."""
    generator = torch.Generator().manual_seed(seed)

    def draw(count: int, class_of_word: Tensor, leaning: float) -> tuple[Tensor, Tensor]:
        classes = int(class_of_word.max()) + 1
        labels = torch.arange(count) % classes
        others = (labels[:, None] + torch.randint(1, classes, (count, LENGTH), generator=generator)) % classes
        agrees = torch.rand(count, LENGTH, generator=generator) < leaning
        words = torch.stack([torch.nonzero(class_of_word == each).flatten() for each in range(classes)])
        which = torch.randint(words.shape[1], (count, LENGTH), generator=generator)
        return words[torch.where(agrees, labels[:, None], others), which], labels

    train, validation, test, more = (draw(count, SIDE_OF_WORD, 0.6) for count in (few, 100, 1000, many))
    return Planted(
        primary=Texts("primary", *train, held_out=validation),
        helpful=Texts("helpful", *more, batch=64),
        harmful=Texts("harmful", *draw(many, GROUP_OF_WORD, 0.8), batch=64),
        test=test,
    )
