from __future__ import annotations

import pytest
from tests.study.results import cell, with_scores

from mt2st import InputError
from mt2st.study import Study, summarise
from mt2st.study.study import MEASURED_PART

SINGLE = with_scores("single-task", [0.60, 0.70, 0.65, 0.62])
BETTER = with_scores("switch", [0.66, 0.75, 0.71, 0.68])
NOISY = with_scores("diminish", [0.90, 0.40, 0.95, 0.50])


def test_means_intervals_and_seeds() -> None:
    single, switch = summarise(Study([*SINGLE, *BETTER]))
    assert switch.seeds == switch.score.n == 4
    assert switch.score.mean == pytest.approx(0.70)
    assert switch.second.mean == pytest.approx(0.35)
    assert switch.seconds.mean == 10.0
    assert single.difference is None
    assert switch.difference is not None
    assert switch.difference.interval.mean == pytest.approx(0.0575)


def test_a_difference_is_significant_by_its_pairs_and_adjusted_for_the_number_of_rows() -> None:
    _, switch, diminish = summarise(Study([*SINGLE, *BETTER, *NOISY]))
    assert switch.difference is not None
    assert switch.difference.p is not None
    assert switch.p == pytest.approx(2 * switch.difference.p)
    assert switch.significant
    assert not diminish.significant


def test_p_values_are_adjusted_for_the_rows_of_their_own_setting_alone() -> None:
    rows = [*SINGLE, *BETTER, *NOISY]
    elsewhere = [
        with_scores(name, [0.5, 0.6, 0.55, 0.52 + rise], encoder="cnn")
        for name, rise in (("single-task", 0.0), ("switch", 0.1), ("diminish", 0.2), ("dwa", 0.3))
    ]
    alone = summarise(Study(rows))
    beside = summarise(Study([*rows, *(each for cells in elsewhere for each in cells)]))
    assert [row.p for row in beside[:3]] == [row.p for row in alone]
    switch = beside[4]
    assert switch.difference is not None
    assert switch.difference.p is not None
    assert switch.p == pytest.approx(min(1.0, 3 * switch.difference.p))


@pytest.mark.parametrize("more", [[0.66, 0.76], [0.66, 0.76, 0.71], [0.66, 0.7600001]])
def test_two_seeds_or_equal_differences_have_no_star_and_are_not_the_best(more: list[float]) -> None:
    _, switch = summarise(Study([*SINGLE[: len(more)], *with_scores("switch", more)]))
    assert (switch.p, switch.significant, switch.best) == (None, False, False)


def test_the_best_is_called_so_only_if_its_lead_over_every_other_is_significant() -> None:
    assert [row.best for row in summarise(Study([*SINGLE, *BETTER]))] == [False, True]
    assert [row.best for row in summarise(Study([*SINGLE, *BETTER, *NOISY]))] == [False, False, False]
    assert [row.best for row in summarise(Study([SINGLE[0], BETTER[0]]))] == [False, False]  # one seed tells nothing
    assert [row.best for row in summarise(Study(SINGLE))] == [False]


def test_the_best_leads_on_the_seeds_in_common_too() -> None:
    """The one with the larger mean is worse with each seed that both have: the other's further seeds were bad ones."""
    larger = with_scores("switch", [0.800, 0.810, 0.800])
    better = with_scores("diminish", [0.811, 0.820, 0.812, 0.6, 0.6, 0.6])
    rows = summarise(Study([*larger, *better]))
    assert rows[0].score.mean > rows[1].score.mean
    assert [row.best for row in rows] == [False, False]


def test_without_a_validation_part_there_is_no_time_to_a_target() -> None:
    cells = [*with_scores("single-task", [0.7, 0.8, 0.7]), *with_scores("switch", [0.8, 0.8, 0.9])]
    assert all(row.target for row in summarise(Study(cells)))
    assert not any(row.target for row in summarise(Study(cells, about={MEASURED_PART: "training"})))


def test_results_of_different_metrics_are_not_mixed() -> None:
    from dataclasses import replace

    with pytest.raises(InputError, match="one metric can be compared"):
        summarise(Study([SINGLE[0], replace(BETTER[0], metric="entity_f1")]))
    with pytest.raises(InputError, match="no result"):
        summarise(Study([]))


def test_each_setting_is_compared_with_its_own_single_task() -> None:
    study = Study(
        [
            *SINGLE,
            *BETTER,
            cell("single-task", 1, [0.5], 0.9, encoder="cnn"),
            cell("switch", 1, [0.5], 0.8, encoder="cnn"),
        ]
    )
    last = summarise(study)[-1]
    assert last.difference is not None
    assert last.difference.interval.mean == pytest.approx(-0.1)
