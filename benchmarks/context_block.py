"""What it gives and costs to let the context task learn the contexts of more words in one step (``context_block``).

For each sample of the reviews (750 labelled, all text unlabelled; `SOUND`) the embedding starts at
random, the context task reads the text so many times at a falling rate, and then a logistic regression learns the 750
labels from the vectors that a BiLSTM with its first parameters makes of the texts: means of its states over 100 words.
It is asked about the 250 validation and 1,250 of the unseen reviews. Seconds are the kernel's, on one thread.

    python benchmarks/context_block.py imdb5k.csv.gz [--samples 1 2 3] [--method skipgram] [--window 30] [--alpha 0.05]
                                       [--passes 3] [--blocks 0 4 8]

A block of 0 is the kernel's own choice.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import chain
from pathlib import Path

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from mt2st.embedding.kernels import KERNELS
from mt2st.models.linear_probe import pooled_vectors
from mt2st.network import Network, build_encoder
from mt2st.study.paper.protocol import SOUND
from mt2st.tasks import ContextTask, Texts
from mt2st.text import Corpus, LabelledText, Tokeniser, read_labelled
from mt2st.training import EpochSlice

SIZE, LENGTH, PARTS, UNSEEN, STRENGTH = 100, 100, 5, 1250, 0.01


def measured(reviews: LabelledText, sample: int, block: int, options: argparse.Namespace) -> tuple[float, float]:
    """Return the kernel's seconds and the accuracy in per cent."""
    data = SOUND.data(reviews, sample=sample)
    train, validation, test = data.train, data.validation, data.test
    assert isinstance(train, LabelledText)
    assert isinstance(validation, LabelledText)
    assert isinstance(test, LabelledText)
    corpus = Corpus.build(chain(train.texts, data.unlabelled()), tokeniser=Tokeniser(), min_count=5)
    asked = [*validation.texts, *test.texts[:UNSEEN]]
    read = Corpus.build(asked, tokeniser=Tokeniser(), vocabulary=corpus.vocabulary)

    torch.manual_seed(1)
    encoder = build_encoder("bilstm", vector_size=SIZE, hidden_size=256, pooling="mean")
    network = Network(nn.Embedding(len(corpus.vocabulary), SIZE), encoder, {})
    nn.init.normal_(network.embedding.weight, std=0.01)  # type: ignore[arg-type]
    kernel = KERNELS[options.method](corpus.vocabulary.counts, window=options.window, sample=1e-4, block=block or None)
    task = ContextTask(Texts.of(corpus), kernel, SIZE, alpha=options.alpha, passes=options.passes)
    task.compile()
    begin = time.perf_counter()
    for part in range(PARTS):
        epoch_slice = EpochSlice(1, part, PARTS, 1, elapsed=(part / PARTS, (part + 1) / PARTS))
        task.update(network.embedding.weight.data, weight=1.0, epoch_slice=epoch_slice)  # type: ignore[arg-type]
    seconds = time.perf_counter() - begin

    learned, held_out = (
        pooled_vectors(network, texts.without_middles(LENGTH), max_length=LENGTH)
        for texts in (Texts.of(corpus, stop=len(train)), Texts.of(read))
    )
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=1000))
    classifier.fit(learned, train.labels)
    return seconds, 100 * classifier.score(held_out, [*validation.labels, *test.labels[:UNSEEN]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--samples", type=int, nargs="+", default=[1, 2, 3], help="random states")
    parser.add_argument("--method", choices=["skipgram", "cbow"], default="skipgram")
    parser.add_argument("--window", type=int, default=30)
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--passes", type=float, default=3.0)
    parser.add_argument("--blocks", type=int, nargs="+", default=[0, 4, 8])
    options = parser.parse_args()
    torch.set_num_threads(1)
    reviews = read_labelled(options.reviews, text="review", label="sentiment")
    for block in options.blocks:
        runs = [measured(reviews, sample, block, options) for sample in options.samples]
        seconds, accuracies = zip(*runs, strict=True)
        print(
            f"block {block or 'by the kernel'}: {min(seconds):.1f} to {max(seconds):.1f} s, accuracy "
            f"{' '.join(f'{each:.1f}' for each in accuracies)}, mean {statistics.mean(accuracies):.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
