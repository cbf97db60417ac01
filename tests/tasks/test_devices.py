"""Tasks compute where the module is. Torch's meta device holds no numbers, but refuses operations on two devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mt2st.embedding.subwords import KnownSubwords, SubwordSettings
from mt2st.network import Network, SubwordEmbedding, build_encoder
from mt2st.network.network import TaskLayer
from mt2st.tasks import ClassificationTask, LabelledTask, MultiLabelTask, Texts
from mt2st.tasks.classification import Labelled, classification_head
from mt2st.training.device import device_of, moved
from tests.tasks.relations_data import FreeTable, random_table
from tests.tasks.test_word_tasks import EVERY, first_batch

META = torch.device("meta")
TEXTS = Texts(np.arange(2, 32, dtype=np.int32), np.array([0, 10, 18, 30]))
WEIGHTS = np.array([0.5, 1.0, 1.5], dtype=np.float32)
TASKS = [
    ClassificationTask("primary", Labelled(TEXTS, np.array([0, 1, 2])), n_classes=3),
    ClassificationTask("primary", Labelled(TEXTS, np.array([0, 1, 2]), WEIGHTS), n_classes=3),
    MultiLabelTask("primary", Labelled(TEXTS, np.eye(3, dtype=np.bool_), WEIGHTS)),
]


@pytest.mark.parametrize("encoder", ["mean", "bilstm", "cnn"])
@pytest.mark.parametrize("task", TASKS, ids=["classification", "weighted", "multi-label"])
def test_a_network_computes_where_it_is(encoder: str, task: LabelledTask[Any, Any]) -> None:
    with torch.device("meta"):
        shared = build_encoder(encoder, vector_size=8, hidden_size=4)
        network = Network(
            nn.Embedding(40, 8, padding_idx=0),
            shared,
            {"primary": classification_head(shared.pooled_size, 3)},
            dropout=0.1,
            word_dropout=0.1,
            standardise=True,
        )
    batch = first_batch(task)
    loss = task.loss(network, moved(batch, device_of(network)))
    loss.backward()
    assert loss.device == META
    assert all(each.grad is not None and each.grad.device == META for each in network.parameters())
    with pytest.raises((RuntimeError, NotImplementedError)):
        task.loss(network, batch)


@EVERY
def test_tasks_on_words_compute_where_the_table_is(make: Callable[..., Any]) -> None:
    task = make()
    if make.__name__ == "hardest":
        pytest.skip("it chooses pairs by their values, which the meta device does not have")
    module = FreeTable(random_table(dtype=torch.float32)).to(META)
    loss = task.loss(module, moved(first_batch(task), META))
    assert loss.device == META
    assert task.loss(module, first_batch(task)).device == META, "a task on words moves what it needs"


def test_parts_of_a_network_follow_it() -> None:
    tokens = ["<pad>", "<unk>", "film", "films"]
    known = KnownSubwords.of(tokens, SubwordSettings(min_n=3, max_n=4, bucket=20))
    embedding = SubwordEmbedding(torch.zeros(known.rows.table_rows, 4), known)
    network = nn.ModuleDict({"embedding": embedding, "layer": TaskLayer(4)}).to(META)
    assert {each.device for each in [*network.parameters(), *network.buffers()]} == {META}
    assert embedding.with_words(known.bags_of(["filmed"])).rows.device == META
