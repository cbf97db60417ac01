"""A small random BERT with a head for classes and one for words, and data for both."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mt2st.training.auxiliaries import AuxiliaryDataset

pytest.importorskip("transformers")
from transformers import BertConfig, BertForSequenceClassification

WORDS, LENGTH = 50, 8


class TwoHeads(BertForSequenceClassification):
    """A classifier whose loss is a share of a step's sum, where the number of its texts is given; and another head."""

    accepts_loss_kwargs = True

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.words = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def forward(self, input_ids: Tensor, labels: Tensor | None = None, num_items_in_batch: Any = None) -> Any:
        outputs = super().forward(input_ids=input_ids, labels=labels)
        if num_items_in_batch is not None and labels is not None:
            outputs.loss = outputs.loss * len(labels) / num_items_in_batch
        return outputs


def model(*, dropout: float = 0.1, **settings: Any) -> TwoHeads:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=LENGTH,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        **settings,
    )
    return TwoHeads(config)


def reviews(number: int = 48) -> list[dict[str, Tensor]]:
    ids = torch.randint(0, WORDS, (number, LENGTH), generator=torch.Generator().manual_seed(1))
    return [{"input_ids": each, "labels": (each[0] > WORDS // 2).long()} for each in ids]


class Words:
    """Texts with labels for some of their words, more in some than in others; counts what is read of them."""

    def __init__(self, number: int = 48) -> None:
        self.ids = torch.randint(0, WORDS, (number, LENGTH), generator=torch.Generator().manual_seed(2))
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        self.read.append(number)
        labels = self.ids[number].clone()
        labels[1 + number % LENGTH :] = -100
        return {"input_ids": self.ids[number], "labels": labels}


def words_loss(module: Any, batch: dict[str, Tensor], num_items_in_batch: Tensor | None = None) -> Tensor:
    """Cross entropy of the labelled words: a share of a step's sum where the number of its words is given."""
    states = module.bert(batch["input_ids"]).last_hidden_state
    logits, labels = module.words(states).flatten(0, 1), batch["labels"].flatten()
    if num_items_in_batch is None:
        return nn.functional.cross_entropy(logits, labels)
    return nn.functional.cross_entropy(logits, labels, reduction="sum") / num_items_in_batch


def mean_words_loss(module: Any, batch: dict[str, Tensor]) -> Tensor:
    return words_loss(module, batch)


def words_task(**settings: Any) -> AuxiliaryDataset:
    return AuxiliaryDataset(Words(), **({"collator": None, "loss": words_loss} | settings))


def masked(examples: list[Any]) -> dict[str, Tensor]:
    """Leave out random words."""
    batch = torch.utils.data.default_collate(examples)
    batch["input_ids"][torch.rand(batch["input_ids"].shape) < 0.3] = 0
    return batch


def parameters(module: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(module.state_dict())


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor], **tolerance: float) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        if tolerance:
            torch.testing.assert_close(
                value, other[name], **({"rtol": 0.0} | tolerance), msg=lambda m, n=name: f"{n}: {m}"
            )
        else:
            assert torch.equal(value, other[name]), name
