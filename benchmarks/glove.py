"""Train GloVe with mt2st and with a plain C program of the paper's formulas, in turn; print cost and quality.

    python benchmarks/glove.py --epochs 15 --threads 1

The published program is not run: `glove_reference.c` does its operations (double precision, one record after the
other) and is compiled with its Makefile's flags; `--flags` takes others. Both train on the same co-occurrences from
starts of the same distribution. The C program reads records shuffled beforehand, as the published one does; ours finds
its random order inside the clock. Counting and compilation are printed apart. The ratio is taken between neighbouring
epochs. Quality: Spearman correlation with human similarity judgements, and accuracy of a logistic regression on mean
vectors.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from word_vectors import DATA, BenchmarkCorpus, quality, read_corpus, spread

from mt2st._workers import results
from mt2st.embedding import WordVectors
from mt2st.embedding.glove.counting import Cooccurrences, CountingReport, count_cooccurrences
from mt2st.embedding.glove.tables import GloveReport, GloveTables, TargetSource, update
from mt2st.embedding.glove.training import JOB_ENTRIES

PUBLISHED_FLAGS = "-O3 -march=native -funroll-loops"
RECORD = np.dtype([("row", np.int32), ("column", np.int32), ("count", np.float64)])
RATE = 0.05


class Ours:
    """One epoch at a time with the compiled kernel."""

    def __init__(self, cooccurrences: Cooccurrences, settings: argparse.Namespace) -> None:
        self.source = TargetSource(cooccurrences, x_max=settings.x_max)
        self.tables = GloveTables.fresh(cooccurrences.vocabulary_size, settings.vector_size, seed=1)
        self.threads, self.epoch = settings.threads, 0

    def train_epoch(self) -> float:
        """Return the mean loss per co-occurrence."""
        report = GloveReport()
        for chunk in self.source.slices(self.epoch, 0, self.source.size):
            jobs = chunk.pieces(JOB_ENTRIES)
            for part in results(lambda job: update(self.tables, job, rate=RATE), jobs, self.threads):
                report += part
        self.epoch += 1
        return report.mean_loss

    def vectors(self) -> NDArray[np.float32]:
        """Return the sums of word and context vectors, float32 [V, D]."""
        return self.tables.words + self.tables.contexts


class Reference:
    """One epoch at a time with the C program."""

    def __init__(self, cooccurrences: Cooccurrences, settings: argparse.Namespace, library: Path) -> None:
        self.run = ctypes.CDLL(str(library)).glove_pass
        self.run.restype = ctypes.c_double
        words, size = cooccurrences.vocabulary_size, settings.vector_size
        rng = np.random.default_rng(1)
        self.parameters = (rng.random((2 * words, size + 1)) - 0.5) / size
        self.squares = np.ones_like(self.parameters)
        self.words, self.size, self.x_max, self.threads = words, size, settings.x_max, settings.threads
        self.records = shuffled_records(cooccurrences, rng)

    def train_epoch(self) -> float:
        """Return the mean loss per co-occurrence."""
        bounds = np.linspace(0, len(self.records), self.threads + 1).astype(int)
        with ThreadPoolExecutor(self.threads) as pool:  # ctypes lets the threads run at once
            total = sum(pool.map(self._train, bounds[:-1], bounds[1:]))
        return total / len(self.records)

    def _train(self, first: int, last: int) -> float:
        part = self.records[first:last]
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (self.parameters, self.squares, part)]
        numbers = [ctypes.c_int64(number) for number in (last - first, self.words, self.size)]
        return float(self.run(*pointers, *numbers, *map(ctypes.c_double, (RATE, self.x_max, 0.75))))

    def vectors(self) -> NDArray[np.float32]:
        """Return the sums of word and context vectors, float32 [V, D]."""
        both = self.parameters[: self.words, :-1] + self.parameters[self.words :, :-1]
        return np.ascontiguousarray(both, dtype=np.float32)


def shuffled_records(cooccurrences: Cooccurrences, rng: np.random.Generator) -> NDArray[np.void]:
    entries = cooccurrences.entries
    mirrored = entries[entries["row"] != entries["column"]]
    records = np.empty(cooccurrences.directed, dtype=RECORD)
    for name, both in (("row", ("row", "column")), ("column", ("column", "row")), ("count", ("value", "value"))):
        records[name] = np.concatenate([entries[both[0]], mirrored[both[1]]])
    rng.shuffle(records)
    return records


def compiled(folder: Path, flags: str) -> Path:
    library = folder / "glove_reference.so"
    source = Path(__file__).with_name("glove_reference.c")
    subprocess.run(["gcc", *flags.split(), "-shared", "-fPIC", str(source), "-o", str(library), "-lm"], check=True)
    return library


def counted(corpus: BenchmarkCorpus, folder: Path, settings: argparse.Namespace) -> Cooccurrences:
    runs: list[int] = []

    def note(report: CountingReport) -> None:
        runs.append(report.runs)

    for attempt in ("first call (compiled, or from the cache)", "second call"):
        started = time.perf_counter()
        found = count_cooccurrences(
            corpus.ids,
            corpus.offsets,
            corpus.vocabulary.counts,
            folder=folder,
            window=settings.window,
            memory=int(settings.memory * 2**20),
            report=note,
        )
        seconds = time.perf_counter() - started
        print(
            f"counting, {attempt}: {seconds:.1f} s, {len(corpus.ids) / seconds:,.0f} words/s, "
            f"{found.directed:,} co-occurrences, {runs[-1]} runs on disk"
        )
    return found


def timed(run: Callable[[], float]) -> tuple[float, float]:
    started = time.perf_counter()
    loss = run()
    return loss, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=DATA / "imdb5k" / "imdb5k.csv.gz", help="CSV: review, sentiment")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--window", type=int, default=10)
    parser.add_argument("--x-max", type=float, default=10.0, help="10 suits a corpus of a million words")
    parser.add_argument("--memory", type=float, default=1024, help="MB for the counting")
    parser.add_argument("--flags", default=PUBLISHED_FLAGS, help="of the C compiler")
    settings = parser.parse_args()
    corpus = read_corpus(settings.corpus)
    print(f"{len(corpus.ids):,} words, {len(corpus.vocabulary.tokens) - 2:,} different")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mapped = counted(corpus, folder, settings)
        cooccurrences = replace(mapped, entries=np.array(mapped.entries))
        sides = {
            "mt2st": Ours(cooccurrences, settings),
            "C": Reference(cooccurrences, settings, compiled(folder, settings.flags)),
        }
        _, seconds = timed(Ours(cooccurrences, settings).train_epoch)
        print(f"training, first epoch (compiled, or from the cache): {seconds:.1f} s")
        costs: dict[str, list[float]] = {who: [] for who in sides}
        losses: dict[str, float] = {}
        for epoch in range(settings.epochs):
            for who in sides if epoch % 2 == 0 else reversed(sides):
                losses[who], seconds = timed(sides[who].train_epoch)
                costs[who].append(1e9 * seconds / cooccurrences.directed)
    print(f"{settings.epochs} epochs, {settings.threads} thread(s), C with {settings.flags}: median (range)")
    for who, side in sides.items():
        vectors = WordVectors(corpus.vocabulary.tokens[2:], side.vectors()[2:])
        measures = "  ".join(f"{name} {value:.3f}" for name, value in quality(vectors, corpus).items())
        print(f"  {who:6}{spread(costs[who], '.0f')} ns a co-occurrence   loss {losses[who]:.5f}   {measures}")
    ratios = [theirs / ours for ours, theirs in zip(costs["mt2st"], costs["C"], strict=True)]
    print(f"  ratio {spread(ratios, '.2f')}")


if __name__ == "__main__":
    main()
