from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from mt2st.network import Network, build_encoder
from mt2st.tasks import TaggingTask, Texts
from mt2st.tasks.labelled import part_of
from mt2st.tasks.tagging import NO_TARGET, TagBatch, Tagged, Words, predict_tag_probabilities, tagging_head
from mt2st.text import PAD
from mt2st.training import Task

N_SENTENCES, TAGS = 19, ("A", "B", "C")


def tagged(seed: int = 0, n_tags: int = len(TAGS), further: tuple[str, ...] = ()) -> Tagged:
    """Random sentences, in which a third of the tokens begin no word."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, N_SENTENCES)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    starts = rng.random(lengths.sum()) < 0.7
    starts[offsets[:-1]] = True
    ids = rng.integers(1, 30, lengths.sum()).astype(np.int32)
    n_words = np.add.reduceat(starts, offsets[:-1]).astype(np.int64)
    return Tagged(Words(Texts(ids, offsets), starts, n_words), rng.integers(0, n_tags, n_words.sum()), further)


def make_network(encoder: str = "bilstm", dropout: float = 0.0) -> Network:
    torch.manual_seed(0)
    shared = build_encoder(encoder, vector_size=6, hidden_size=4)
    heads = {name: tagging_head(shared.state_size, len(TAGS)) for name in ("label", "pos")}
    return Network(nn.Embedding(30, 6, padding_idx=PAD), shared, heads, dropout=dropout)


def task(name: str = "label", validation: Tagged | None = None, tags: tuple[str, ...] = TAGS) -> TaggingTask:
    return TaggingTask(name, tagged(), tags, validation=validation, batch_size=5, max_length=8)


def test_it_is_a_task() -> None:
    assert isinstance(task(), Task)


def test_an_epoch_gives_every_word_once_with_its_own_tag() -> None:
    data = tagged()
    batches = list(task().batches(epoch=1, seed=1))
    assert len(batches) == task().n_batches == 4
    found = sorted(
        (row[row != PAD].tolist(), targets[row != PAD].tolist())
        for batch in batches
        for row, targets in zip(batch.ids, batch.targets, strict=True)
    )
    offsets, spread = data.texts.offsets, data.token_targets
    expected = sorted(
        (data.texts.ids[start:stop].tolist(), spread[start:stop].tolist()) for start, stop in pairwise(offsets)
    )
    assert found == expected
    assert (spread != NO_TARGET).sum() == len(data.targets)


def test_data_may_stand_anywhere_in_a_corpus() -> None:
    """The texts of an auxiliary task begin behind others; what is beside them changes nothing."""
    data = tagged()
    shifted = Texts(np.concatenate([[7, 7, 7], data.texts.ids]).astype(np.int32), data.texts.offsets + 3)
    moved = Tagged(Words(shifted, data.words.starts, data.words.n_words), data.targets)
    network = make_network()
    assert task().measure(network, moved) == task().measure(network, data)
    other = TaggingTask("label", moved, TAGS, batch_size=5, max_length=8)
    for one, two in zip(task().batches(epoch=1, seed=1), other.batches(epoch=1, seed=1), strict=True):
        assert torch.equal(one.ids, two.ids)
        assert torch.equal(one.targets, two.targets)


def test_a_part_keeps_each_word_with_its_tag() -> None:
    data = tagged()
    few = part_of(data, 1, 5)
    parts = round(N_SENTENCES / 5)
    at = np.arange(1, N_SENTENCES, parts)
    assert len(few.texts) == len(at)
    assert few.words.n_words.sum() == few.words.starts.sum() == len(few.targets)
    assert few.texts.ids.tolist() == [token for index in at for token in ids_of(data, index)]
    bounds = np.concatenate([[0], np.cumsum(data.words.n_words)])
    assert few.targets.tolist() == [tag for index in at for tag in data.targets[bounds[index] : bounds[index + 1]]]
    network = make_network()
    everything = data.select(np.arange(N_SENTENCES))
    assert task().measure(network, everything) == task().measure(network, data)


def test_the_parts_together_are_all_texts() -> None:
    data = tagged()
    for size in (1, 5, 7, N_SENTENCES, 10 * N_SENTENCES):
        parts = max(1, round(N_SENTENCES / size))
        tokens = [sorted(part_of(data, number, size).texts.ids.tolist()) for number in range(parts)]
        assert sorted(token for part in tokens for token in part) == sorted(data.texts.ids.tolist())
        assert sorted(part_of(data, parts, size).texts.ids.tolist()) == tokens[0]


def ids_of(data: Tagged, index: int) -> list[int]:
    numbers: list[int] = data.texts.ids[data.texts.offsets[index] : data.texts.offsets[index + 1]].tolist()
    return numbers


@pytest.mark.parametrize("encoder", ["bilstm", "cnn", "mean"])
def test_padding_never_changes_a_loss_or_a_gradient(encoder: str) -> None:
    batch = next(task().batches(epoch=1, seed=1))
    more = torch.zeros(len(batch), 7, dtype=torch.long)
    wider = TagBatch(torch.cat([batch.ids, more], 1), torch.cat([batch.targets, more + NO_TARGET], 1))
    results = []
    for each in (batch, wider):
        network = make_network(encoder).eval()
        loss = task().loss(network, each)
        loss.backward()
        results.append((loss.item(), network.embedding.weight.grad))
    (narrow_loss, narrow), (wide_loss, wide) = results
    assert narrow_loss == pytest.approx(wide_loss, rel=1e-6)
    assert narrow is not None
    assert wide is not None
    assert torch.allclose(narrow, wide, atol=1e-7)


def test_its_loss_is_the_mean_cross_entropy_over_words_of_its_own_head() -> None:
    network = make_network().eval()
    batch = next(task("pos").batches(epoch=1, seed=1))
    probabilities = network.heads["pos"](network.encode(batch.ids).states).softmax(dim=2)
    expected = np.mean(
        [
            -math.log(probabilities[row, at, batch.targets[row, at]].item())
            for row, at in (batch.targets != NO_TARGET).nonzero().tolist()
        ]
    )
    loss = task("pos").loss(network, batch)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert network.heads["label"].weight.grad is None
    assert network.embedding.weight.grad is not None


@pytest.mark.parametrize("encoder", ["bilstm", "cnn", "mean"])
def test_probabilities_come_back_in_the_order_of_the_words(encoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt2st.tasks.batch.TOKENS_ON_CPU", 32)
    network, words = make_network(encoder).eval(), tagged().words
    together = predict_tag_probabilities(network, "label", words, max_length=8)
    assert together.shape == (words.n_words.sum(), len(TAGS))
    at = 0
    for index in range(N_SENTENCES):
        start, stop = words.texts.offsets[index : index + 2]
        ids = torch.from_numpy(words.texts.ids[start:stop].astype(np.int64))[None]
        with torch.no_grad():
            alone = network.heads["label"](network.encode(ids).states)[0].softmax(dim=1).numpy()
        expected = alone[words.starts[start:stop]]
        assert together[at : at + len(expected)] == pytest.approx(expected, abs=1e-6)
        at += len(expected)


def test_evaluation_is_free_of_dropout_and_leaves_the_mode_as_it_was() -> None:
    network = make_network(dropout=0.5).train()
    measured = task(validation=tagged(1))
    assert measured.evaluate(network) == measured.evaluate(network)
    assert network.training
    assert task().evaluate(network) == {}


def test_tags_that_mark_no_spans_are_measured_word_by_word() -> None:
    network, data = make_network(), tagged(1)
    measures = task(validation=data).evaluate(network)
    predictions = predict_tag_probabilities(network, "label", data.words, max_length=8).argmax(axis=1)
    assert measures["accuracy"] == pytest.approx(np.mean(predictions == data.targets))
    assert set(measures) >= {"loss", "macro_f1", "weighted_f1"}


def test_tags_that_mark_spans_are_measured_by_entities() -> None:
    network, data = make_network(), tagged(1)
    names = ("B-x", "I-x", "O")
    measures = task(tags=names).measure(network, data)
    reference = pytest.importorskip("seqeval.metrics.sequence_labeling")
    predictions = predict_tag_probabilities(network, "label", data.words, max_length=8).argmax(axis=1)
    bounds = np.cumsum(data.words.n_words)[:-1]
    true, predicted = (
        [[names[number] for number in part] for part in np.split(numbers, bounds)]
        for numbers in (data.targets, predictions)
    )
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        true, predicted, average="micro", zero_division=0
    )
    assert (measures["entity_precision"], measures["entity_recall"]) == pytest.approx((precision, recall))
    assert measures["entity_f1"] == pytest.approx(f1)


def test_predictions_follow_the_scheme_of_the_tags() -> None:
    data = tagged(1)
    names = ("B-x", "I-x", "O")
    every_inside = np.tile(np.array([0.1, 0.8, 0.1], np.float32), (len(data.targets), 1))
    starts = np.concatenate([[0], np.cumsum(data.words.n_words)[:-1]])
    legal = np.ones(len(data.targets), dtype=np.int64)
    legal[starts] = 0
    right = Tagged(data.words, legal)
    assert replace(task(tags=names), scheme="iob2").metrics(every_inside, right)["accuracy"] == 1.0
    assert task(tags=names).metrics(every_inside, right)["accuracy"] < 1.0


@pytest.mark.parametrize("names", [TAGS, ("B-x", "I-x", "O")])
def test_a_tag_that_the_task_has_not_counts_as_never_found(names: tuple[str, ...]) -> None:
    network, data = make_network(), tagged(1, n_tags=4, further=("B-new",))
    measures = task(tags=names).measure(network, data)
    predictions = predict_tag_probabilities(network, "label", data.words, max_length=8).argmax(axis=1)
    assert measures["accuracy"] == pytest.approx(np.mean(predictions == data.targets))
    assert math.isfinite(measures["loss"])
