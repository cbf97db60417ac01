"""Draws the README's figure, ``docs/_static/reviews.svg``, from the strategies and the studies under results/.

    python benchmarks/readme_figure.py

Left, the weight of an auxiliary task over time under each strategy. Right, the accuracy of each seed on the test part.
"""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import mean

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mt2st.strategy import Diminish, MultiTask, SingleTask, Strategy, Switch

ROOT = Path(__file__).resolve().parents[1]
RESULTS, FIGURE = ROOT / "results", ROOT / "docs" / "_static" / "reviews.svg"
EPOCHS = 10
STRATEGIES: dict[str, tuple[Strategy, str]] = {
    "single-task": (SingleTask(auxiliaries=["context"]), "#6b7280"),
    "multi-task": (MultiTask(auxiliaries=["context"]), "#b45309"),
    "switch": (Switch(at=5, auxiliaries=["context"]), "#0f766e"),
    "diminish": (Diminish(auxiliaries=["context"]), "#1d4ed8"),
}
"""As in the study ``sentiment-mean``, with their colours."""
LABELS = {"single-task": (7.4, 0.03), "multi-task": (6.2, 1.03), "switch": (4.6, 0.72), "diminish": (2.1, 0.47)}
"""Where each name stands in the left panel."""
ROWS = (
    ("TF-IDF + logistic\nregression", "baselines", "TF-IDF + logistic regression"),
    ("single-task", "sentiment-mean", "single-task"),
    ("multi-task", "sentiment-mean", "multi-task"),
    ("multi-task,\nweight tuned", "sentiment-mean-tuned-weight", "multi-task"),
    ("switch", "sentiment-mean", "switch"),
    ("diminish", "sentiment-mean", "diminish"),
)
"""Label, file and method of each row of the right panel, from the top."""


def accuracies(name: str, method: str) -> list[float]:
    """Return the test accuracies of a method, in per cent, one for each seed."""
    with (RESULTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == method]
    if name == "baselines":
        return [100 * float(row["accuracy"]) for row in rows if row["parts"] == "sample24"]
    return [100 * float(row["test_accuracy"]) for row in rows]


def draw_weights(axes: Axes) -> None:
    """Draw the weight of the context task in each epoch."""
    for name, (strategy, colour) in STRATEGIES.items():
        weights = [strategy.weights(t)["context"] for t in range(1, EPOCHS + 1)]
        axes.plot(range(1, EPOCHS + 1), weights, drawstyle="steps-mid", color=colour, linewidth=2)
        axes.annotate(name, LABELS[name], color=colour, fontweight="bold")
    axes.set(title="Weight of the auxiliary task", xlabel="epoch", ylim=(-0.05, 1.15), xlim=(0.5, EPOCHS + 0.5))
    axes.set_xticks(range(1, EPOCHS + 1))


def draw_accuracies(axes: Axes) -> None:
    """Draw a dot for each seed and a line at the mean."""
    for place, (_, name, method) in enumerate(reversed(ROWS)):
        values = accuracies(name, method)
        colour = STRATEGIES[method][1] if method in STRATEGIES else "#9ca3af"
        axes.scatter(values, [place] * len(values), color=colour, alpha=0.45, s=24, linewidths=0)
        axes.plot([mean(values)] * 2, [place - 0.28, place + 0.28], color=colour, linewidth=2.5)
        axes.annotate(f"{mean(values):.1f}", (max(values) + 0.12, place), va="center", color=colour, fontweight="bold")
    axes.set_yticks(range(len(ROWS)), [label for label, *_ in reversed(ROWS)])
    axes.set(title="Accuracy from 750 labels, 4,000 unseen reviews (%)", xlim=(81.9, 87.6))
    axes.grid(axis="x", color="#e5e7eb")
    axes.set_axisbelow(True)


def draw(path: Path = FIGURE) -> None:
    """Write the figure."""
    style = {
        "font.family": "sans-serif",
        "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
        "font.size": 10,
        "svg.fonttype": "none",
        "svg.hashsalt": "mt2st",  # the same file from the same data
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(10, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.35])
        draw_weights(left)
        draw_accuracies(right)
        figure.savefig(path, metadata={"Date": None, "Title": "Weights and accuracies of the strategies"})


if __name__ == "__main__":
    draw()
    print(FIGURE)
