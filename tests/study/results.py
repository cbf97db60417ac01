"""Made-up results, whose statistics are known."""

from __future__ import annotations

from collections.abc import Sequence

from mt2st.study import CellResult
from mt2st.training import Evaluation, Run


def cell(
    name: str,
    seed: int,
    accuracies: Sequence[float],
    test: float,
    *,
    encoder: str = "bilstm",
    auxiliary: str = "context",
) -> CellResult:
    """A finished cell that was evaluated every ten seconds, five steps and a hundred operations."""
    evaluations = [
        Evaluation(epoch, 5 * epoch, 10.0 * epoch, {}, {}, {}, 0.0, {"accuracy": accuracy}, flops=100.0 * epoch)
        for epoch, accuracy in enumerate(accuracies, start=1)
    ]
    return CellResult(
        name,
        seed,
        {"accuracy": test, "macro_f1": test / 2},
        Run(evaluations, best=0),
        factors={"embedding": "random", "auxiliary": auxiliary, "encoder": encoder},
        identity={"strategy": {"strategy": "single-task" if name == "single-task" else "switch", "settings": {}}},
    )


def with_scores(name: str, scores: Sequence[float], **factors: str) -> list[CellResult]:
    """Finished cells of which the score on the test part alone matters, with the seeds 1, 2, ..."""
    return [cell(name, seed, [0.5], score, **factors) for seed, score in enumerate(scores, start=1)]
