from __future__ import annotations

import numpy as np
import pytest
import torch

from mt2st.tasks import SemanticSyntacticTask
from tests.tasks.relations_data import (
    FreeTable,
    MappedTable,
    hold_out,
    planted_features,
    questions,
    random_table,
    train_alone,
)


def batch_and_table() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(questions().ids[:7]), random_table()


def test_the_raw_form_is_the_formula() -> None:
    batch, table = batch_and_table()
    t = table.numpy()
    expected = -np.mean([t[d] @ (t[b] - t[a] + t[c]) for a, b, c, d in batch.tolist()])
    task = SemanticSyntacticTask(questions(), raw=True)
    assert task.loss(FreeTable(table), batch).item() == pytest.approx(expected, rel=1e-12)


def test_the_normalised_form_is_the_formulas_cosine() -> None:
    batch, table = batch_and_table()
    t = table.numpy()
    cosines = []
    for a, b, c, d in batch.tolist():
        offset = t[b] - t[a] + t[c]
        cosines.append(t[d] @ offset / np.linalg.norm(t[d]) / np.linalg.norm(offset))
    task = SemanticSyntacticTask(questions())
    assert task.loss(FreeTable(table), batch).item() == pytest.approx(-np.mean(cosines), rel=1e-12)


@pytest.mark.parametrize("scale", [0.5, 2.0, 10.0])
def test_scale_alone_raises_the_raw_form_and_leaves_the_normalised(scale: float) -> None:
    batch, table = batch_and_table()
    raw, normalised = SemanticSyntacticTask(questions(), raw=True), SemanticSyntacticTask(questions())
    at_one, scaled = FreeTable(table), FreeTable(scale * table)
    assert raw.loss(scaled, batch).item() == pytest.approx(scale**2 * raw.loss(at_one, batch).item(), rel=1e-9)
    assert normalised.loss(scaled, batch).item() == pytest.approx(normalised.loss(at_one, batch).item(), rel=1e-9)


def test_training_blows_vectors_up_in_the_raw_form_alone() -> None:
    norms = {}
    for raw in (True, False):
        task, network = SemanticSyntacticTask(questions(), raw=raw), FreeTable(random_table())
        optimizer = torch.optim.SGD(network.parameters(), lr=20.0 if raw else 0.1)
        before = network.embedding.weight.norm().item()
        for epoch in range(1, 4):
            for batch in task.batches(epoch=epoch, seed=1):
                optimizer.zero_grad()
                task.loss(network, batch).backward()
                optimizer.step()
                if network.embedding.weight.norm() > 1e6:
                    break
        norms[raw] = network.embedding.weight.norm().item() / before
    assert norms[True] > 1e3
    assert norms[False] < 2


def test_alone_it_may_draw_all_words_to_one_vector_which_contrast_shows() -> None:
    parts = hold_out(questions(), 0.1)
    task, network = SemanticSyntacticTask(parts.train, parts.held_out), MappedTable(planted_features())
    before = task.evaluate(network)
    train_alone(task, network, steps=120)
    after = task.evaluate(network)
    assert after["cosine"] > 0.95
    assert after["contrast"] < before["contrast"]


def test_measures_are_those_of_their_definitions() -> None:
    parts = hold_out(questions(), 0.1)
    assert parts.held_out is not None
    table = random_table()
    found = SemanticSyntacticTask(parts.train, parts.held_out).evaluate(FreeTable(table))
    t, ids, semantic = table.numpy(), parts.held_out.ids, parts.held_out.semantic
    offsets = t[ids[:, 1]] - t[ids[:, 0]] + t[ids[:, 2]]
    offsets /= np.linalg.norm(offsets, axis=1, keepdims=True)
    answers = t[ids[:, 3]] / np.linalg.norm(t[ids[:, 3]], axis=1, keepdims=True)
    every = offsets @ answers.T
    own = np.diag(every)
    expected = {
        "cosine": own.mean(),
        "contrast": own.mean() - every.mean(),
        "semantic_cosine": own[semantic].mean(),
        "syntactic_cosine": own[~semantic].mean(),
    }
    assert found == pytest.approx(expected, rel=1e-9)
