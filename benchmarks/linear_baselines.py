"""What TF-IDF, NB-SVM and fastText reach on the parts that ``benchmarks/imdb_protocol.py`` cuts.

    python benchmarks/imdb_protocol.py ../shared/data/imdb5k/imdb5k.csv.gz PARTS
    python benchmarks/linear_baselines.py PARTS [PARTS ...] [--output results/baselines]

With ``--output``, ``baselines.csv`` there keeps what is printed, and the README's table is taken from it. Settings are
chosen on ``validation.csv``; ``test.csv`` is measured once for each method. No unlabelled text is used.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from mt2st.errors import MissingExtraError
from mt2st.study.fasttext_baseline import FastText
from mt2st.study.linear_baselines import LinearMethod, NaiveBayesSVM, TfIdfLogistic, run_linear_baseline
from mt2st.text import read_labelled

FILE = "baselines.csv"
COLUMNS = ("method", "parts", "accuracy", "macro_f1", "validation_accuracy", "settings", "tried")
METHODS: tuple[LinearMethod, ...] = (TfIdfLogistic(), NaiveBayesSVM(), FastText())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--text", default="review")
    parser.add_argument("--label", default="sentiment")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args()
    rows: list[tuple[str, ...]] = []
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
            measures = (result.test["accuracy"], result.test["macro_f1"], result.validation)
            rows.append((result.name, folder.name, *(f"{each:.4f}" for each in measures), chosen, str(result.tried)))
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        with (options.output / FILE).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


def table(folder: Path) -> str:
    """Return what was kept as a Markdown table: the accuracy of each method on each split, in percent."""
    with (folder / FILE).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    splits = list(dict.fromkeys(row["parts"] for row in rows))
    found = {(row["method"], row["parts"]): f"{100 * float(row['accuracy']):.1f} %" for row in rows}
    methods = dict.fromkeys(row["method"] for row in rows)
    lines = [f"| method | {' | '.join(splits)} |", f"| --- |{' ---: |' * len(splits)}"]
    lines += [f"| {method} | {' | '.join(found.get((method, each), '-') for each in splits)} |" for method in methods]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
