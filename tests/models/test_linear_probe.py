"""The head fitted anew at the transition: its optimum, and what a training goes on with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.following import Following
from torch import Tensor, nn
from torch.nn import functional

from mt2st.errors import InputError
from mt2st.models.linear_probe import LinearProbe, pooled_vectors
from mt2st.network import Network, build_encoder
from mt2st.network.network import Standardise, TaskLayer
from mt2st.strategy import Switch
from mt2st.tasks import ClassificationTask, MultiLabelTask, Texts
from mt2st.tasks.classification import Labelled
from mt2st.training import FlopMeter, MetricsLog, Run, Trainer, TransitionActions

WORDS, SIZE = 12, 6


def texts_of(n: int, seed: int = 0) -> Texts:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, n)
    return Texts(rng.integers(1, WORDS, lengths.sum()).astype(np.int32), np.concatenate([[0], np.cumsum(lengths)]))


def classification(n: int = 40, n_classes: int = 2, seed: int = 0) -> ClassificationTask:
    targets = np.random.default_rng(seed).permutation(np.arange(n) % n_classes)
    return ClassificationTask("primary", Labelled(texts_of(n, seed), targets), n_classes, batch_size=8, max_length=6)


def network(n_classes: int, *, standardise: bool = True, layer: bool = False, encoder: str = "bilstm") -> Network:
    torch.manual_seed(1)
    embedding = nn.Embedding(WORDS, SIZE)
    layers = build_encoder(encoder, vector_size=SIZE, hidden_size=4, pooling="mean")
    head: nn.Module = nn.Linear(layers.pooled_size, n_classes)
    if layer:
        head = nn.Sequential(TaskLayer(layers.pooled_size), head)
    return Network(embedding, layers, {"primary": head}, dropout=0.5, word_dropout=0.2, standardise=standardise)


def all_ids(task: ClassificationTask | MultiLabelTask) -> Tensor:
    return task.train.texts.padded(np.arange(len(task.train.texts)), task.max_length)


def standardised(net: Network, task: ClassificationTask | MultiLabelTask) -> Tensor:
    """What the regression reads, by other means than its own: all texts as one batch, in double precision."""
    net.eval()
    with torch.no_grad():
        features = net.encode(all_ids(task)).pooled.double()
    return (features - features.mean(dim=0)) / features.std(dim=0, correction=0)


@settings(max_examples=25, deadline=None)
@given(
    n_classes=st.integers(2, 4),
    strength=st.floats(0.001, 1.0),
    standardise=st.booleans(),
    layer=st.booleans(),
    seed=st.integers(0, 5),
)
def test_the_head_is_where_the_penalised_loss_has_no_slope(
    n_classes: int, strength: float, standardise: bool, layer: bool, seed: int
) -> None:
    task = classification(n_classes=n_classes, seed=seed)
    net = network(n_classes, standardise=standardise, layer=layer)
    LinearProbe(task, strength)(net)
    features = standardised(net, task)
    with torch.no_grad():
        logits = net.logits("primary", all_ids(task)).double()
    # The head's own numbers, in terms of standardised features: those that give the network's scores.
    solved = torch.linalg.lstsq(torch.cat([features, torch.ones(len(features), 1)], dim=1), logits).solution
    weights, bias = solved[:-1].clone().requires_grad_(), solved[-1].clone().requires_grad_()
    loss = functional.cross_entropy(features @ weights + bias, torch.from_numpy(task.train.targets), reduction="sum")
    # Of two classes scikit-learn punishes the difference of their weights, which a head has half of in each.
    penalty = (weights[:, 1] - weights[:, 0]).square().sum() if n_classes == 2 else weights.square().sum()
    (loss + penalty / (2 * strength)).backward()  # type: ignore[no-untyped-call]
    assert weights.grad is not None
    assert bias.grad is not None
    assert weights.grad.abs().max() < 5e-3 * len(features)
    assert bias.grad.abs().max() < 5e-3 * len(features)
    assert loss < len(features) * np.log(n_classes)


def test_several_labels_have_a_regression_each_and_one_that_all_have_is_sure() -> None:
    rng = np.random.default_rng(3)
    targets = rng.random((30, 3)) < 0.5
    targets[:, 1], targets[:, 2] = True, False
    task = MultiLabelTask("primary", Labelled(texts_of(30), targets), batch_size=8, max_length=6)
    net = network(3)
    LinearProbe(task, 0.1)(net)
    with torch.no_grad():
        probabilities = net.eval().logits("primary", all_ids(task)).sigmoid().numpy()
    assert np.allclose(probabilities[:, 1], 1 - 0.5 / 31, atol=1e-3)
    assert np.allclose(probabilities[:, 2], 0.5 / 31, atol=1e-3)
    alone = ClassificationTask(
        "primary", Labelled(texts_of(30), targets[:, 0].astype(np.int64)), 2, batch_size=8, max_length=6
    )
    other = network(2)
    LinearProbe(alone, 0.1)(other)
    with torch.no_grad():
        expected = other.eval().logits("primary", all_ids(alone)).softmax(dim=1).numpy()[:, 1]
    assert np.allclose(probabilities[:, 0], expected, atol=1e-4)


def test_the_vectors_are_those_of_the_texts_as_they_are_read_and_the_network_goes_on_training() -> None:
    task, net = classification(), network(2).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    fitted = LinearProbe(task, 0.1)(net)
    assert net.training
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {
        "heads.primary.weight", "heads.primary.bias", "standardise.mean", "standardise.variance", "standardise.batches"
    }  # fmt: skip
    vectors = pooled_vectors(net, task.train.texts, max_length=task.max_length)
    with torch.no_grad():
        assert np.allclose(vectors, net.eval().encode(all_ids(task)).pooled.numpy(), atol=1e-6)
    assert isinstance(net.standardise, Standardise)
    assert np.allclose(vectors.mean(axis=0), net.standardise.mean, atol=1e-6)
    assert np.allclose(vectors.var(axis=0), net.standardise.variance, atol=1e-6)
    assert fitted.texts == 40
    assert fitted.iterations > 0


def test_the_next_batch_moves_the_mean_as_little_as_later_ones() -> None:
    task, net = classification(), network(2).train()
    LinearProbe(task, 0.1)(net)
    assert isinstance(net.standardise, Standardise)
    mean = net.standardise.mean.clone()
    net.standardise((mean + 1.0).expand(3, -1))
    assert torch.allclose(net.standardise.mean - mean, torch.tensor(0.05), atol=1e-6)


@pytest.mark.parametrize("strength", [0, -1, float("nan"), float("inf")])
def test_a_strength_out_of_its_range_is_refused(strength: float) -> None:
    with pytest.raises(InputError, match="inverse_strength must be a finite number above 0, found"):
        LinearProbe(classification(), strength)


class Words:
    """An auxiliary task that learns nothing but is there."""

    name, n_batches = "words", 1

    def batches(self, *, epoch: int, seed: int) -> Iterator[int]:
        yield 0

    def loss(self, network: Network, batch: int) -> Tensor:
        return network.embedding.weight.square().mean()  # type: ignore[operator,union-attr]

    def evaluate(self, network: nn.Module) -> dict[str, float]:
        return {}


def trainer_of(task: ClassificationTask, net: Network, **options: Any) -> Trainer:
    transition = TransitionActions(probe=LinearProbe(task, 0.1))
    return Trainer(
        net, primary=task, optimizer=torch.optim.AdamW(net.parameters(), lr=1e-3), strategy=Switch(4, unit="step"),
        auxiliaries=[Words()], epochs=2, monitor=None, transition=transition, **options,
    )  # fmt: skip


def test_a_training_goes_on_from_the_new_head_and_forgets_the_old_one(tmp_path: Path) -> None:
    task, net = classification(), network(2)
    trainer = trainer_of(task, net, average=0.9, callbacks=[MetricsLog(tmp_path / "log.jsonl")])
    head = net.heads["primary"]
    ages, averaged, heads = [], [], []

    def note(_: object) -> None:
        ages.append([float(trainer.optimizer.state[each]["step"]) for each in (head.weight, net.embedding.weight)])
        averaged.append(trainer.average.steps if trainer.average else 0)
        heads.append(head.weight.detach().clone())

    trainer.callbacks.append(Following(note))
    trainer.fit()
    assert [age[0] for age in ages] == [1, 2, 3, 1, 2, 3, 4, 5, 6, 7]  # AdamW's of the head begins anew at step 4
    assert [age[1] for age in ages] == list(range(1, 11))
    assert averaged == [1, 2, 3, 1, 2, 3, 4, 5, 6, 7]
    jump, later = heads[3] - heads[2], heads[4] - heads[3]
    assert jump.abs().max() > 10 * later.abs().max()
    (line,) = [each for each in (tmp_path / "log.jsonl").read_text().splitlines() if '"probe"' in each]
    (refit,) = trainer.run.probes
    assert (refit.epoch, refit.step, refit.texts, refit.converged) == (1, 4, 40, True)
    assert json.loads(line) == {"event": "probe", **asdict(refit)}
    assert Run.from_dict(trainer.run.as_dict()).probes == [refit]


def test_its_operations_are_counted_once_and_only_by_who_counts() -> None:
    task, net = classification(), network(2)
    fitted = LinearProbe(task, 0.1)(net)
    tokens = all_ids(task).numel()  # of one batch, all padded to the longest
    lstm = 2 * tokens * 2 * 4 * 4 * (SIZE + 4)
    assert fitted.operations == lstm + tokens * SIZE + 4 * 40 * 8 * fitted.iterations
    alone = trainer_of(task, network(2))
    alone.fit()
    assert alone.progress.flops == 0

    def counted(trainer: Trainer) -> float:
        trainer.callbacks.append(FlopMeter())
        trainer.fit()
        return trainer.progress.flops

    with_refit = trainer_of(task, network(2))
    flops = counted(with_refit)
    (refit,) = with_refit.run.probes
    without = trainer_of(task, network(2))
    without.transition = TransitionActions()
    assert flops - counted(without) == refit.operations > 0
    rest = trainer_of(task, network(2))
    meter = FlopMeter()
    meter.on_fit_start(rest)
    rest.load_state_dict(with_refit.state_dict())  # what the checkpoint has of it is not counted again
    before = rest.progress.flops
    rest.progress.step += 1
    meter.on_step_end(rest)
    assert rest.progress.flops == before


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=4), st.floats(0, 1), st.integers(0, 5))
def test_each_class_gives_its_share_of_the_texts_that_are_read(sizes: list[int], share: float, seed: int) -> None:
    n = sum(sizes)
    targets = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    task = ClassificationTask("primary", Labelled(texts_of(n), targets), len(sizes), batch_size=8, max_length=6)
    most = max(len(sizes), round(share * n))
    read: list[int] = []
    task_select = task.train.select

    def select(indices: Any) -> Any:
        read.extend(indices)
        return task_select(indices)

    with mock.patch.object(Labelled, "select", lambda _, indices: select(indices)):
        fitted = LinearProbe(task, 0.1, most_texts=most, seed=seed)(network(len(sizes), encoder="mean"))
    assert fitted.texts == min(most, n) == len(set(read))
    found = np.bincount(targets[read], minlength=len(sizes))
    assert (found >= 1).all()
    assert (np.abs(found - most * np.array(sizes) / n) <= len(sizes)).all()


def test_a_head_fitted_on_some_texts_is_that_of_a_task_which_has_no_others() -> None:
    task = classification(40, n_classes=3)
    drawn: list[Any] = []
    with mock.patch.object(Labelled, "select", autospec=True, side_effect=Labelled.select) as select:
        LinearProbe(task, 0.1, most_texts=20)(some := network(3))
        drawn += [each.args[1] for each in select.call_args_list]
    LinearProbe(ClassificationTask("primary", task.train.select(drawn[0]), 3, batch_size=8, max_length=6), 0.1)(
        alone := network(3)
    )
    whole = network(3)
    LinearProbe(task, 0.1)(whole)
    head, expected, other = (net.heads["primary"].weight for net in (some, alone, whole))
    assert torch.equal(head, expected)
    assert not torch.allclose(head, other, rtol=0.01)
    again = network(3)
    LinearProbe(task, 0.1, most_texts=20, seed=1)(again)
    assert not torch.equal(head, again.heads["primary"].weight)


@pytest.mark.parametrize("most", [0, 2])
def test_fewer_texts_than_classes_are_refused(most: int) -> None:
    with pytest.raises(InputError, match=f"{most} texts are too few to fit the head .* one of each of its 3 classes"):
        LinearProbe(classification(n_classes=3), 0.1, most_texts=most)


def test_each_label_of_several_is_among_the_texts_that_are_read() -> None:
    targets = np.zeros((200, 4), dtype=bool)
    targets[:100, 0], targets[7, 1], targets[8, 2] = True, True, True  # nothing has the last label
    task = MultiLabelTask("primary", Labelled(texts_of(200), targets), batch_size=8, max_length=6)
    with mock.patch.object(Labelled, "select", autospec=True, side_effect=Labelled.select) as select:
        LinearProbe(task, 0.1, most_texts=20, seed=3)(net := network(4))
    (drawn,) = (each.args[1] for each in select.call_args_list)
    assert len(set(drawn.tolist())) == 20
    assert targets[drawn].any(axis=0).tolist() == [True, True, True, False]
    assert net.heads["primary"].weight[1:3].abs().amax(dim=1).min() > 0
    with pytest.raises(InputError, match="0 texts are too few to fit .*one at least"):
        LinearProbe(task, 0.1, most_texts=0)


def test_vectors_that_are_no_numbers_any_more_end_the_training_with_what_to_do() -> None:
    net = network(2)
    with torch.no_grad():
        net.embedding.weight[3] = float("nan")
    with pytest.raises(InputError, match="the training has diverged: .* the head of 'primary' .* a clip_norm"):
        LinearProbe(classification(), 0.1)(net)


def test_a_class_without_a_text_is_refused() -> None:
    task = ClassificationTask("primary", classification().train, 3)
    with pytest.raises(InputError, match="only 2 of its 3 classes have a text to learn from"):
        LinearProbe(task, 0.1)


def test_a_solver_that_does_not_come_to_its_end_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt2st.models.linear_probe.MOST_ITERATIONS", 2)
    fitted = LinearProbe(classification(), 1.0)(network(2))
    assert (fitted.iterations, fitted.converged) == (2, False)
    monkeypatch.undo()
    assert LinearProbe(classification(), 1.0)(network(2)).converged
