"""A training step with words made of n-grams against one with a row a word: BiLSTM 256, batches of 32 x 100 tokens.

    python benchmarks/subword_step.py imdb5k.csv.gz

Both steps are complete: forward, backward, AdamW as the models set it up, the running average of the parameters. The
vocabulary and the texts are those of the reviews; torch has one thread. Prints the medians over all rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from mt2st.embedding.subwords import KnownSubwords
from mt2st.models import ModelSettings
from mt2st.models.assembly import new_network, new_optimizer
from mt2st.models.embedding_init import new_embedding
from mt2st.models.problem_types import Classification
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks import Texts
from mt2st.text import Corpus, Tokeniser, read_labelled
from mt2st.training.averaging import ParameterAverage
from mt2st.training.device import flushed_denormals

BATCH, LENGTH, STEPS = 32, 100, 4


def milliseconds(corpus: Corpus, subwords: KnownSubwords | None) -> list[float]:
    """Return the processor's time for each of some steps, after one to warm up."""
    settings = ModelSettings()
    n_rows = subwords.rows.table_rows if subwords is not None else len(corpus.vocabulary)
    embedding: nn.Module = new_embedding(torch.randn(n_rows, settings.embedding.vector_size) * 0.01, subwords)
    network = new_network(settings, embedding, {PRIMARY_TASK: (Classification(), 2)})  # type: ignore[arg-type]
    optimizer, average = new_optimizer(settings, network), ParameterAverage(settings.optimisation.average)
    texts, times = Texts.of(corpus), []
    for step in range(STEPS + 1):
        ids = texts.padded(np.arange(step * BATCH, (step + 1) * BATCH), LENGTH)
        started = time.process_time()
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(network.logits(PRIMARY_TASK, ids), torch.arange(BATCH) % 2)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        average.update(network)
        times.append(1000 * (time.process_time() - started))
    return times[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    reviews = read_labelled(options.data, text="review", label="sentiment")
    corpus = Corpus.build(reviews.texts, tokeniser=Tokeniser(), min_count=ModelSettings().text.min_count)
    subwords = KnownSubwords.of(corpus.vocabulary.tokens, ModelSettings().embedding.ngrams)
    plain: list[float] = []
    composed: list[float] = []
    with flushed_denormals():
        for _ in range(options.rounds):
            plain += milliseconds(corpus, None)
            composed += milliseconds(corpus, subwords)
    words, rows = len(corpus.vocabulary), subwords.rows.table_rows
    print(f"a row a word, {words:,} rows: {statistics.median(plain):.0f} ms a step")
    print(f"made of n-grams, {rows:,} rows: {statistics.median(composed):.0f} ms a step")
    print(f"ratio {statistics.median(composed) / statistics.median(plain):.2f}")


if __name__ == "__main__":
    main()
