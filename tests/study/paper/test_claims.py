from __future__ import annotations

from tests.study.paper.made_up import result

from mt2st.study import Study
from mt2st.study.paper.claims import time_table, time_verdict

SEEDS = (1, 2, 3)
STUDY = Study(
    [
        *(result("single-task", seed, 0.7, accuracies=(0.5, 0.6, 0.65, 0.7), seconds=10) for seed in SEEDS),
        *(result("multi-task", seed, 0.7, accuracies=(0.6, 0.72, 0.7, 0.7), seconds=20) for seed in SEEDS),
        *(result("switch", seed, 0.7, accuracies=(0.71, 0.72, 0.7, 0.7), seconds=12) for seed in SEEDS),
        *(result("diminish", seed, 0.7, accuracies=(0.6, 0.6, 0.6, 0.6), seconds=12) for seed in SEEDS),
    ]
)


def test_ratios_are_of_the_time_until_single_tasks_best() -> None:
    table = time_table(STUDY)
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    assert rows["switch"]["seconds / single-task"].startswith("0.30 ")  # 12 s of 40 s
    assert rows["switch"]["seconds / multi-task"].startswith("0.30 ")  # 12 s of 40 s
    assert rows["switch"]["steps / single-task"].startswith("0.25 ")
    assert rows["multi-task"]["seconds / single-task"].startswith("1.00 ")
    assert rows["diminish"]["seconds / single-task"] == "-, never 3"
    assert rows["switch"]["seconds of all epochs / single-task"].startswith("1.20 ")
    assert "0.33 and 0.87" in table.notes


def test_the_verdict_compares_with_the_claims_and_counts_what_was_never_reached() -> None:
    verdict = time_verdict(STUDY)
    assert "switch: 70 % less time than single-task" in verdict
    assert "claimed 67 %" in verdict
    assert "70 % less time than multi-task" in verdict
    assert "claimed 13 %" in verdict
    assert "diminish never reached single-task's best (3 seeds)" in verdict


def test_more_time_is_called_more() -> None:
    slow = Study([*STUDY.results[:3], *(result("switch", seed, 0.7, seconds=30) for seed in SEEDS)])
    assert "switch: 125 % more time than single-task" in time_verdict(slow)
