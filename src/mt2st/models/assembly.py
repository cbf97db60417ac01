"""The parts of a training, as settings ask for them: network, optimizer, threads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from mt2st.models.kinds import Kind
from mt2st.models.settings import ClassifierSettings
from mt2st.network import Network, build_encoder


def new_network(
    settings: ClassifierSettings, embedding: nn.Embedding, heads: Mapping[str, tuple[Kind[Any], int]]
) -> Network:
    """Return a new network on an embedding.

    Args:
        settings: the model's.
        embedding: the word embedding.
        heads: by the name of the task, the kind of its data and its number of classes.
    """
    encoder = build_encoder(
        settings.encoder,
        vector_size=settings.vector_size,
        hidden_size=settings.hidden_size,
        pooling=settings.pooling,
    )
    modules = {name: kind.head(encoder, n_classes) for name, (kind, n_classes) in heads.items()}
    return Network(embedding, encoder, modules, dropout=settings.dropout, word_dropout=settings.word_dropout)


def new_optimizer(settings: ClassifierSettings, network: Network) -> torch.optim.AdamW:
    """Return AdamW with two groups, the embedding (without weight decay) and the rest."""
    rest = [each for name, each in network.named_parameters() if not name.startswith("embedding.")]
    network_rate, embedding_rate = settings.learning_rates
    return torch.optim.AdamW(
        [
            {"name": "embedding", "params": [network.embedding.weight], "lr": embedding_rate, "weight_decay": 0.0},
            {"name": "network", "params": rest, "lr": network_rate, "weight_decay": settings.weight_decay},
        ]
    )


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def torch_threads(threads: int | None) -> Iterator[None]:
    """Let torch use so many threads for a block; None leaves them as they are."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
