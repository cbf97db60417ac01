"""The table of `benchmarks/transformer.py`: accuracy, operations and time of fine-tuning a transformer.

python benchmarks/transformer_table.py results/transformer.csv
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path

from mt2st.study.statistics import geometric_interval, t_interval

BASE, MULTI_TASK = "single-task", "multi-task"


@dataclass(frozen=True)
class Run:
    """One run: its test accuracy, costs, and the costs until it first had a validation accuracy."""

    strategy: str
    seed: int
    accuracy: float
    validation: float
    seconds: float
    operations: float
    course: list[list[float]]
    """Step, seconds, operations, validation accuracy and negative loss of each evaluation."""

    def until(self, accuracy: float) -> tuple[float, float] | None:
        """Return seconds and operations until a validation accuracy was reached; None if it never was."""
        return next(((row[1], row[2]) for row in self.course if row[3] >= accuracy), None)


def read(path: Path) -> dict[str, dict[int, Run]]:
    """Return the runs by strategy and seed."""
    runs: dict[str, dict[int, Run]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            costs = (float(row[name]) for name in ("accuracy", "validation", "seconds", "operations"))
            run = Run(row["strategy"], int(row["seed"]), *costs, json.loads(row["course"]))
            runs.setdefault(run.strategy, {})[run.seed] = run
    return runs


def table(path: Path) -> str:
    """Return the table in Markdown."""
    runs = read(path)
    lines = [
        "| strategy | seeds | test accuracy | TFLOP | of multi-task's | seconds | single-task's best reached | "
        "TFLOP until then / single-task | seconds until then / single-task |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for strategy, by_seed in runs.items():
        accuracy = t_interval([100 * run.accuracy for run in by_seed.values()])
        half = "" if accuracy.half_width is None else f" ± {accuracy.half_width:.1f}"
        operations = sum(run.operations for run in by_seed.values()) / len(by_seed)
        seconds = sum(run.seconds for run in by_seed.values()) / len(by_seed)
        whole = runs.get(MULTI_TASK, {})
        shares = [run.operations / whole[seed].operations for seed, run in by_seed.items() if seed in whole]
        reached = [
            (there, base.until(base.validation))
            for base in runs[BASE].values()
            if base.seed in by_seed and (there := by_seed[base.seed].until(base.validation))
        ]
        until = [
            f"{geometric_interval([one[cost] / other[cost] for one, other in reached]).mean:.2f}" if reached else ""
            for cost in (1, 0)
        ]
        lines.append(
            f"| {strategy} | {len(by_seed)} | {accuracy.mean:.1f}{half} % | {operations / 1e12:.1f} | "
            f"{100 * sum(shares) / max(1, len(shares)):.0f} % | {seconds:.0f} | {len(reached)} of {len(by_seed)} | "
            f"{until[0]} | {until[1]} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    print(table(parser.parse_args().runs))
