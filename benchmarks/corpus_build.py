"""How fast, and in how much memory, a corpus is built from a text file of any size.

    python benchmarks/corpus_build.py                  # 1 GB of ASCII, the default
    python benchmarks/corpus_build.py --megabytes 100 --accents
    python benchmarks/corpus_build.py --heavy-tail     # the worst case for memory

Writes a text file whose words follow Zipf's laws into a temporary folder, builds a corpus from it in a fresh process
and prints one JSON object: tokens per second (reading, tokenising, encoding and writing; also per second of processor
time, which a busy machine changes less) and the peak resident memory of that process.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BASE = 4
"""Spelling ranks in few letters makes words about as long as English ones: 4 to 5 letters on average."""
PLAIN_LETTERS, ACCENTED_LETTERS = "aent", "äéñt"
CORE_WORDS = 8000
"""Word frequencies of large corpora fall with 1 / rank up to about this rank and with 1 / rank**2 beyond (Ferrer i
Cancho and Sole, 2001). ``--heavy-tail`` goes on with 1 / rank: far more distinct words than any language has."""
WORDS_PER_LINE = 200
WORDS_PER_SENTENCE = 20
LINES_PER_BLOCK = 1000


def spelt(rank: int, letters: str) -> str:
    word = ""
    while rank:
        rank, digit = divmod(rank, BASE)
        word += letters[digit]
    return word


def generate(path: Path, megabytes: int, types: int, letters: str, heavy_tail: bool) -> None:
    """Write lines of words drawn by their rank, with a full stop after each sentence."""
    import numpy as np

    rng = np.random.default_rng(1)
    weights = 1 / np.arange(1, types + 1)
    if not heavy_tail:
        weights[CORE_WORDS:] *= CORE_WORDS * weights[CORE_WORDS:]
    shares = weights.cumsum() / weights.sum()
    words = np.array([spelt(rank, letters) for rank in range(1, types + 1)], dtype=object)
    written = 0
    with path.open("wb") as file:
        while written < megabytes * 1_000_000:
            block = words[shares.searchsorted(rng.random((LINES_PER_BLOCK, WORDS_PER_LINE)))]
            block[:, ::WORDS_PER_SENTENCE] += "."
            written += file.write("".join(" ".join(line) + "\n" for line in block.tolist()).encode())


def measure(source: Path, directory: Path, workers: int) -> None:
    """Build the corpus and print the figures; run in a process of its own."""
    from mt2st.text import Corpus, Tokeniser, iterate_texts

    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, start_cpu = time.perf_counter(), time.process_time()
    corpus = Corpus.build(iterate_texts(source), tokeniser=Tokeniser(), directory=directory, workers=workers)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    figures = {
        "megabytes": round(source.stat().st_size / 1e6),
        "documents": len(corpus),
        "tokens": corpus.n_tokens,
        "vocabulary": len(corpus.vocabulary),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "tokens_per_second": round(corpus.n_tokens / seconds),
        "tokens_per_cpu_second": round(corpus.n_tokens / cpu_seconds),
        "peak_resident_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
        "resident_mb_after_import": round(loaded * 1024 / 1e6),
    }
    print(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the generated text (default 1000)")
    parser.add_argument("--types", type=int, default=3_000_000, help="distinct words it is drawn from")
    parser.add_argument("--accents", action="store_true", help="spell the words with accents, to leave ASCII")
    parser.add_argument("--heavy-tail", action="store_true", help="many more rare words than real text has")
    parser.add_argument("--workers", type=int, default=2, help="threads (default 2)")
    parser.add_argument("--generate", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.generate:
        letters = ACCENTED_LETTERS if options.accents else PLAIN_LETTERS
        generate(options.generate, options.megabytes, options.types, letters, options.heavy_tail)
    elif options.measure:
        measure(*options.measure, options.workers)
    else:
        # Both steps run in processes of their own: a new process starts with its parent's peak memory in its books,
        # so this parent stays small.
        with tempfile.TemporaryDirectory() as folder:
            text, own = str(Path(folder) / "text.txt"), [sys.executable, __file__, *sys.argv[1:]]
            subprocess.run([*own, "--generate", text], check=True)
            subprocess.run([*own, "--measure", text, str(Path(folder) / "corpus")], check=True)


if __name__ == "__main__":
    main()
