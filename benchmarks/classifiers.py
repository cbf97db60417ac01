"""Compares text classifiers on nine data sets, with few labels and with all, ours with simple ones.

    nice python benchmarks/classifiers.py run --output results/classifiers.csv [--sets cr subj] [--regimes 10 50]
    python benchmarks/classifiers.py table results/classifiers.csv
    python benchmarks/classifiers.py figure results/classifiers.csv docs/_static/classifiers.svg

``run`` appends a row for each set, regime, draw and method that the file does not have yet: it can be stopped and
started again. ``classifier_methods.py`` describes the methods.

The regimes are 10 labels a class, 50 a class (or as many as a class has) and all labels. The other training texts are
there without their labels. A draw is a choice of the labelled texts, stratified by class; the 50 of a draw hold its 10.
With all labels there is one draw; ours is repeated under several seeds. Test parts never change, and no choice is made
by them.

The labels of ``imdb24`` are the 750 of the paper's sample (``imdb_protocol.py``), and the text of all its 5,000 reviews
is there without labels, that of the test too (transductive, as in the tables of the documentation). ``imdb7`` is
another sample, and so on. ``bbc`` has the demo's test part.

A *cell* is a set in a regime. A difference between two methods in a cell is *beyond noise* if the 95 % confidence
interval of its mean over the draws does not hold 0. Where one of the two has a single draw, the interval is that of two
independent shares of the test part.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import imdb_protocol
import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from classifier_methods import METHODS, OURS, PRETRAINED, SIMPLE, UNLABELLED, Cut, Method, Workshop, word_vectors
from joblib import Memory
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import norm, t
from sklearn.metrics import accuracy_score, f1_score, log_loss
from threadpoolctl import threadpool_limits

from mt2st.cli.demo import TEST, read_articles
from mt2st.errors import InputError, listed
from mt2st.text import LabelledText, read_labelled, split_labelled

DEVELOP = ("bbc", "imdb24", "tweet-emotion", "mpqa", "banking77")
CONFIRM = ("cr", "subj", "tweet-hate", "ohsumed")
"""Settings and rules are chosen on DEVELOP; CONFIRM is looked at when they are.

The news and the reviews have been tuned on before. The other sets are in pairs of a kind, one on each side: opinions
(imdb24, cr), short texts of two classes (mpqa, subj), tweets (tweet-emotion, tweet-hate), many classes (banking77,
ohsumed).
"""
TWO_CLASSES = ("imdb24", "mpqa", "cr", "subj", "tweet-hate")
REGIMES = {"10": 10, "50": 50, "all": None}
"""Labels a class."""
DRAWS, SEEDS = 5, 3
"""Draws of the small regimes; seeds of ours where all labels are given."""
CELL = ["set", "regime"]
KEY = (*CELL, "draw", "method")
MEASURES = ("accuracy", "macro_f1", "log_loss", "seconds", "model_bytes", "documents_per_second", "test_texts")
COLUMNS = (*KEY, *MEASURES)
"""Columns of the results. Seconds of training are the processor's. Log loss is empty without probabilities."""
CONFIDENCE = 0.95
DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
COLOURS = {"single-task": "#6b7280", "multi-task": "#b45309", "switch": "#0f766e", "diminish": "#1d4ed8"}
"""Colours of ours, as in the README's figure."""


@dataclass(frozen=True)
class Problem:
    """A data set with numbers as labels.

    Attributes:
        texts: the training texts: n with a label, then those that never have one.
        labels: n classes, from 0.
        test_texts: texts of the test part.
        test_labels: their classes.
    """

    texts: Sequence[str]
    labels: NDArray[np.int64]
    test_texts: Sequence[str]
    test_labels: NDArray[np.int64]

    @classmethod
    def of(cls, train: LabelledText, test: LabelledText, unlabelled: Iterable[str] = ()) -> Problem:
        """Number the classes of the training part.

        Raises:
            InputError: a label of the test part does not occur in it.
        """
        classes = sorted(set(train.labels))
        for label in sorted(set(test.labels) - set(classes)):
            raise InputError(f"the label '{label}' of the test part does not occur in the training part")
        numbers = [np.array([classes.index(label) for label in part.labels]) for part in (train, test)]
        return cls([*train.texts, *unlabelled], numbers[0], test.texts, numbers[1])

    def cut(self, regime: str, draw: int) -> Cut:
        """Give labels to the texts of a regime and a draw, a number from 1."""
        count = REGIMES[regime]
        labels = np.full(len(self.texts), UNLABELLED)
        order = np.random.default_rng(draw).permutation(len(self.labels))
        for each in np.unique(self.labels):
            rows = order[self.labels[order] == each][:count]
            labels[rows] = each
        return Cut(self.texts, labels, draw)


