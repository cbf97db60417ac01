"""Quality and speed of the context task as torch computes it on a device, by the centres that are computed together.

    python benchmarks/batched_context.py --device cpu --centres 1 256 1024 --methods skipgram cbow

The first row of each method is the compiled kernel on one thread of the CPU, the same epochs at the same rates.
Quality as in `word_vectors.py`.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from word_vectors import ALPHA, DATA, BenchmarkCorpus, quality, read_corpus

from mt2st.embedding import WordVectors
from mt2st.embedding.kernels import KERNELS
from mt2st.embedding.subwords import KnownSubwords, SubwordSettings
from mt2st.embedding.training import initial_tables
from mt2st.tasks import ContextTask, Texts, batched_context, context
from mt2st.training import EpochSlice

PARTS = 20


def trained(
    corpus: BenchmarkCorpus, method: str, device: torch.device, settings: argparse.Namespace, seed: int
) -> tuple[WordVectors, float, float]:
    """Return the vectors, the seconds and the loss of the last part."""
    known = KnownSubwords.of(corpus.vocabulary.tokens, SubwordSettings()) if method.endswith("fasttext") else None
    subwords = known.rows if known is not None else None
    kernel = KERNELS[method](corpus.vocabulary.counts, subwords=subwords, window=settings.window, seed=seed)
    task = ContextTask(Texts(corpus.ids, corpus.offsets), kernel, settings.vector_size, alpha=settings.alpha)
    task.compile()
    inputs, _ = initial_tables(kernel.input_rows, kernel.vocabulary_size, settings.vector_size, seed)
    table = torch.from_numpy(inputs).to(device)
    steps, loss, started = settings.epochs * PARTS, 0.0, time.perf_counter()
    for step in range(steps):
        elapsed = step / steps, (step + 1) / steps
        loss = task.update(
            table, weight=1.0, epoch_slice=EpochSlice(1 + step // PARTS, step % PARTS, PARTS, seed, elapsed)
        )
    seconds = time.perf_counter() - started
    found = table.cpu().numpy()
    vectors = subwords.composed(found) if subwords is not None else found
    words = np.ascontiguousarray(vectors[2 : kernel.vocabulary_size])
    return WordVectors(corpus.vocabulary.tokens[2:], words), seconds, loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--methods", nargs="+", default=["skipgram", "cbow"])
    parser.add_argument("--centres", nargs="*", type=int, default=[256])
    parser.add_argument("--alpha", type=float, default=ALPHA)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=1)
    settings = parser.parse_args()
    torch.set_num_threads(1)
    corpus = read_corpus(DATA / "imdb5k" / "imdb5k.csv.gz")
    for method in settings.methods:
        for centres in [None, *settings.centres]:
            for seed in range(1, settings.seeds + 1):
                context.COMPILED_ON = () if centres else ("cpu",)
                batched_context.CENTRES = centres or 0
                device = settings.device if centres else torch.device("cpu")
                vectors, seconds, loss = trained(corpus, method, device, settings, seed)
                measures = "  ".join(f"{name} {value:.3f}" for name, value in quality(vectors, corpus).items())
                speed = settings.epochs * len(corpus.ids) / seconds
                shown = f"{centres} centres on {device}" if centres else "compiled"
                print(f"{method:18}{shown:24}{speed:>12,.0f} words/s  loss {loss:.4f}  {measures}", flush=True)


if __name__ == "__main__":
    main()
