"""How many tokens to encode at a time where no gradient is kept, and by how many threads: the time of predicting texts.

    python benchmarks/evaluation_batch.py TEXTS.csv [--text review --label sentiment] [--texts 1500] [--rounds 5]

A budget of tokens is compared with 128 texts a batch, whatever their length, in turn, on one thread; and with the
budget that is used, two threads that read a batch each with one. The figures are medians of the ratios within a round,
and their range. The models are hardly trained: that takes no other time.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray

from mt2st.models import TextClassifier
from mt2st.network import Network
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks import Texts, inference
from mt2st.tasks.classification import predict_probabilities
from mt2st.text import read_labelled

BUDGETS = (1024, 2048, 4096, 8192, 16384)
TEXTS = 128
LEARNED = 200
"""Texts that the models learn from, for their vocabulary."""
MODELS = {
    "BiLSTM, 100 words": {"encoder__name": "bilstm", "text__max_length": 100},
    "BiLSTM, 400 words": {"encoder__name": "bilstm", "text__max_length": 400},
    "CNN, 400 words": {"encoder__name": "cnn", "text__max_length": 400},
    "mean, 1,000 words": {"encoder__name": "mean", "text__max_length": 1000},
    "mean, 1,000 words, of n-grams": {
        "encoder__name": "mean",
        "text__max_length": 1000,
        "context__method": "cbow-fasttext",
    },
    "mean, 20 words": {"encoder__name": "mean", "text__max_length": 20},
}


def so_many_texts(lengths: NDArray[np.int64], n_texts: int) -> Iterator[NDArray[np.int64]]:
    """Yield batches of a number of texts, the longest first."""
    order = np.argsort(-lengths, kind="stable")
    yield from (order[start : start + n_texts] for start in range(0, len(order), n_texts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--text", default="review")
    parser.add_argument("--label", default="sentiment")
    parser.add_argument("--texts", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    reviews = read_labelled(options.data, text=options.text, label=options.label)
    texts = list(reviews.texts)[: options.texts]
    for name, settings in MODELS.items():
        model = TextClassifier().set_params(optimisation__epochs=1, text__min_count=5, context__passes=1e-3, **settings)
        model.fit(texts[:LEARNED], list(reviews.labels)[: len(texts)][:LEARNED], unlabelled=texts)

        network, encoded = model._read(texts)
        most = int(settings["max_length"])
        encoded = encoded.without_middles(most)

        def seconds(
            budget: int | None,
            eval_threads: int = 1,
            *,
            network: Network = network,
            encoded: Texts = encoded,
            most: int = most,
        ) -> float:
            replaced = inference.by_length if budget else so_many_texts
            tokens = budget or TEXTS
            with (
                mock.patch.object(inference, "by_length", replaced),
                mock.patch.object(inference, "tokens_at_a_time", return_value=tokens),
            ):
                begin = time.perf_counter()
                predict_probabilities(network, PRIMARY_TASK, encoded, max_length=most, eval_threads=eval_threads)
                return time.perf_counter() - begin

        seconds(None)
        rounds = [{budget: seconds(budget) for budget in (None, *BUDGETS)} for _ in range(options.rounds)]
        told = []
        for budget in BUDGETS:
            ratios = [each[budget] / each[None] for each in rounds]
            told.append(f"{budget:,}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        pairs = [(seconds(inference.TOKENS_ON_CPU), seconds(inference.TOKENS_ON_CPU, 2)) for _ in range(options.rounds)]
        ratios = [two / one for one, two in pairs]
        told.append(f"two threads, by one's: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        whole = statistics.median(each[None] for each in rounds)
        print(f"{name}: {TEXTS} texts {whole:.2f} s; tokens, time by it: {', '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