@cache
def read_problem(name: str, data: Path) -> Problem:
    """Read a data set from the folder of shared data.

    Raises:
        InputError: there is no such set.
    """
    if name == "bbc":
        return Problem.of(*split_labelled(read_articles(), TEST, seed=0))
    if name.startswith("imdb") and name[4:].isdecimal():
        reviews = read_labelled(data / "imdb5k" / "imdb5k.csv.gz", text="review", label="sentiment")
        parts = imdb_protocol.cut(reviews, int(name[4:]))
        return Problem.of(parts["train"], parts["test"], parts["validation"].texts + parts["test"].texts)
    if name not in DEVELOP + CONFIRM:
        raise InputError(f"unknown set '{name}': choose from {listed(DEVELOP + CONFIRM)}, or imdbN for a sample N")
    return Problem.of(*(read_labelled(data / "classification" / f"{name}-{part}.csv.gz") for part in ("train", "test")))


def measure(problem: Problem, cut: Cut, method: Method, workshop: Workshop) -> dict[str, object]:
    """Fit a method and measure it once on the test part."""
    start = workshop.seconds()
    fitted = method(cut, workshop)
    middle = workshop.seconds()
    scores = fitted.probabilities(problem.test_texts)
    end = workshop.seconds()
    true, predicted = problem.test_labels, scores.argmax(axis=1)
    return {
        "accuracy": f"{accuracy_score(true, predicted):.4f}",
        "macro_f1": f"{f1_score(true, predicted, average='macro'):.4f}",
        "log_loss": f"{log_loss(true, scores, labels=range(scores.shape[1])):.4f}" if fitted.calibrated else "",
        "seconds": f"{middle - start:.2f}",
        "model_bytes": fitted.size,
        "documents_per_second": f"{len(true) / (end - middle):.0f}",
        "test_texts": len(true),
    }


def draws_of(method: str, regime: str) -> int:
    """Return how many draws, or seeds, of a method a regime has."""
    if regime != "all":
        return DRAWS
    return SEEDS if method in OURS else 1


def missing(
    path: Path, sets: Sequence[str], regimes: Sequence[str], methods: Sequence[str]
) -> Iterator[tuple[str, str, int, str]]:
    """Yield set, regime, draw and method of the rows that a file of results lacks."""
    done: set[tuple[str, ...]] = set()
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            done = {tuple(row[name] for name in KEY) for row in csv.DictReader(file)}
    for name in sets:
        for regime in regimes:
            for draw in range(1, DRAWS + 1):
                for method in methods:
                    row = (name, regime, str(draw), method)
                    if draw <= draws_of(method, regime) and row not in done:
                        yield name, regime, draw, method


def append(path: Path, row: Mapping[str, object]) -> None:
    """Add a row to a file of results, which is made with its header if it is not there."""
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
        writer.writerow(row)


