from __future__ import annotations

from collections.abc import Sequence

import pytest
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
    assert verdict.startswith(
        "diminish never reached single-task's best (3 seeds), "
        "claimed 67 % less than single-task and 13 % less than multi-task: not met. "
        "switch: 70 % less time than single-task (70 to 70 % less; 75 % fewer steps), claimed 67 % less: met; "
        "70 % less time than multi-task (70 to 70 % less; 50 % fewer steps), claimed 13 % less: met"
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
        ([2.0, 2.1, 1.9], "80 % less time than single-task (77 to 82 % less; as many steps)", "met"),
        ([5.0, 5.2, 4.8], "50 % less time than single-task (45 to 55 % less; as many steps)", "not met"),
        ([2.0, 3.0, 4.0], "71 % less time than single-task (31 to 88 % less; as many steps)", "not told apart from it"),
        (
            [2.0, 4.0, 5.0],
            "66 % less time than single-task (90 % less to 1.12 times as much; ",
            "not told apart from it",
        ),
        ([63.0, 99.0, 40.0], "6.30 times the time of single-task (2.04 to 19.40 times; as many steps)", "not met"),
        ([2.0], "80 % less time than single-task (as many steps)", "not told by 1 seed"),
        ([2.0, 2.01], "80 % less time than single-task (", "not told by 2 seeds"),
        (
            [2.0, 2.1, 1.9, None],
            "as many steps; never reached in 1 of 4 seeds)",
            "not told, as it was not always reached",
        ),
        ([8.0, 8.1, 7.9, None], "as many steps; never reached in 1 of 4 seeds)", "not met"),
    ],
)
def test_the_sentence_has_the_sign_of_what_it_says_and_judges_the_whole_interval(
    seconds: Sequence[float | None], time: str, judged: str
) -> None:
    sentence = said(seconds)
    assert time in sentence
    assert sentence.endswith(f", claimed 67 % less: {judged}")


def test_what_is_never_reached_is_told_so() -> None:
    never = (
        "switch never reached single-task's best ({}), claimed 67 % less than single-task and 13 % less than multi-task"
    )
    assert said([None, None]) == never.format("2 seeds") + ": not told by 2 seeds"
    assert said([None]) == never.format("1 seed") + ": not told by 1 seed"


def test_more_steps_are_called_more() -> None:
    late = [result("switch", seed, 0.7, accuracies=(0.5, 0.6, 0.7), seconds=5.0) for seed in SEEDS]
    single = [result("single-task", seed, 0.7, accuracies=(0.6, 0.7)) for seed in SEEDS]
    assert "25 % less time than single-task (25 to 25 % less; 1.50 times the steps)" in time_verdict(
        Study([*single, *late])
    )
