"""A made-up study of the paper's rows, whose means are known."""

from __future__ import annotations

from collections.abc import Sequence

from mt2st.study import CellResult
from mt2st.study.paper.tables import MEASURES
from mt2st.training import Evaluation, Run, Transition


def result(
    name: str,
    seed: int,
    test: float,
    *,
    embedding: str = "skipgram",
    auxiliary: str = "spearman",
    accuracies: Sequence[float] = (0.5, 0.6, 0.7, 0.7),
    seconds: float = 10.0,
) -> CellResult:
    """A finished cell that was evaluated after every epoch, each of ``seconds``; Switch goes over after two."""
    evaluations = [
        Evaluation(
            epoch,
            5 * epoch,
            seconds * epoch,
            {"primary": 1.0 / epoch, auxiliary: 0.5 / epoch} if name != "single-task" else {"primary": 1.0 / epoch},
            {auxiliary: 1.0},
            {},
            0.0,
            {"accuracy": accuracy, "loss": 1.0 - accuracy},
            flops=100.0 * epoch,
        )
        for epoch, accuracy in enumerate(accuracies, start=1)
    ]
    transitions = [Transition(auxiliary, epoch=3, step=11)] if name == "switch" else []
    return CellResult(
        name,
        seed,
        dict.fromkeys(MEASURES, test),
        Run(evaluations, transitions=transitions, best=0),
        factors={"embedding": embedding, "auxiliary": auxiliary, "encoder": "bilstm"},
        identity={"strategy": {"strategy": "single-task" if name == "single-task" else "other", "settings": {}}},
    )