def run(options: argparse.Namespace) -> int:
    """Compute the missing rows; a method that fails is reported and left out. Return the number of failures."""
    options.output.parent.mkdir(parents=True, exist_ok=True)
    workshop = Workshop(Memory(options.output.parent / "shared-results", verbose=0), options.autotune_seconds)
    failures = 0
    rows = list(missing(options.output, options.sets, options.regimes, options.methods))
    for name in {rows[0][0]} if rows else set():
        word_vectors(read_problem(name, options.data).texts[:1000])  # compiles the kernels before the first measurement
    for name, regime, draw, method in rows:
        problem = read_problem(name, options.data)
        try:
            found = measure(problem, problem.cut(regime, draw), METHODS[method], workshop)
        except Exception:  # one failed cell must not end hours of others; the exit code tells of it
            print(f"{name} {regime} {draw} {method} failed:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            failures += 1
            continue
        append(options.output, {"set": name, "regime": regime, "draw": draw, "method": method, **found})
        print(time.strftime("%H:%M:%S"), name, regime, draw, method, found["accuracy"], found["seconds"], flush=True)
    return failures


def read_rows(path: Path) -> pd.DataFrame:
    """Read a file of results."""
    return pd.read_csv(path, dtype={"regime": str})


def means(rows: pd.DataFrame, measure: str = "accuracy") -> pd.DataFrame:
    """Return the mean of a measure over the draws: a row for each cell, a column for each method."""
    return rows.pivot_table(index=CELL, columns="method", values=measure)


def complete(cells: pd.DataFrame, methods: Collection[str]) -> pd.DataFrame:
    """Return the cells in which all these methods have been measured."""
    return cells.reindex(columns=list(methods)).dropna()


def mean_ranks(rows: pd.DataFrame, methods: Collection[str]) -> pd.Series:
    """Return each method's mean rank by accuracy, from 1, over the cells that have all methods; ties share a rank."""
    return complete(means(rows), methods).rank(axis=1, ascending=False).mean()


def half_width(differences: Sequence[float] | pd.Series) -> float:
    """Return half the width of the 95 % confidence interval of a mean, by Student's t; NaN for one value."""
    n = len(differences)
    return float(t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.std(differences, ddof=1) / np.sqrt(n)) if n > 1 else np.nan


def compare(cell: pd.DataFrame, first: str, second: str) -> tuple[float, bool]:
    """Return the mean difference in accuracy of two methods in a cell, and whether it is beyond noise.

    The draws of both are paired; a single draw is compared with the mean of the other's.
    """
    draws = cell.pivot_table(index="draw", columns="method", values="accuracy")[[first, second]]
    if draws.count().min() == 1:
        shares = draws.mean()
        variance = (shares * (1 - shares)).sum() / cell["test_texts"].iloc[0]
        noise = norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(variance)
        difference = shares[first] - shares[second]
    else:
        paired = (draws[first] - draws[second]).dropna()
        difference, noise = paired.mean(), half_width(paired)
    return float(difference), bool(abs(difference) > noise)


def wins_and_losses(rows: pd.DataFrame, method: str, others: Collection[str]) -> tuple[int, int, int]:
    """Return in how many cells a method is beyond noise above the best of others, below it, and the number of cells."""
    wins = losses = 0
    cells = complete(means(rows), [method, *others])
    for key, scores in cells.iterrows():
        cell = rows[(rows[CELL] == list(key)).all(axis=1)]
        difference, beyond = compare(cell, method, str(scores[list(others)].idxmax()))
        wins += beyond and difference > 0
        losses += beyond and difference < 0
    return wins, losses, len(cells)


def difference_to_best(rows: pd.DataFrame, method: str, others: Collection[str]) -> tuple[float, float]:
    """Return the mean over the cells of a method's accuracy less that of the best of others, and its half-width.

    The best is the one with the highest mean in a cell, so it is chosen by the test part: it errs in favour of others.
    """
    cells = complete(means(rows), [method, *others])
    differences = cells[method] - cells[list(others)].max(axis=1)
    return float(differences.mean()), half_width(differences)


def few_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with 10 labels a class, and with 50 where there are two classes."""
    return rows[rows["regime"] == np.where(rows["set"].isin(TWO_CLASSES), "50", "10")]


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are numbers."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *lines])


def accuracy_table(rows: pd.DataFrame, methods: Sequence[str]) -> str:
    """Return accuracies in per cent, a line a set: mean and standard deviation over the draws; the best is bold."""
    lines = []
    for name in rows["set"].unique():
        of_set = rows[rows["set"] == name].groupby("method")["accuracy"]
        texts = {
            method: f"{100 * draws.mean():.1f}" + (f" ± {100 * draws.std():.1f}" if len(draws) > 1 else "")
            for method, draws in of_set
        }
        best = of_set.mean().idxmax()
        lines.append([name, *(f"**{texts[each]}**" if each == best else texts.get(each, "") for each in methods)])
    return markdown(["set", *methods], lines)


def stand(rows: pd.DataFrame, method: str, others: Collection[str]) -> list[str]:
    """Return how a method stands to the best of others: mean difference in points, and wins and losses beyond noise."""
    difference, noise = difference_to_best(rows, method, others)
    wins, losses, cells = wins_and_losses(rows, method, others)
    return [f"{100 * difference:+.1f} ± {100 * noise:.1f}", f"{wins}, {losses} of {cells}"]


def summary_table(rows: pd.DataFrame, methods: Sequence[str]) -> str:
    """Return a line for each method over the cells that have all: means, mean rank, standing to the best simple one."""
    columns = [
        100 * complete(means(rows), methods).mean(),
        100 * complete(means(rows, "macro_f1"), methods).mean(),
        mean_ranks(rows, methods),
        complete(means(rows, "seconds"), methods).mean(),
    ]
    lines = []
    for method in methods:
        others = [each for each in methods if each in SIMPLE and each != method]
        lines.append([method, *(f"{column[method]:.1f}" for column in columns), *stand(rows, method, others)])
    header = ["accuracy", "macro F1", "mean rank", "CPU s", "less the best simple one", "wins, losses to it"]
    return markdown(["method", *header], lines)


def transition_table(rows: pd.DataFrame) -> str:
    """Return how the strategies with a transition stand to those without one."""
    pairs = [(ours, other) for ours in ("diminish", "switch") for other in ("single-task", "multi-task")]
    lines = [[f"{ours}, {other}", *stand(rows, ours, [other])] for ours, other in pairs]
    return markdown(["strategies", "difference", "wins, losses"], lines)


def table(rows: pd.DataFrame) -> str:
    """Return the tables of all regimes and the summaries of the cells that have every method."""
    methods = [each for each in METHODS if each in set(rows["method"])]
    parts = {f"Accuracy (%), labels a class: {name}": accuracy_table(each, methods) for name, each in by_regime(rows)}
    groups = {
        "all": rows,
        "sets to develop on": rows[rows["set"].isin(DEVELOP)],
        "sets to confirm on": rows[rows["set"].isin(CONFIRM)],
        "few labels (10 a class, 50 on two classes)": few_labels(rows),
        **{f"labels a class: {name}": each for name, each in by_regime(rows)},
    }
    for name, group in groups.items():
        present = [each for each in methods if each in set(group["method"])]
        if len(complete(means(group), present)):
            parts[f"Summary, {name}"] = summary_table(group, present)
            if set(OURS) <= set(present):
                parts[f"Transitions, {name}"] = transition_table(group)
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())


def by_regime(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the regimes that have rows, with these."""
    for regime in REGIMES:
        if regime in set(rows["regime"]):
            yield regime, rows[rows["regime"] == regime]


def draw_regime(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw a line for each set: the simple methods in grey with the name of the best, the others as marks on it."""
    cells = 100 * rows.pivot_table(index="set", columns="method", values="accuracy")
    order = [name for name in (*CONFIRM, *DEVELOP) if name in cells.index]
    for place, name in enumerate(order):
        scores = cells.loc[name].dropna()
        simple = scores[scores.index.isin(SIMPLE)]
        axes.plot([simple.min(), simple.max()], [place] * 2, color="#d1d5db", linewidth=5, solid_capstyle="round")
        axes.plot(simple, [place] * len(simple), "|", color="#6b7280", markersize=7)
        axes.annotate(str(simple.idxmax()), (simple.max(), place + 0.2), ha="center", fontsize=7, color="#6b7280")
        for method in scores.index.intersection([*PRETRAINED, *OURS]):
            marker, face = ("o", COLOURS[method]) if method in OURS else ("D", "white")
            colour = COLOURS.get(method, "#7c3aed")
            axes.plot(scores[method], place, marker, color=colour, markerfacecolor=face, markersize=6, label=method)
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(-0.6, len(order) - 0.4)
    axes.set_xlabel("test accuracy (%)")
    axes.grid(axis="x", color="#e5e7eb")
    axes.set_axisbelow(True)


def draw_figure(rows: pd.DataFrame, path: Path) -> None:
    """Write a picture with a panel for each regime; its name's ending decides the format."""
    regimes = dict(by_regime(rows))
    style = {"font.size": 9, "svg.hashsalt": "mt2st", "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):
        figure = Figure(figsize=(4.2 * len(regimes), 4.2), layout="constrained")
        panels = figure.subplots(1, len(regimes), sharey=True, squeeze=False)[0]
        marks: dict[str, object] = {}
        for axes, (regime, of_regime) in zip(panels, regimes.items(), strict=True):
            draw_regime(axes, of_regime)
            axes.set_title(f"Labels a class: {regime}", loc="left", fontweight="bold")
            lines, names = axes.get_legend_handles_labels()
            marks |= dict(zip(names, lines, strict=True))
        figure.legend(marks.values(), marks.keys(), loc="outside lower center", ncols=6, frameon=False)
        figure.savefig(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="compute the rows that a file of results lacks")
    running.add_argument("--output", type=Path, required=True)
    running.add_argument("--sets", nargs="+", default=DEVELOP + CONFIRM)
    running.add_argument("--regimes", nargs="+", choices=REGIMES, default=list(REGIMES))
    usual = [name for name in METHODS if name != "minilm-tuned"]
    running.add_argument("--methods", nargs="+", choices=METHODS, default=usual)
    running.add_argument("--data", type=Path, default=DATA, help="the folder of shared data")
    running.add_argument("--autotune-seconds", type=int, default=30, help="wall-clock time of fastText's autotune")
    for command, what in (("table", "print tables in Markdown"), ("figure", "draw a picture")):
        shown = commands.add_parser(command, help=what)
        shown.add_argument("results", type=Path)
    shown.add_argument("picture", type=Path)
    options = parser.parse_args()
    if options.command == "run":
        torch.set_num_threads(1)
        with threadpool_limits(1):
            return min(run(options), 1)
    rows = read_rows(options.results)
    if options.command == "table":
        print(table(rows))
    else:
        draw_figure(rows, options.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
