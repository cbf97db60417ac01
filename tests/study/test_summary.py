from __future__ import annotations

import pytest

from mt2st.study import CellResult, summarise
from mt2st.study.summary import table
from mt2st.training import Evaluation, Run


def cell(name: str, seed: int, accuracies: list[float], test: float) -> CellResult:
    """A finished cell whose validation accuracy was measured every ten seconds."""
    evaluations = [
        Evaluation(epoch, epoch, 10.0 * epoch, {}, {}, {}, 0.0, {"accuracy": accuracy})
        for epoch, accuracy in enumerate(accuracies, start=1)
    ]
    return CellResult(name, seed, {"accuracy": test, "macro_f1": test / 2}, Run(evaluations, best=0))


RESULTS = [
    cell("single-task", 1, [0.5, 0.7, 0.6], 0.6),
    cell("single-task", 2, [0.5, 0.6, 0.8], 0.7),
    cell("switch", 1, [0.7, 0.8, 0.9], 0.8),
    cell("switch", 2, [0.6, 0.7, 0.79], 0.9),
]


def test_the_target_is_single_tasks_best_of_the_same_seed() -> None:
    single, switch = summarise(RESULTS, reference="single-task")
    assert (single.seconds_to_target, single.reached) == (25.0, 2)
    assert (switch.seconds_to_target, switch.reached) == (10.0, 1)  # seed 2 never got to 0.8


def test_means_and_deviation_over_seeds() -> None:
    switch = summarise(RESULTS, reference="single-task")[1]
    assert switch.score == pytest.approx(0.85)
    assert switch.deviation == pytest.approx(0.0707, abs=1e-4)
    assert switch.second == pytest.approx(0.425)
    assert switch.train_seconds == 30.0
    assert switch.seeds == 2


def test_never_reached_is_a_result() -> None:
    rows = summarise([RESULTS[1], RESULTS[3]], reference="single-task")
    assert rows[1].seconds_to_target is None
    assert table(rows, "accuracy")[2][-1] == "never (0/1)"


def test_without_single_task_there_is_no_target() -> None:
    (switch,) = summarise(RESULTS[2:], reference="single-task")
    assert switch.reached is None
    assert table([switch], "accuracy")[1][-1] == "-"
