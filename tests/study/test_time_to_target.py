from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.study.results import cell

from mt2st.study import Group, Study
from mt2st.study.runs import Cost, cost_to
from mt2st.study.summary import TimeToTarget, ratio, time_to_target

RESULTS = [
    cell("single-task", 1, [0.5, 0.7, 0.6], 0.6),
    cell("single-task", 2, [0.5, 0.6, 0.8], 0.7),
    cell("multi-task", 1, [0.5, 0.6, 0.6, 0.7], 0.7),
    cell("multi-task", 2, [0.5, 0.6, 0.6, 0.7], 0.7),
    cell("switch", 1, [0.7, 0.8, 0.9], 0.8),
    cell("switch", 2, [0.6, 0.7, 0.79], 0.9),
]


def targets(study: Study) -> dict[Group, TimeToTarget]:
    return time_to_target(study.groups)


def test_the_target_is_single_tasks_best_of_the_same_seed() -> None:
    single, multi, switch = targets(Study(RESULTS)).values()
    assert single.costs == {1: Cost(20.0, 10, 200.0), 2: Cost(30.0, 15, 300.0)}
    assert multi.costs == {1: Cost(40.0, 20, 400.0), 2: None}
    assert switch.costs == {1: Cost(10.0, 5, 100.0), 2: None}  # seed 2 never got to 0.8
    assert (single.reached, switch.reached) == (2, 1)


def test_ratios_are_taken_seed_by_seed_and_never_is_counted() -> None:
    single, multi, switch = targets(Study(RESULTS)).values()
    for quantity in ("seconds", "steps", "flops"):
        itself = single.ratios["single-task"][quantity]
        assert itself.interval is not None
        assert (itself.interval.mean, itself.interval.low, itself.reached) == (1.0, None, 2)
        found = switch.ratios["single-task"][quantity]
        assert found.interval is not None
        assert (found.interval.mean, found.interval.low) == (pytest.approx(0.5), None)
        assert (found.reached, found.never) == (1, 1)
        to_multi = switch.ratios["multi-task"][quantity]
        assert to_multi.interval is not None
        assert to_multi.interval.mean == pytest.approx(0.25)
        assert (to_multi.reached, to_multi.never) == (1, 0)
    assert multi.ratios["single-task"]["seconds"].never == 1


def test_a_run_reaches_the_target_at_its_first_evaluation_that_is_as_good() -> None:
    assert cost_to(RESULTS[0], 0.7) == Cost(20.0, 10, 200.0)
    assert cost_to(RESULTS[0], 0.0) == Cost(10.0, 5, 100.0)
    assert cost_to(RESULTS[0], 0.701) is None


def test_without_single_task_there_is_no_target() -> None:
    assert targets(Study(RESULTS[2:])) == {}


def test_a_single_task_that_learnt_nothing_is_no_target() -> None:
    learnt_nothing = cell("single-task", 3, [0.0, 0.0], 0.0)
    single, *_ = targets(Study([*RESULTS, learnt_nothing, cell("switch", 3, [0.0, 0.1], 0.1)])).values()
    assert list(single.costs) == [1, 2]
    assert targets(Study([learnt_nothing])) == {}


def test_each_encoder_has_its_own_target_and_single_task_serves_all_auxiliary_tasks() -> None:
    study = Study(
        [
            *RESULTS[:2],
            cell("single-task", 1, [0.9], 0.9, encoder="cnn"),
            cell("switch", 1, [0.1, 0.9], 0.9, encoder="cnn"),
            cell("switch", 1, [0.1, 0.7], 0.9, auxiliary="analogy"),
            cell("switch", 1, [0.1, 0.7], 0.9, encoder="mean"),
        ]
    )
    found = {(group.name, *group.factors): each.costs for group, each in targets(study).items()}
    assert found["switch", "cnn", "random", "context"][1] == Cost(20.0, 10, 200.0)
    assert found["switch", "bilstm", "random", "analogy"][1] == Cost(20.0, 10, 200.0)
    assert not [group for group in found if "mean" in group]


def test_multi_task_with_other_auxiliary_tasks_is_nothing_to_compare_with() -> None:
    study = Study([*RESULTS[:4], cell("switch", 1, [0.7], 0.8, auxiliary="analogy")])
    *_, switch = targets(study).values()
    assert list(switch.ratios) == ["single-task"]


COSTS = st.dictionaries(
    st.integers(0, 5), st.none() | st.floats(0.1, 100).map(lambda value: Cost(value, 1, value)), max_size=6
)


@given(COSTS, COSTS)
def test_every_seed_that_the_other_reached_is_counted_once(
    costs: dict[int, Cost | None], others: dict[int, Cost | None]
) -> None:
    found = ratio(costs, others, "seconds")
    common = [seed for seed in costs.keys() & others.keys() if others[seed] is not None]
    assert found.reached + found.never == len(common)
    assert found.never == sum(costs[seed] is None for seed in common)
    assert (found.interval is None) == (found.reached == 0)


def test_the_p_value_is_that_of_the_paired_t_test_on_logarithms() -> None:
    seconds, others = [3.0, 4.0, 9.0, 5.0], [5.0, 9.0, 10.0, 6.0]
    found = ratio(_in(seconds), _in(others), "seconds")
    assert found.p == pytest.approx(stats.ttest_rel(np.log(seconds), np.log(others)).pvalue)
    more = ratio({**_in(seconds), 7: None}, {**_in(others), 7: Cost(9.0, 1, 1.0)}, "seconds")
    assert (more.p, more.never) == (found.p, 1)


def test_two_seeds_and_equal_ratios_have_no_p_value() -> None:
    assert ratio(_in([3.0, 4.0]), _in([5.0, 9.0]), "seconds").p is None
    assert ratio(_in([1.0, 0.3, 0.9]), _in([10.0, 3.0, 9.0]), "seconds").p is None


def _in(seconds: list[float]) -> dict[int, Cost | None]:
    return {seed: Cost(each, 1, 1.0) for seed, each in enumerate(seconds)}


def test_operations_that_nobody_counted_have_no_ratio() -> None:
    uncounted = {1: Cost(10.0, 5, 0.0)}
    assert ratio(uncounted, uncounted, "flops").interval is None
