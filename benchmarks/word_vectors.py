"""Train word vectors with mt2st, gensim and fastText on the same corpus, in turn; print speed, ratio, quality of each.

    python benchmarks/word_vectors.py --methods skipgram cbow skipgram-fasttext cbow-fasttext --threads 1 2 --rounds 3

All get the same documents, words, dimensions, window, negatives, subsampling, learning rate, n-grams, epochs and
threads. gensim reads from pre-tokenised lists in memory or from a file in its `corpus_file` form; by default both are
timed and the faster one counts. Counting the vocabulary is outside the clock, and so is compilation, which is printed
apart. fastText (the wheel `fasttext-community`; left out where it is not installed) counts and trains in one call: what
the same call takes without an epoch is subtracted. Two things cannot be made equal there: its noise exponent is 0.5,
and it cuts lines at 1,024 tokens. The ratio is taken within a round; rounds go through the three in turning order.
Quality: Spearman correlation with human similarity judgements, accuracy (3CosAdd) on analogy questions whose words are
all known, and accuracy of a logistic regression on mean vectors of reviews (750 train, the rest test).
Each training is a process of its own, forked from one that has read the corpus and compiled the kernels; memory is the
most that this process held beyond what it began with (resident, from /proc: Linux only).
"""

from __future__ import annotations

import argparse
import csv
import gc
import gzip
import multiprocessing
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding import WordVectors, train_word_vectors
from mt2st.evaluation import evaluate_analogies, read_analogies

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MIN_COUNT = 5
ALPHA = 0.025
LABELLED = 750
SIMILARITY_SETS = {"WS-353": "EN-WS-353-ALL", "SimLex": "EN-SIMLEX-999", "MEN": "EN-MEN-TR-3k"}
_TOKEN = re.compile(r"\w+(?:'\w+)?")


@dataclass(frozen=True)
class Vocabulary:
    """Words by id and their counts, as training wants them."""

    tokens: list[str]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class BenchmarkCorpus:
    """Documents as tokens for gensim and as ids for us; labels where the file has them."""

    documents: list[list[str]]
    labels: NDArray[np.int64]
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    vocabulary: Vocabulary


@dataclass(frozen=True)
class Run:
    """What one training of each tool shares."""

    method: str
    threads: int
    seed: int

    @property
    def uses_ngrams(self) -> bool:
        """Whether words are made of n-grams."""
        return self.method.endswith("-fasttext")


def read_corpus(path: Path) -> BenchmarkCorpus:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    documents = [_TOKEN.findall(row["review"].replace("<br />", " ").lower()) for row in rows]
    counted = Counter(word for document in documents for word in document)
    words = sorted((word for word, n in counted.items() if n >= MIN_COUNT), key=lambda word: (-counted[word], word))
    tokens = ["<pad>", "<unk>", *words]
    index = {token: i for i, token in enumerate(tokens)}
    return BenchmarkCorpus(
        documents=documents,
        labels=np.array([int(row["sentiment"]) for row in rows]),
        ids=np.array([index.get(word, 1) for document in documents for word in document], dtype=np.int32),
        offsets=np.cumsum([0, *map(len, documents)], dtype=np.int64),
        vocabulary=Vocabulary(tokens, np.array([0, 0, *(counted[word] for word in words)])),
    )


def train_ours(corpus: BenchmarkCorpus, run: Run, settings: argparse.Namespace) -> WordVectors:
    return train_word_vectors(
        corpus,
        method=run.method,
        vector_size=settings.vector_size,
        window=settings.window,
        negative=settings.negative,
        sample=settings.sample,
        epochs=settings.epochs,
        alpha=ALPHA,
        workers=run.threads,
        seed=run.seed,
        min_n=settings.min_n,
        max_n=settings.max_n,
        bucket=settings.bucket,
    )


