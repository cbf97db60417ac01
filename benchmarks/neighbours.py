"""Time of exact neighbours: many queries in blocks of matrix products, against gensim's, one query after the other.

    python benchmarks/neighbours.py --words 1000000 --size 100 --queries 1000

The vectors are random: the search is exact, so that its time does not depend on what they mean. Seconds are those of
the clock, and of the processor (all threads together), which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from mt2st.embedding import WordVectors


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--topn", type=int, default=10)
    parser.add_argument("--gensim-queries", type=int, default=20, help="0 leaves gensim out")
    options = parser.parse_args()

    table = np.random.default_rng(0).standard_normal((options.words, options.size), dtype=np.float32)
    words = [f"w{number}" for number in range(options.words)]
    vectors = WordVectors(words, table)
    asked = words[:: max(1, options.words // options.queries)][: options.queries]
    vectors.similar_by_words(asked[:1])  # the lengths of all vectors are computed once

    seconds, processor = time.perf_counter(), time.process_time()
    found = vectors.similar_by_words(asked, topn=options.topn)
    seconds, processor = time.perf_counter() - seconds, time.process_time() - processor
    print(f"mt2st:  {len(asked):,} queries in {seconds:.1f} s ({processor:.1f} s of processor time)")
    print(f"        {1e3 * seconds / len(asked):.2f} ms a query ({1e3 * processor / len(asked):.2f} ms)")

    if options.gensim_queries:
        from gensim.models import KeyedVectors

        theirs = KeyedVectors(options.size)
        theirs.add_vectors(words, table)
        theirs.most_similar(asked[0])
        some = asked[: options.gensim_queries]
        seconds, processor = time.perf_counter(), time.process_time()
        same = [theirs.most_similar(word, topn=options.topn) for word in some]
        seconds, processor = time.perf_counter() - seconds, time.process_time() - processor
        print(f"gensim: {1e3 * seconds / len(some):.2f} ms a query ({1e3 * processor / len(some):.2f} ms)")
        agreeing = sum({w for w, _ in a} == {w for w, _ in b} for a, b in zip(found, same, strict=False))
        print(f"        the same {options.topn} neighbours for {agreeing} of {len(some)} words")


if __name__ == "__main__":
    main()
