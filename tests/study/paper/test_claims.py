from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.study.paper.made_up import result

from mt2st.study import Study
from mt2st.study.paper.tables import time_table, time_verdict

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
    assert rows["diminish"]["seconds / single-task"] == "never (0/3)"
    assert rows["switch"]["seconds of all epochs / single-task"].startswith("1.20 ")
    assert "0.33 and 0.87" in table.notes


def test_the_verdict_compares_with_the_claims_and_counts_what_was_never_reached() -> None:
    assert time_verdict(STUDY) == (
        "switch against single-task: 0.30 [0.30, 0.30] of the time and 0.25 of the steps, claimed 0.33: met; "
        "against multi-task: 0.30 [0.30, 0.30] of the time and 0.50 of the steps, claimed 0.87: met. "
        "diminish against single-task: single-task's best never reached in 3 of 3 seeds, claimed 0.33: not met; "
        "against multi-task: single-task's best never reached in 3 of 3 seeds, claimed 0.87: not met"
    )


def said(seconds: Sequence[float | None]) -> str:
    """What is said of Switch, which reaches single-task's best, its 10 seconds, after these by seed; None is never."""
    single = [result("single-task", seed, 0.7, accuracies=(0.7,)) for seed, _ in enumerate(seconds)]
    switch = [
        result("switch", seed, 0.7, accuracies=(0.7 if each else 0.6,), seconds=each or 10.0)
        for seed, each in enumerate(seconds)
    ]
    return time_verdict(Study([*single, *switch]))


@pytest.mark.parametrize(
    ("seconds", "time", "judged"),
    [
        ([2.0, 2.1, 1.9], "0.20 [0.18, 0.23] of the time and 1.00 of the steps", "met"),
        ([5.0, 5.2, 4.8], "0.50 [0.45, 0.55] of the time and 1.00 of the steps", "not met"),
        ([2.0, 3.0, 4.0], "0.29 [0.12, 0.69] of the time and 1.00 of the steps", "not told apart from it"),
        ([2.0, 4.0, 5.0], "0.34 [0.10, 1.12] of the time and 1.00 of the steps", "not told apart from it"),
        ([63.0, 99.0, 40.0], "6.30 [2.04, 19.40] of the time and 1.00 of the steps", "not met"),
        ([2.0], "0.20 of the time and 1.00 of the steps", "not told by 1 seed"),
        ([2.0, 2.01], "0.20 of the time and 1.00 of the steps", "not told by 2 seeds"),
        (
            [2.0, 2.1, 1.9, None],
            "of the steps, single-task's best never reached in 1 of 4 seeds",
            "not told, as it was not always reached",
        ),
        ([8.0, 8.1, 7.9, None], "of the steps, single-task's best never reached in 1 of 4 seeds", "not met"),
        ([None, None], "against single-task: single-task's best never reached in 2 of 2 seeds", "not told by 2 seeds"),
        ([None], "against single-task: single-task's best never reached in 1 of 1 seed", "not told by 1 seed"),
    ],
)
def test_the_sentence_judges_the_whole_interval(seconds: Sequence[float | None], time: str, judged: str) -> None:
    sentence = said(seconds)
    assert time in sentence
    assert sentence.endswith(f", claimed 0.33: {judged}")