def train_gensim(
    corpus: BenchmarkCorpus, run: Run, settings: argparse.Namespace, file: Path | None
) -> tuple[WordVectors, float]:
    from gensim.models import FastText, Word2Vec

    common = {
        "sg": int(run.method.startswith("skipgram")),
        "vector_size": settings.vector_size,
        "window": settings.window,
        "negative": settings.negative,
        "sample": settings.sample,
        "alpha": ALPHA,
        "min_count": MIN_COUNT,
        "workers": run.threads,
        "seed": run.seed,
    }
    if run.uses_ngrams:
        model = FastText(**common, min_n=settings.min_n, max_n=settings.max_n, bucket=settings.bucket)
    else:
        model = Word2Vec(**common)
    source = {"corpus_file": str(file)} if file else {"corpus_iterable": corpus.documents}
    model.build_vocab(**source)
    started = time.perf_counter()
    model.train(
        total_examples=model.corpus_count, total_words=model.corpus_total_words, epochs=settings.epochs, **source
    )
    seconds = time.perf_counter() - started
    return WordVectors(model.wv.index_to_key, model.wv.vectors), seconds


def train_fasttext(run: Run, settings: argparse.Namespace, file: Path) -> tuple[WordVectors, float]:
    import fasttext

    def trained(epochs: int) -> fasttext.FastText._FastText:
        return fasttext.train_unsupervised(
            input=str(file),
            model="skipgram" if run.method.startswith("skipgram") else "cbow",
            loss="ns",
            dim=settings.vector_size,
            ws=settings.window,
            neg=settings.negative,
            t=settings.sample,
            lr=ALPHA,
            epoch=epochs,
            minCount=MIN_COUNT,
            thread=run.threads,
            minn=settings.min_n if run.uses_ngrams else 0,
            maxn=settings.max_n if run.uses_ngrams else 0,
            bucket=settings.bucket if run.uses_ngrams else 0,
            verbose=0,
        )

    counting = timed(lambda: trained(0))[1]
    model, seconds = timed(lambda: trained(settings.epochs))
    words = [word for word in model.get_words() if word != "</s>"]
    return WordVectors(words, np.stack([model.get_word_vector(word) for word in words])), seconds - counting


def quality(vectors: WordVectors, corpus: BenchmarkCorpus) -> dict[str, float]:
    from scipy.stats import spearmanr
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    result = {}
    for name, file in SIMILARITY_SETS.items():
        pairs = [
            line.lower().split() for line in (DATA / "similarity" / f"{file}.txt").read_text().splitlines() if line
        ]
        known = [(a, b, float(score)) for a, b, score in pairs if a in vectors and b in vectors]
        found = spearmanr([vectors.similarity(a, b) for a, b, _ in known], [score for _, _, score in known])
        result[name] = float(found.statistic)
    sections = [section for file in sorted((DATA / "analogies").glob("*.txt")) for section in read_analogies(file)]
    analogies = evaluate_analogies(vectors, sections).total
    result["analogies"] = analogies.accuracy or 0.0
    means = np.stack([vectors[[w for w in d if w in vectors]].mean(axis=0) for d in corpus.documents])
    order = np.random.default_rng(24).permutation(len(means))
    train, test = order[:LABELLED], order[LABELLED:]
    scaler = StandardScaler().fit(means[train])
    classifier = LogisticRegression(C=0.1, max_iter=2000).fit(scaler.transform(means[train]), corpus.labels[train])
    result["downstream"] = float(classifier.score(scaler.transform(means[test]), corpus.labels[test]))
    return result


def resident(*, peak: bool = False) -> float:
    """Return the process's resident memory, or the most that it was, in MB."""
    field = "VmHWM" if peak else "VmRSS"
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith(field))


def apart(training: Callable[[], tuple[WordVectors, float]]) -> tuple[WordVectors, float, float]:
    """Train in a process of its own; return vectors, seconds and the most memory it needed, in MB."""

    def work() -> None:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak that was inherited
        before = resident()
        vectors, seconds = training()
        peak = resident(peak=True) - before
        outgoing.send((vectors.index_to_key, vectors.vectors, seconds, peak))

    fork = multiprocessing.get_context("fork")
    incoming, outgoing = fork.Pipe(duplex=False)
    process = fork.Process(target=work)
    process.start()
    outgoing.close()
    tokens, vectors, seconds, peak = incoming.recv()
    process.join()
    return WordVectors(tokens, vectors), seconds, peak


