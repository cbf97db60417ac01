"""The context task beside the classifier's step, on a second core, against in turn with it: the time of an epoch.

Both run in turn, several rounds; the figure is the ratio of their times within a round: median and range. Texts of
the length of IMDB's reviews, random words: the work is what it is with real ones.

    python benchmarks/beside.py [--rounds 5] [--encoder bilstm mean]
"""

from __future__ import annotations

import argparse
import copy
import statistics

import numpy as np
import torch
from torch import nn

from mt2st.embedding.kernels import KERNELS
from mt2st.network import Network, build_encoder
from mt2st.strategy import MultiTask
from mt2st.tasks import ClassificationTask, ContextTask, Texts
from mt2st.tasks.classification import Labelled, classification_head
from mt2st.training import Trainer

VOCABULARY, VECTOR_SIZE, LENGTH, BATCH, STEPS = 20_000, 100, 230, 16, 20
WORDS_A_STEP = 100_000
"""Five million words an epoch of 47 steps, the classifier's default for 750 labelled texts."""


def texts_of(n_texts: int, seed: int) -> Texts:
    """Return texts of one length whose words are as unevenly frequent as those of a language."""
    share = 1 / np.arange(1, VOCABULARY - 1)
    ids = 2 + np.random.default_rng(seed).choice(VOCABULARY - 2, n_texts * LENGTH, p=share / share.sum())
    return Texts(ids.astype(np.int32), np.arange(0, len(ids) + 1, LENGTH, dtype=np.int64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--encoder", nargs="+", default=["bilstm", "mean"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts, unlabelled = texts_of(STEPS * BATCH, 0), texts_of(4_000, 1)
    labels = np.random.default_rng(2).integers(0, 2, len(texts))
    counts = np.bincount(unlabelled.ids, minlength=VOCABULARY)
    for name in options.encoder:
        torch.manual_seed(0)
        encoder = build_encoder(name, vector_size=VECTOR_SIZE)
        embedding = nn.Embedding(VOCABULARY, VECTOR_SIZE, padding_idx=0)
        network = Network(embedding, encoder, {"label": classification_head(encoder.pooled_size, 2)})

        def seconds(*, beside: bool, network: Network = network) -> float:
            fresh = copy.deepcopy(network)
            context = ContextTask(
                unlabelled,
                KERNELS["skipgram"](counts),
                VECTOR_SIZE,
                alpha=0.025,
                passes=STEPS * WORDS_A_STEP / len(unlabelled.ids),
            )
            context.compile()
            trainer = Trainer(
                fresh,
                primary=ClassificationTask("label", Labelled(texts, labels), 2, batch_size=BATCH),
                optimizer=torch.optim.AdamW(fresh.parameters(), lr=1e-3),
                strategy=MultiTask(),
                auxiliaries=[context],
                epochs=1,
                parallel_context=beside,
            )
            return trainer.fit().train_seconds

        seconds(beside=True)
        ratios, times = [], []
        for number in range(options.rounds):
            order = (True, False) if number % 2 else (False, True)
            found = {beside: seconds(beside=beside) for beside in order}
            ratios.append(found[True] / found[False])
            times.append(found[False] / STEPS)
        print(
            f"{name}: beside / in turn {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), "
            f"{options.rounds} rounds of {STEPS} steps, in turn {1000 * statistics.median(times):.0f} ms a step"
        )


if __name__ == "__main__":
    main()
