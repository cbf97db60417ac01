"""What a step after the switch costs, against a bare torch loop over the same model and batches.

They run in turn, several rounds; the figure is the ratio of their times within a round: median and range. With
``averaged``, the trainer also keeps the running average of the parameters, as `TextClassifier` does unless told
otherwise: work that the bare loop does not do.

    python benchmarks/step_overhead.py [--rounds 9] [--encoder bilstm mean]
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from mt2st.embedding.kernels import KERNELS
from mt2st.network import Network, build_encoder
from mt2st.strategy import Switch
from mt2st.tasks import ClassificationTask, ContextTask, Texts
from mt2st.tasks.classification import Labelled, classification_head
from mt2st.training import Trainer
from mt2st.training.device import flushed_denormals

VOCABULARY, VECTOR_SIZE, LENGTH, BATCH = 20_000, 100, 128, 32
AVERAGE = 0.97


def task_of(n_texts: int) -> ClassificationTask:
    """Return a classification task on random words, all texts of one length."""
    rng = np.random.default_rng(0)
    ids = rng.integers(2, VOCABULARY, n_texts * LENGTH).astype(np.int32)
    texts = Texts(ids, np.arange(0, len(ids) + 1, LENGTH, dtype=np.int64))
    return ClassificationTask("label", Labelled(texts, rng.integers(0, 2, n_texts)), 2, batch_size=BATCH)


def optimizer_of(network: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer that both loops use."""
    return torch.optim.AdamW(network.parameters(), lr=1e-3)


def bare_seconds(network: Network, task: ClassificationTask) -> float:
    """Return the time of an epoch in a plain torch loop."""
    optimizer = optimizer_of(network)
    network.train()
    with flushed_denormals():
        start = time.perf_counter()
        for batch in task.batches(epoch=1, seed=1):
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(network.logits("label", batch.ids), batch.targets)
            loss.backward()
            optimizer.step()
            loss.item()
        return time.perf_counter() - start


def trainer_seconds(
    network: Network, task: ClassificationTask, context: ContextTask, *, average: float | None
) -> float:
    """Return the time of an epoch by the trainer, past the switch, its evaluation and log included."""
    trainer = Trainer(
        network,
        primary=task,
        optimizer=optimizer_of(network),
        strategy=Switch(at=1),
        auxiliaries=[context],
        epochs=1,
        average=average,
        parallel_context=True,
    )
    start = time.perf_counter()
    trainer.fit()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--encoder", nargs="+", default=["bilstm", "mean"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    for encoder_name in options.encoder:
        torch.manual_seed(0)
        task = task_of(20 * BATCH if encoder_name == "bilstm" else 100 * BATCH)
        encoder = build_encoder(encoder_name, vector_size=VECTOR_SIZE)
        embedding = nn.Embedding(VOCABULARY, VECTOR_SIZE, padding_idx=0)
        network = Network(embedding, encoder, {"label": classification_head(encoder.pooled_size, 2)}, dropout=0.3)
        counts = np.r_[0, 0, np.ones(VOCABULARY - 2, dtype=np.int64)]
        context = ContextTask(task.train.texts, KERNELS["skipgram"](counts), VECTOR_SIZE)
        bare_seconds(copy.deepcopy(network), task)
        ratios: dict[str, list[float]] = {"trainer": [], "averaged": []}
        bare = []
        for number in range(options.rounds):
            seconds = {}
            loops = ("bare", "trainer", "averaged")
            for loop in loops if number % 2 else loops[::-1]:
                fresh = copy.deepcopy(network)
                average = AVERAGE if loop == "averaged" else None
                seconds[loop] = (
                    bare_seconds(fresh, task)
                    if loop == "bare"
                    else trainer_seconds(fresh, task, context, average=average)
                )
            for loop, values in ratios.items():
                values.append(seconds[loop] / seconds["bare"])
            bare.append(seconds["bare"] / task.n_batches)
        for loop, values in ratios.items():
            print(
                f"{encoder_name}: {loop} / bare loop {statistics.median(values):.3f} "
                f"({min(values):.3f} to {max(values):.3f}), {options.rounds} rounds of {task.n_batches} steps, "
                f"bare step {1000 * statistics.median(bare):.1f} ms"
            )


if __name__ == "__main__":
    main()
