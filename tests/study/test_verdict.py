from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tests.study.results import cell, with_scores

from mt2st.study import CellResult, Failure, Study, summarise
from mt2st.study.report.study_page import cautions, time_verdict, verdict

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


def test_one_or_two_seeds_are_told_as_they_are_and_compared_with_caution() -> None:
    assert said([*SINGLE[:2], *BETTER[:2]]) == (
        "switch reached 70.5 % accuracy on the test part over 2 seeds, single-task 65.0 %. With 2 seeds, such "
        "differences may be chance."
    )
    assert "over 1 seed, single-task 60.0 %. With 1 seed, such differences" in said([*SINGLE[:1], *BETTER[:1]])
    assert "fewer than 3 seeds in common" in said([*SINGLE[:3], *BETTER[2:]])
    assert said([*BETTER[:2], *NEARLY[:2]]).endswith("multi-task 70.5 %. With 2 seeds, such differences may be chance.")


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


def reaching(name: str, evaluations: Sequence[int], **factors: str) -> list[CellResult]:
    """Cells of which the time to the target alone matters: by seed, at which evaluation they reach it."""
    return [cell(name, seed, [0.5] * (at - 1) + [0.8], 0.5, **factors) for seed, at in enumerate(evaluations, start=1)]


def said_of_time(cells: list[CellResult]) -> str:
    study = Study(cells)
    return time_verdict(study, summarise(study))


def test_time_is_told_only_where_its_ratio_is_significant() -> None:
    single, mixed = reaching("single-task", [20, 20, 20]), reaching("diminish", [5, 20, 30])
    fast = reaching("switch", [9, 10, 10])
    never = [cell("multi-task", seed, [0.5, 0.9 if seed == 1 else 0.7], 0.5) for seed in (1, 2, 3)]
    sentence = said_of_time([*single, *fast, *mixed, *never])
    p = 2 * stats.ttest_rel(np.log([9, 10, 10]), np.log([20, 20, 20])).pvalue  # twice: diminish is tested, too
    assert f"switch took 0.48 [0.42, 0.56] (3 seeds, p = {p:.3f}) of the training time" in sentence
    assert "took itself (95 % intervals; paired t tests with Holm's correction for 2 comparisons)." in sentence
    assert "was never reached by multi-task in 2 of 3 seeds" in sentence
    assert sentence.endswith("Whether diminish (3 seeds) took more or less time than single-task cannot be told.")
    assert "(95 % intervals; paired t tests)." in said_of_time([*single, *fast])
    assert said_of_time(BETTER) == ""


def test_of_many_ratios_one_that_leaves_out_one_by_chance_is_not_told() -> None:
    """Alone, or beside a row that failed to reach the target, the same ratio is told: no more tests, no more chance."""
    single, fast = reaching("single-task", [20] * 4), reaching("switch", [15, 17, 18, 16])
    others = [each for task in ("analogy", "spearman") for each in reaching("switch", [15, 30, 19, 22], auxiliary=task)]
    elsewhere = [
        *reaching("single-task", [20] * 4, encoder="cnn"),
        *reaching("dwa", [15, 30, 19, 22], encoder="cnn"),
    ]
    never = [*reaching("diminish", [15, 30, 19]), cell("diminish", 4, [0.5], 0.5)]
    told = "switch took 0.82 [0.73, 0.93] (4 seeds, p = 0.016)"
    assert told in said_of_time([*single, *fast])
    assert told in said_of_time([*single, *fast, *never])
    for more in ([], never):
        sentence = said_of_time([*single, *fast, *others, *elsewhere, *more])
        assert "took 0" not in sentence
        assert "cannot be told by paired t tests with Holm's correction for 4 comparisons." in sentence


@pytest.mark.parametrize("evaluations", [[5, 5, 5, 5], [5, 6]])
def test_equal_ratios_and_those_of_two_seeds_do_not_tell_who_is_faster(evaluations: list[int]) -> None:
    """Evaluations come in steps, so ratios are equal by chance now and then."""
    single = reaching("single-task", [20] * len(evaluations))
    assert said_of_time([*single, *reaching("switch", evaluations)]) == (
        f"Whether switch ({len(evaluations)} seeds) took more or less time than single-task cannot be told."
    )


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
        assert said_of_time([*single, *rows]) == f"{told}The table has them one by one."
    fast = [each for task in tasks for each in reaching("switch", [9, 10, 10, 9, 10], auxiliary=task)]
    assert said_of_time([*reaching("single-task", [20] * 5), *fast]) == (
        "To reach single-task's best validation accuracy, 8 rows took less or more training time than single-task "
        "(paired t tests with Holm's correction for 8 comparisons). The table has them one by one."
    )
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
