"""The table of the fine-tuned transformer, of runs written by hand."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

TABLE = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "transformer_table.py"))["table"]


def test_costs_are_counted_until_single_tasks_best_was_reached(tmp_path: Path) -> None:
    def row(strategy: str, seed: int, operations: float, *course: tuple[float, float, float]) -> str:
        rows = [[step, seconds, flops, accuracy, -1.0] for step, (seconds, flops, accuracy) in enumerate(course)]
        best = max(accuracy for *_, accuracy in course)
        return f'{strategy},{seed},24,0.75,{best},50,{operations},0,0,"{json.dumps(rows)}"'

    lines = [
        "strategy,seed,sample,accuracy,validation,seconds,operations,batches_mlm,batches_simcse,course",
        row("single-task", 1, 1e12, (10, 4e11, 0.7), (20, 8e11, 0.8), (30, 1e12, 0.8)),
        row("single-task", 2, 1e12, (10, 4e11, 0.7)),
        row("multi-task", 1, 4e12, (30, 2e12, 0.79)),
        row("multi-task", 2, 4e12, (30, 2e12, 0.6)),
        row("switch", 1, 3e12, (10, 1e12, 0.7), (30, 1.6e12, 0.81)),
        row("switch", 2, 3e12, (40, 1.6e12, 0.7)),
    ]
    (tmp_path / "runs.csv").write_text("\n".join(lines), encoding="utf-8")
    found = TABLE(tmp_path / "runs.csv").splitlines()[2:]
    assert found == [
        "| single-task | 2 | 75.0 % | 1.0 | 25 % | 50 | 2 of 2 | 1.00 | 1.00 |",
        "| multi-task | 2 | 75.0 % | 4.0 | 100 % | 50 | 0 of 2 |  |  |",
        "| switch | 2 | 75.0 % | 3.0 | 75 % | 50 | 2 of 2 | 2.83 | 2.45 |",
    ]