def timed(run: Callable[[], WordVectors]) -> tuple[WordVectors, float]:
    started = time.perf_counter()
    return run(), time.perf_counter() - started


def spread(values: list[float], form: str) -> str:
    shown = [format(value, form) for value in (statistics.median(values), min(values), max(values))]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=DATA / "imdb5k" / "imdb5k.csv.gz", help="CSV: review, sentiment")
    parser.add_argument("--methods", nargs="+", default=["skipgram", "cbow"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--negative", type=int, default=5)
    parser.add_argument("--sample", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--min-n", type=int, default=3)
    parser.add_argument("--max-n", type=int, default=6)
    parser.add_argument("--bucket", type=int, default=200_000)
    parser.add_argument("--peers", nargs="*", choices=["gensim", "fasttext"], default=["gensim", "fasttext"])
    parser.add_argument("--gensim-form", choices=["lists", "file", "both"], default="both")
    settings = parser.parse_args()
    if "fasttext" in settings.peers and find_spec("fasttext") is None:
        print("fastText is not installed (pip install fasttext-community): left out")
        settings.peers.remove("fasttext")
    corpus = read_corpus(settings.corpus)
    words = len(corpus.ids)
    print(f"{words:,} words, {len(corpus.vocabulary.tokens) - 2:,} different, {len(corpus.documents):,} documents")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "corpus.txt"
        file.write_text("".join(" ".join(document) + "\n" for document in corpus.documents), encoding="utf-8")
        for method in settings.methods:
            seconds = first_call(corpus, method, settings)
            print(f"\n{method}: first call (compiled, or from the cache): {seconds:.1f} s")
            for threads in settings.threads:
                compare(corpus, method, threads, settings, file)


def first_call(corpus: BenchmarkCorpus, method: str, settings: argparse.Namespace) -> float:
    few = BenchmarkCorpus(corpus.documents, corpus.labels, corpus.ids, corpus.offsets[:2], corpus.vocabulary)
    return timed(lambda: train_ours(few, Run(method, 1, 1), settings))[1]


def compare(corpus: BenchmarkCorpus, method: str, threads: int, settings: argparse.Namespace, file: Path) -> None:
    words = settings.epochs * len(corpus.ids)
    tools = ["mt2st", *settings.peers]
    speeds: dict[str, list[float]] = {tool: [] for tool in tools}
    qualities: dict[str, list[dict[str, float]]] = {tool: [] for tool in tools}
    memory = dict.fromkeys(tools, 0.0)
    for turn in range(settings.rounds):
        run = Run(method, threads, turn + 1)
        for tool in tools[turn % len(tools) :] + tools[: turn % len(tools)]:
            vectors, seconds, peak = apart(lambda tool=tool, run=run: train(tool, corpus, run, settings, file))
            memory[tool] = max(memory[tool], peak)
            speeds[tool].append(words / seconds)
            qualities[tool].append(quality(vectors, corpus))
    print(f"{method}, {threads} thread(s), {settings.rounds} rounds: median (range)")
    for tool in tools:
        measures = "  ".join(
            f"{name} {statistics.mean(q[name] for q in qualities[tool]):.3f}"
            f" ±{statistics.pstdev(q[name] for q in qualities[tool]):.3f}"
            for name in qualities[tool][0]
        )
        print(f"  {tool:9}{spread(speeds[tool], ',.0f')} words/s   {measures}   {memory[tool]:,.0f} MB")
    for peer in settings.peers:
        ratios = [ours / theirs for ours, theirs in zip(speeds["mt2st"], speeds[peer], strict=True)]
        print(f"  mt2st / {peer}: {spread(ratios, '.2f')}", flush=True)


def train(
    tool: str, corpus: BenchmarkCorpus, run: Run, settings: argparse.Namespace, file: Path
) -> tuple[WordVectors, float]:
    if tool == "mt2st":
        return timed(lambda: train_ours(corpus, run, settings))
    if tool == "fasttext":
        return train_fasttext(run, settings, file)
    forms = {"lists": [None], "file": [file], "both": [None, file]}[settings.gensim_form]
    return min((train_gensim(corpus, run, settings, form) for form in forms), key=lambda result: result[1])


if __name__ == "__main__":
    main()
