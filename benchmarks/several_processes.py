"""Word vectors by several processes on this machine: words per second and quality, next to one process.

    torchrun --standalone --nproc-per-node 2 benchmarks/several_processes.py --rounds 3 --repeat 8 --epochs 2

In each round all processes train together, then the first one trains alone while the others wait. The training phase
alone is timed. Other work on the machine falls on both; so besides the seconds on the clock, those of the processor are
told, which tell what free cores would do (the slowest process counts, and its part in the joins). `--repeat` reads the
text several times over, as a corpus of that size. Quality as in `word_vectors.py`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np
from torch import distributed
from word_vectors import DATA, BenchmarkCorpus, Vocabulary, quality, read_corpus, spread

from mt2st.embedding import train_word_vectors
from mt2st.training import Alone, connected


def repeated(corpus: BenchmarkCorpus, times: int) -> BenchmarkCorpus:
    offsets = np.concatenate([[0], np.cumsum(np.tile(np.diff(corpus.offsets), times))])
    vocabulary = Vocabulary(corpus.vocabulary.tokens, corpus.vocabulary.counts * times)
    return replace(corpus, ids=np.tile(corpus.ids, times), offsets=offsets, vocabulary=vocabulary)


def share_of(corpus: BenchmarkCorpus, rank: int, count: int) -> BenchmarkCorpus:
    chosen = range(rank, len(corpus.offsets) - 1, count)
    parts = [corpus.ids[corpus.offsets[n] : corpus.offsets[n + 1]] for n in chosen]
    return replace(corpus, ids=np.concatenate(parts), offsets=np.cumsum([0, *map(len, parts)]))


def trained(corpus: BenchmarkCorpus, together: Any, settings: argparse.Namespace, seed: int) -> Any:
    """Return the vectors, and the seconds of clock and processor in the training phase."""
    started: list[tuple[float, float]] = []

    def compiled(_: float) -> None:
        if together is not None:
            distributed.barrier()
        started.append((time.perf_counter(), time.process_time()))

    vectors = train_word_vectors(
        corpus, method=settings.method, epochs=settings.epochs, seed=seed, together=together, on_compiled=compiled
    )
    (clock, processor), *_ = started
    return vectors, time.perf_counter() - clock, time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="skipgram")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=1)
    settings = parser.parse_args()
    text = read_corpus(DATA / "imdb5k" / "imdb5k.csv.gz")
    corpus = repeated(text, settings.repeat)
    words = settings.epochs * len(corpus.ids)
    with connected() as processes:
        own = share_of(corpus, processes.rank, processes.count)
        speeds: dict[str, list[float]] = {"together": [], "alone": [], "together, CPU": [], "alone, CPU": []}
        found: dict[str, list[dict[str, float]]] = {"together": [], "alone": []}
        for seed in range(1, settings.rounds + 1):
            for who, text_of, together in (("together", own, processes), ("alone", corpus, None)):
                if together is None and processes.rank:
                    processes.of_first(lambda: None)
                    continue
                vectors, clock, processor = trained(text_of, together, settings, seed)
                if together is None:
                    processes.of_first(lambda: None)
                else:
                    seconds = [processor if rank == processes.rank else 0.0 for rank in range(processes.count)]
                    processor = max(processes.sums(seconds))
                if processes.rank == 0:
                    speeds[who].append(words / clock)
                    speeds[f"{who}, CPU"].append(words / processor)
                    found[who].append(quality(vectors, text))
        if processes.rank == 0:
            report(settings, processes, words, speeds, found)


def report(settings: Any, processes: Alone, words: int, speeds: Any, found: Any) -> None:
    print(f"{settings.method}, {processes.count} processes, {words:,} words, {settings.rounds} rounds: median (range)")
    for who, values in speeds.items():
        print(f"  {who:14} {spread(values, ',.0f')} words/s")
    for of in ("", ", CPU"):
        ratios = [a / b for a, b in zip(speeds[f"together{of}"], speeds[f"alone{of}"], strict=True)]
        print(f"  ratio{of}: {spread(ratios, '.2f')}")
    for who, measures in found.items():
        shown = "  ".join(
            f"{name} {statistics.mean(each[name] for each in measures):.3f}"
            f" ±{statistics.pstdev(each[name] for each in measures):.3f}"
            for name in measures[0]
        )
        print(f"  {who:14} {shown}")


if __name__ == "__main__":
    main()
