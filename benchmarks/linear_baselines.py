"""What TF-IDF, NB-SVM and fastText reach on the parts that ``benchmarks/imdb_protocol.py`` cuts.

    python benchmarks/imdb_protocol.py ../shared/data/imdb5k/imdb5k.csv.gz PARTS
    python benchmarks/linear_baselines.py PARTS [PARTS ...]

Settings are chosen on ``validation.csv``; ``test.csv`` is measured once for each method. No unlabelled text is used.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mt2st.errors import MissingExtraError
from mt2st.study.fasttext_baseline import FastText
from mt2st.study.linear_baselines import LinearMethod, NaiveBayesSVM, TfIdfLogistic, run_linear_baseline
from mt2st.text import read_labelled

METHODS: tuple[LinearMethod, ...] = (TfIdfLogistic(), NaiveBayesSVM(), FastText())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--text", default="review")
    parser.add_argument("--label", default="sentiment")
    options = parser.parse_args()
    for folder in options.folders:
        parts = [
            read_labelled(folder / f"{name}.csv", text=options.text, label=options.label)
            for name in ("train", "validation", "test")
        ]
        print(f"{folder}: {', '.join(f'{len(part):,}' for part in parts)} texts")
        for method in METHODS:
            try:
                result = run_linear_baseline(method, *parts)
            except MissingExtraError as error:
                print(f"  {method.name}: left out, {error}")
                continue
            chosen = ", ".join(f"{name} = {value:g}" for name, value in result.chosen.items())
            print(
                f"  {result.name}: test accuracy {100 * result.test['accuracy']:.1f} %, macro F1 "
                f"{100 * result.test['macro_f1']:.1f} % (validation {100 * result.validation:.1f} %; {chosen}, the "
                f"best of {result.tried}; {result.seconds:.1f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()
