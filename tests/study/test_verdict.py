from __future__ import annotations

from dataclasses import replace

import pytest
from tests.study.results import cell, with_scores

from mt2st.study import CellResult, Failure, Study, summarise
from mt2st.study.verdict import cautions, time_verdict, verdict

SINGLE = with_scores("single-task", [0.60, 0.70, 0.65, 0.62])
BETTER = with_scores("switch", [0.66, 0.75, 0.71, 0.68])
NEARLY = with_scores("multi-task", [0.661, 0.749, 0.708, 0.683])
NOISY = with_scores("diminish", [0.90, 0.40, 0.95, 0.50])


def said(cells: list[CellResult]) -> str:
    study = Study(cells)
    return verdict(study, summarise(study))


def test_a_strategy_wins_only_over_all_others() -> None:
    assert said([*SINGLE, *BETTER]).startswith("switch wins: 70.0 ± ")
    both = said([*SINGLE, *BETTER, *NEARLY])
    assert "wins" not in both
    assert "switch (+5.8 ± 0.8 points, 4 seeds, p < 0.001)" in both
    assert "are significantly better than single-task; no strategy is significantly better than all the others" in both


def test_a_large_mean_is_no_win() -> None:
    sentence = said([*SINGLE, *NOISY])
    assert sentence.startswith("No strategy is significantly better than single-task over 4 seeds")
    assert "diminish (+4.5 ± " in sentence


def test_what_is_worse_is_said() -> None:
    worse = with_scores("switch", [0.55, 0.64, 0.60, 0.565])
    assert said([*SINGLE, *worse]).startswith("single-task wins")
    assert "switch (-5." in said([*SINGLE, *worse, *NOISY])
    assert said([*SINGLE, *worse, *NOISY]).endswith("is significantly worse.")


@pytest.mark.parametrize("cells", [[*SINGLE[:1], *BETTER[:1]], [*SINGLE[:2], *BETTER[:2]], [*SINGLE[:2], *BETTER[2:]]])
def test_one_or_two_seeds_in_common_tell_nothing(cells: list[CellResult]) -> None:
    assert said(cells).startswith("Nothing can be told yet: fewer than 3 seeds in common with single-task cannot")


def test_two_seeds_without_single_task_tell_nothing_either() -> None:
    assert said([*BETTER[:2], *NEARLY[:2]]).startswith("Nothing can be told yet: 2 seeds a strategy cannot")


def test_the_same_difference_with_every_seed_is_no_win() -> None:
    sentence = said([*SINGLE, *with_scores("switch", [0.61, 0.71, 0.66, 0.63])])
    assert sentence.startswith("No strategy is significantly better than single-task over 4 seeds")
    assert "switch (+1.0 points, 4 seeds, no p-value)" in sentence


def test_single_task_in_several_settings_is_compared_by_its_means() -> None:
    good = with_scores("single-task", [0.80, 0.81, 0.80, 0.82])
    alike = with_scores("single-task", [0.79, 0.82, 0.81, 0.81], encoder="cnn")
    worse = with_scores("single-task", [0.70, 0.715, 0.70, 0.725], encoder="cnn")
    assert said([*good, *alike]).startswith("No strategy is significantly better than all the others; the largest mean")
    assert said([*good, *worse]).startswith("single-task (encoder bilstm) wins: ")


def test_without_single_task_or_alone() -> None:
    assert said(BETTER) == "switch alone was run: 70.0 ± 6.2 % accuracy on the test part over 4 seeds; there is nothing to compare it with."  # fmt: skip  # noqa: E501
    assert "No strategy is significantly better than all the others" in said([*BETTER, *NEARLY])


def test_time_is_told_only_where_the_interval_leaves_out_one() -> None:
    single = [cell("single-task", seed, [0.5, 0.6, 0.7, 0.8], 0.5) for seed in (1, 2, 3)]
    fast = [cell("switch", seed, [0.5, 0.8], 0.5) for seed in (1, 2, 3)]
    mixed = [cell("diminish", seed, [0.5] * late + [0.8], 0.5) for seed, late in ((1, 0), (2, 3), (3, 5))]
    never = [cell("multi-task", seed, [0.5, 0.9 if seed == 1 else 0.7], 0.5) for seed in (1, 2, 3)]
    study = Study([*single, *fast, *mixed, *never])
    sentence = time_verdict(study, summarise(study))
    assert "switch took 0.50 [0.50, 0.50] (3 seeds) of the training time" in sentence
    assert "was never reached by multi-task in 2 of 3 seeds" in sentence
    assert "Whether diminish (3 seeds) took more or less time than single-task cannot be told." in sentence
    assert time_verdict(Study(BETTER), summarise(Study(BETTER))) == ""


def test_many_rows_are_counted_not_named() -> None:
    tasks = [f"task{number}" for number in range(8)]
    single = [cell("single-task", seed, [0.5, 0.6 + seed / 100], 0.6 + seed / 100) for seed in (1, 2, 3)]
    never = [cell("switch", seed, [0.5], 0.7 + seed / 90, auxiliary=task) for task in tasks for seed in (1, 2, 3)]
    reached = [
        cell("switch", seed, [0.5, 0.9], 0.7 + seed / 90, auxiliary=task) for task in tasks for seed in (1, 2, 3)
    ]
    for rows, told in (
        (never, "Single-task's best validation accuracy was never reached by 8 rows in one seed or more. "),
        (reached, "Whether 8 rows took more or less time than single-task cannot be told. "),
    ):
        study = Study([*single, *rows])
        assert time_verdict(study, summarise(study)) == f"{told}The table has them one by one."
    assert said([*single, *never]).startswith("8 rows are significantly better than single-task; ")


def test_what_limits_the_verdict_is_said() -> None:
    study = Study(
        [*(replace(each, jobs=2) for each in SINGLE), *BETTER[:2]],
        failures=[Failure("dwa", 1, "dwa-seed1", "dwa, seed 1", "lost")],
        missing=["bloop-seed1"],
    )
    text = " ".join(cautions(study, summarise(study)))
    for part in (
        "With 2 seeds a strategy no difference is called significant",
        "not all",
        "6 of 8 runs are finished",
        "1 of 8 runs failed",
        "shared the machine",
    ):
        assert part in text.replace("Not all", "not all")
