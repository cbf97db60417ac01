"""Small relations with structure, and modules that have nothing but a shared table."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mt2st.tasks.held_out import HeldOut, RelationsT, divide, held_out_words
from mt2st.tasks.relations import Judgements, Lexicon, Questions

N_PAIRS, VECTOR_SIZE = 60, 4
VOCABULARY = 2 + 2 * N_PAIRS


class FreeTable(nn.Module):
    """Each word has a row of its own."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(table.clone(), freeze=False)


class Mapped(nn.Module):
    """The part ``embedding.weight = features @ map``: what is learned from some words holds for all."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features
        self.map = nn.Parameter(torch.eye(features.shape[1], dtype=features.dtype))

    @property
    def weight(self) -> Tensor:
        return self.features @ self.map


class MappedTable(nn.Module):
    """A network whose table is made of fixed features by a learned linear map."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.embedding = Mapped(features)


def random_table(seed: int = 0, rows: int = VOCABULARY, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(rows, VECTOR_SIZE, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def pair_ids() -> np.ndarray:
    """Pairs of two words: 2 and 3, 4 and 5, ..."""
    return np.arange(2, VOCABULARY).reshape(-1, 2)


def planted_features(seed: int = 0, *, noise: float = 1.5, size: int = 12) -> Tensor:
    """Vectors in whose first half the pairs share one offset, and whose second half is louder noise.

    A linear map that mutes the second half lays the relation open, for all words alike.
    """
    rng = np.random.default_rng(seed)
    half = size // 2
    features = rng.normal(size=(VOCABULARY, size)) * np.r_[np.ones(half), np.full(size - half, noise)]
    pairs = pair_ids()
    offset = rng.normal(size=half) * 1.5
    features[pairs[:, 1], :half] = features[pairs[:, 0], :half] + offset + 0.1 * rng.normal(size=(len(pairs), half))
    return torch.from_numpy(features)


def questions(*, semantic_share: float = 0.5) -> Questions:
    """All questions between the semantic pairs, and all between the syntactic ones."""
    pairs = pair_ids()
    split = round(semantic_share * len(pairs))
    kinds = [(pairs[:split], True), (pairs[split:], False)]
    rows = [((*x, *y), kind) for part, kind in kinds for x in part for y in part if x[0] != y[0]]
    return Questions(np.array([ids for ids, _ in rows]), np.array([kind for _, kind in rows]))


def lexicon(*, disagree: bool = True) -> Lexicon:
    """The two words of a pair agree; those of different pairs do not."""
    pairs = pair_ids()
    shifts = range(1, 6 if disagree else 1)
    apart = [np.column_stack([pairs[:, 0], np.roll(pairs[:, 1], -shift)]) for shift in shifts]
    ids = np.concatenate([pairs, *apart])
    return Lexicon(ids, np.arange(len(ids)) < len(pairs))


def judgements(features: Tensor | None = None, *, seed: int = 0, pairs: int = 3000) -> Judgements:
    """Scores of random pairs in two sets of other scales: by the features' first half, or at random."""
    rng = np.random.default_rng(seed)
    ids = np.stack([rng.permutation(np.arange(2, VOCABULARY))[:2] for _ in range(pairs)])
    ids = np.unique(np.sort(ids, axis=1), axis=0)
    scores = rng.normal(size=len(ids))
    if features is not None:
        half = features[:, : features.shape[1] // 2]
        scores = torch.cosine_similarity(half[ids[:, 0]], half[ids[:, 1]]).numpy()
    sets = rng.integers(0, 2, len(ids))
    return Judgements(ids, np.where(sets == 0, scores, 50 + 10 * scores).round(2), sets, ("small", "large"))


def train_alone(task: object, network: nn.Module, *, steps: int = 150, lr: float = 0.02) -> None:
    """Train on nothing but one task."""
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    done, epoch = 0, 1
    while done < steps:
        for batch in task.batches(epoch=epoch, seed=1):  # type: ignore[attr-defined]
            optimizer.zero_grad()
            task.loss(network, batch).backward()  # type: ignore[attr-defined]
            optimizer.step()
            done += 1
        epoch += 1


def hold_out(relations: RelationsT, share: float, *, seed: int = 0) -> HeldOut[RelationsT]:
    return divide(relations, held_out_words([relations], share, seed=seed))
