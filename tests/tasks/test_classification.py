from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from mt2st.network import Network, build_encoder
from mt2st.tasks import ClassificationTask, MultiLabelTask, Texts
from mt2st.tasks.classification import Labelled, classification_head, predict_probabilities
from mt2st.text import PAD
from mt2st.training import Task

N_TEXTS, N_CLASSES = 23, 3


def labelled(seed: int = 0) -> Labelled:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 9, N_TEXTS)
    ids = rng.integers(1, 30, lengths.sum()).astype(np.int32)
    return Labelled(Texts(ids, np.concatenate([[0], np.cumsum(lengths)])), rng.integers(0, N_CLASSES, N_TEXTS))


def make_network(dropout: float = 0.0) -> Network:
    torch.manual_seed(0)
    encoder = build_encoder("cnn", vector_size=6, hidden_size=4)
    heads = {name: classification_head(encoder.pooled_size, N_CLASSES) for name in ("label", "topic")}
    return Network(nn.Embedding(30, 6, padding_idx=PAD), encoder, heads, dropout=dropout)


def task(name: str = "label", validation: Labelled | None = None) -> ClassificationTask:
    return ClassificationTask(name, labelled(), N_CLASSES, validation=validation, batch_size=5, max_length=6)


def seen(name: str, epoch: int, seed: int) -> list[list[int]]:
    return [
        row
        for batch in task(name).batches(epoch=epoch, seed=seed)
        for row in (*batch.ids.tolist(), batch.targets.tolist())
    ]


def test_it_is_a_task() -> None:
    assert isinstance(task(), Task)


def test_an_epoch_gives_every_text_once_with_its_own_target() -> None:
    data = labelled()
    batches = list(task().batches(epoch=1, seed=1))
    assert len(batches) == task().n_batches == 5
    found = sorted(
        (tuple(word for word in row if word != PAD), target)
        for batch in batches
        for row, target in zip(batch.ids.tolist(), batch.targets.tolist(), strict=True)
    )
    expected = sorted(
        (tuple(data.texts.ids[start:stop].tolist()[:6]) or (1,), int(target))
        for start, stop, target in zip(data.texts.offsets, data.texts.offsets[1:], data.targets, strict=False)
    )
    assert found == expected


def test_the_order_depends_on_epoch_seed_and_name_alone() -> None:
    assert seen("label", 1, 1) == seen("label", 1, 1)
    orders = [seen("label", 1, 1), seen("label", 2, 1), seen("label", 1, 2), seen("topic", 1, 1)]
    assert len({str(order) for order in orders}) == 4


def test_its_loss_is_the_mean_cross_entropy_of_its_own_head() -> None:
    network = make_network().eval()
    batch = next(task("topic").batches(epoch=1, seed=1))
    probabilities = network.heads["topic"](network.encode(batch.ids).pooled).softmax(dim=1).tolist()
    expected = np.mean(
        [-math.log(row[target]) for row, target in zip(probabilities, batch.targets.tolist(), strict=True)]
    )
    loss = task("topic").loss(network, batch)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert network.heads["label"].weight.grad is None
    assert network.embedding.weight.grad is not None


def test_probabilities_come_back_in_the_order_of_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt2st.tasks.batch.TOKENS_ON_CPU", 24)
    network, texts = make_network().eval(), labelled().texts
    together = predict_probabilities(network, "label", texts, max_length=6)
    assert together.shape == (N_TEXTS, N_CLASSES)
    for index in range(N_TEXTS):
        alone = network.logits("label", texts.padded(np.array([index]), 6)).softmax(dim=1)
        assert together[index] == pytest.approx(alone[0].tolist(), abs=1e-6)


def test_evaluation_is_free_of_dropout_and_leaves_the_mode_as_it_was() -> None:
    network = make_network(dropout=0.5)
    measured = task(validation=labelled(1))
    for training in (True, False):
        network.train(training)
        assert measured.evaluate(network) == measured.evaluate(network)
        assert network.training is training


def test_the_mode_is_put_back_when_prediction_fails() -> None:
    network = make_network().train()
    with pytest.raises(KeyError):
        predict_probabilities(network, "unknown", labelled().texts, max_length=6)
    assert network.training


def test_evaluation_measures_the_validation_part() -> None:
    network, validation = make_network().eval(), labelled(1)
    measures = task(validation=validation).evaluate(network)
    probabilities = predict_probabilities(network, "label", validation.texts, max_length=6)
    assert measures["accuracy"] == pytest.approx(np.mean(probabilities.argmax(axis=1) == validation.targets))
    of_truth = probabilities[np.arange(N_TEXTS), validation.targets]
    assert measures["loss"] == pytest.approx(-np.log(of_truth).mean(), rel=1e-6)
    assert task().evaluate(network) == {}


def test_texts_count_by_their_weights_in_the_measured_loss_too() -> None:
    network, data = make_network().eval(), labelled(1)
    some = np.arange(N_TEXTS) % 3 == 0
    weighted = Labelled(data.texts, data.targets, np.where(some, 2.5, 0.0).astype(np.float32))
    alone = task().measure(network, data.select(np.flatnonzero(some)))
    assert task().measure(network, weighted)["loss"] == pytest.approx(alone["loss"], rel=1e-6)
    none = Labelled(data.texts, data.targets, np.zeros(N_TEXTS, np.float32))
    assert task().measure(network, none)["loss"] == task().measure(network, data)["loss"]
    both = Labelled(data.texts, np.eye(N_CLASSES, dtype=np.bool_)[data.targets], weighted.weights)
    several = MultiLabelTask("label", both, max_length=6)
    loss = several.measure(network, both.select(np.flatnonzero(some)))["loss"]
    assert several.measure(network, both)["loss"] == pytest.approx(loss, rel=1e-6)


def test_a_hopeless_prediction_has_a_finite_loss() -> None:
    network = make_network()
    head = network.heads["label"]
    assert isinstance(head, nn.Linear)
    head.weight.data.zero_()
    head.bias.data = torch.tensor([0.0, 500.0, 0.0])
    loss = task().measure(network, Labelled(labelled().texts, np.zeros(N_TEXTS, dtype=np.int64)))["loss"]
    assert 80 < loss < 100
