"""The table of the claims about time on several sets, of runs written by hand."""

from __future__ import annotations

import runpy
from pathlib import Path

TABLE = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "time_sets.py"))["table"]
COLUMNS = (
    "method,encoder,embedding,auxiliary,seed,metric,validation,epochs,steps,seconds,flops,start_seconds,jobs,"
    "seconds_to_best,steps_to_best,flops_to_best,test_loss,test_accuracy,test_macro_f1"
)


def row(strategy: str, seed: int, accuracy: float, seconds: float | None) -> str:
    best = f"{seconds},{10 * seconds:.0f},{seconds * 1e9}" if seconds else ",,"
    return f"{strategy},bilstm,random,context,{seed},accuracy,0.8,6,282,9,1e9,0,1,{best},0.5,{accuracy},{accuracy}"


def test_each_set_has_its_ratios_and_all_their_geometric_mean(tmp_path: Path) -> None:
    runs = {
        "subj": [("single-task", 0.8, 10.0), ("multi-task", 0.8, 5.0), ("switch", 0.9, 1.0)],
        "cr": [("single-task", 0.7, 8.0), ("multi-task", 0.8, None), ("switch", 0.7, None)],
        "mpqa": [("single-task", 0.8, 4.0), ("multi-task", 0.8, 4.0), ("switch", 0.8, 1.6)],
    }
    for name, lines in runs.items():
        text = "\n".join([COLUMNS, *(row(strategy, 1, accuracy, seconds) for strategy, accuracy, seconds in lines)])
        (tmp_path / f"time-of-{name}.csv").write_text(text + "\n", encoding="utf-8")
    found = [line for line in TABLE(tmp_path / "time-of").splitlines() if "switch" in line]
    assert found == [
        "| subj | switch | 1 of 1 | 0.10 | 0.10 | 0.10 | 0.20 | 90.0 % | +10.0 |",
        "| cr | switch | 0 of 1 |  |  |  |  | 70.0 % | 0.0 |",
        "| mpqa | switch | 1 of 1 | 0.40 | 0.40 | 0.40 | 0.40 | 80.0 % | 0.0 |",
        "| geometric mean of 2 sets | switch |  | 0.20 | 0.20 | 0.20 | 0.28 |  |  |",
    ]
