"""From the results of a study to the rows of its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mt2st.evaluation.tables import SECOND_METRIC
from mt2st.study.runs import SINGLE_TASK, Group, RunRow
from mt2st.study.statistics import Difference, Interval, holm, paired_difference, t_interval
from mt2st.study.study import Study
from mt2st.study.time_to_target import TimeToTarget, time_to_target

SIGNIFICANT = 0.05
"""Below this p-value, adjusted for the number of comparisons in its setting, a difference is called one."""


@dataclass(frozen=True)
class Row:
    """A group in the table: a method in a setting, over its seeds.

    Attributes:
        group: which.
        seeds: number of seeds.
        score: the metric on the test part, in [0, 1].
        second: the measure that stands beside it (`mt2st.evaluation.tables.SECOND_METRIC`), in [0, 1].
        seconds: training seconds of a run, evaluation apart.
        difference: of the metric to the reference's, paired by seed; None for the reference, or without one.
        p: its p-value, adjusted for the number of methods that are compared with the reference in its setting (the
            same encoder, embedding and auxiliary tasks); None where the difference has none, as with two seeds.
        target: how soon single-task's best was reached; None where single-task was not run, or there is no validation
            part to reach it on.
        best: whether its mean is the largest and its lead over each other row is significant, adjusted for the number
            of these leads.
    """

    group: Group
    seeds: int
    score: Interval
    second: Interval
    seconds: Interval
    difference: Difference | None = None
    p: float | None = None
    target: TimeToTarget | None = None
    best: bool = False

    @property
    def significant(self) -> bool:
        """Whether the difference to the reference is significant."""
        return self.p is not None and self.p < SIGNIFICANT


def summarise(study: Study) -> list[Row]:
    """Return a row a group, in the order of the study; each is compared with single-task in its own setting.

    Raises:
        InputError: when the results are of different metrics, or there is none.
    """
    metric = study.metric
    targets = time_to_target(study.groups)
    rows = [
        Row(
            group=group,
            seeds=len(results),
            score=t_interval([each.score for each in results.values()]),
            second=t_interval([each.test[SECOND_METRIC[metric]] for each in results.values()]),
            seconds=t_interval([each.cost.seconds for each in results.values()]),
            difference=None if group.name == SINGLE_TASK else _difference(results, study.single_task(group)),
            target=targets.get(group),
        )
        for group, results in study.groups.items()
    ]
    return _with_best(study, _with_p(rows))


def _with_p(rows: list[Row]) -> list[Row]:
    """Adjust the p-values, each setting for itself: a setting more must not hide what another one shows."""
    settings: dict[tuple[str, ...], dict[int, float]] = {}
    for number, row in enumerate(rows):
        if row.difference and row.difference.p is not None:
            settings.setdefault(row.group.factors, {})[number] = row.difference.p
    for p_values in settings.values():
        for number, p in zip(p_values, holm(list(p_values.values())), strict=True):
            rows[number] = replace(rows[number], p=p)
    return rows


def _with_best(study: Study, rows: list[Row]) -> list[Row]:
    first = max(range(len(rows)), key=lambda number: rows[number].score.mean)
    leads = [
        _difference(study.groups[rows[first].group], study.groups[row.group])
        for number, row in enumerate(rows)
        if number != first
    ]
    # The means are over all seeds of each, the leads over those in common: these may have the other sign.
    p_values = [lead.p for lead in leads if lead is not None and lead.p is not None and lead.interval.mean > 0]
    if leads and len(p_values) == len(leads) and max(holm(p_values)) < SIGNIFICANT:
        rows[first] = replace(rows[first], best=True)
    return rows


def _difference(results: Mapping[int, RunRow], reference: Mapping[int, RunRow]) -> Difference | None:
    return paired_difference(_scores(results), _scores(reference))


def _scores(results: Mapping[int, RunRow]) -> dict[int, float]:
    return {seed: each.score for seed, each in results.items()}
