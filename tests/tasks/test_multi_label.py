from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_score, recall_score
from torch import nn

from mt2st.evaluation import multi_label_report
from mt2st.network import Network, build_encoder
from mt2st.tasks import MultiLabelTask, Texts
from mt2st.tasks.classification import Labelled, classification_head, predict_probabilities
from mt2st.text import PAD
from mt2st.training import Task

N_TEXTS, N_LABELS = 23, 3


def labelled(seed: int = 0, n_labels: int = N_LABELS) -> Labelled:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, N_TEXTS)
    ids = rng.integers(1, 30, lengths.sum()).astype(np.int32)
    texts = Texts(ids, np.concatenate([[0], np.cumsum(lengths)]))
    return Labelled(texts, rng.random((N_TEXTS, n_labels)) < 0.4)


def make_network() -> Network:
    torch.manual_seed(0)
    encoder = build_encoder("cnn", vector_size=6, hidden_size=4)
    return Network(nn.Embedding(30, 6, padding_idx=PAD), encoder, {"t": classification_head(encoder.pooled_size, 3)})


def test_its_loss_is_the_mean_log_loss_of_each_label() -> None:
    network = make_network()
    task = MultiLabelTask("t", labelled(), batch_size=N_TEXTS)
    assert isinstance(task, Task)
    batch = next(task.batches(epoch=1, seed=1))
    probabilities = network.logits("t", batch.ids).sigmoid().detach().numpy()
    expected = np.mean([log_loss(batch.targets[:, at], probabilities[:, at]) for at in range(N_LABELS)])
    loss = task.loss(network, batch)
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    assert task.measure(network, task.train)["loss"] == pytest.approx(expected, rel=1e-4)
    loss.backward()
    assert network.embedding.weight.grad is not None


@pytest.mark.parametrize("seed", range(5))
def test_its_measures_are_scikit_learns(seed: int) -> None:
    truth, guess = labelled(seed).targets, labelled(seed + 10).targets
    report = multi_label_report(truth, guess)
    assert report["subset_accuracy"] == pytest.approx(accuracy_score(truth, guess))
    for name, measure in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        found = report[f"micro_{name}"]
        assert found == pytest.approx(measure(truth, guess, average="micro", zero_division=0))
    assert report["macro_f1"] == pytest.approx(f1_score(truth, guess, average="macro", zero_division=0))


def test_nothing_true_and_nothing_predicted_scores_zero_but_every_subset_is_right() -> None:
    nothing = np.zeros((4, 2), dtype=np.bool_)
    report = multi_label_report(nothing, nothing)
    assert (report["subset_accuracy"], report["micro_f1"], report["macro_f1"]) == (1.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="at least one"):
        multi_label_report(nothing[:0], nothing[:0])


def test_a_label_that_the_task_has_not_counts_as_never_found() -> None:
    network, data = make_network(), labelled(1, N_LABELS + 1)
    measures = MultiLabelTask("t", labelled()).measure(network, data)
    probabilities = predict_probabilities(network, "t", data.texts, max_length=256, independent=True)
    guess = np.hstack([probabilities >= 0.5, np.zeros((N_TEXTS, 1), dtype=np.bool_)])
    assert measures["micro_recall"] == pytest.approx(recall_score(data.targets, guess, average="micro"))
