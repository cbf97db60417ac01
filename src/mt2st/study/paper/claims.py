"""The paper's claims about time, measured: 67 % less than single-task and 13 % less than multi-task training.

The paper does not say at what point times are compared. Here it is where a method is first as good on the validation
part as single-task ever was with the same seed (`mt2st.study.summary`), and, as a second reading, the training
seconds of as many epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mt2st.study.runs import RunRow
from mt2st.study.statistics import LEAST_SEEDS, UNKNOWN, counted, geometric_interval, ratio_text
from mt2st.study.study import Study
from mt2st.study.summary import Ratio, time_to_target
from mt2st.study.tables import Table, target_table

CLAIMED = {"single-task": 0.33, "multi-task": 0.87}
"""The share of each one's training time that MT2ST takes by the paper's abstract."""
OURS = ("diminish", "switch")
"""The strategies of the paper."""


def time_table(study: Study) -> Table:
    """Return what reaching single-task's best costs, and how that compares with the paper's claims."""
    table, groups = target_table(study), study.groups
    others = [next((rows for group, rows in groups.items() if group.name == name), {}) for name in CLAIMED]
    claims = " and ".join(f"{100 - 100 * share:.0f} % less time than {other}" for other, share in CLAIMED.items())
    return replace(
        table,
        name="time",
        header=[*table.header, *(f"seconds of all epochs / {name}" for name in CLAIMED)],
        rows=[
            [*row, *(_of_all_epochs(groups[group], other) for other in others)]
            for row, group in zip(table.rows, time_to_target(groups), strict=True)
        ],
        notes=f"{table.notes} The paper claims {claims}: ratios of {' and '.join(map(str, CLAIMED.values()))}. "
        "Measuring on validation is no part of the seconds.",
    )


def time_verdict(study: Study) -> str:
    """Return in a sentence a strategy of the paper what it takes, and whether that meets what the paper claims.

    A claim is about seconds. It is met where the whole 95 % interval is at most the claimed ratio, and not met where
    the whole interval is above it; else, or with fewer than three seeds, the runs do not tell. Steps are given with the
    seconds, which depend on what else the machine does.
    """
    sentences = []
    for group, target in time_to_target(study.groups).items():
        ratios = {other: target.ratios[other] for other in CLAIMED if other in target.ratios}
        parts = [part for other, found in ratios.items() if (part := _against(other, found["seconds"], found["steps"]))]
        if group.name in OURS and parts:
            sentences.append(f"{group.name} {'; '.join(parts)}")
    return ". ".join(sentences) or "neither Diminish nor Switch was run"


def _against(other: str, seconds: Ratio, steps: Ratio) -> str:
    """Return what a strategy took to single-task's best over what another one took; empty where that never did."""
    told = []
    if seconds.interval and steps.interval:
        told.append(f"{ratio_text(seconds.interval)} of the time and {steps.interval.mean:.2f} of the steps")
    if seconds.never:
        told.append(
            f"single-task's best never reached in {seconds.never} of {counted(seconds.reached + seconds.never)}"
        )
    claimed = CLAIMED[other]
    return f"against {other}: {', '.join(told)}, claimed {claimed}: {_judged(seconds, claimed)}" if told else ""


def _judged(found: Ratio, claimed: float) -> str:
    """Return whether ratios are at most the claimed one."""
    interval = found.interval
    if interval is None and found.never >= LEAST_SEEDS:
        return "not met"
    if interval is None or interval.low is None or interval.high is None:
        return f"not told by {counted(found.reached or found.never)}"
    if interval.low > claimed:
        return "not met"
    if found.never:
        return "not told, as it was not always reached"
    return "met" if interval.high <= claimed else "not told apart from it"


def _of_all_epochs(rows: Mapping[int, RunRow], others: Mapping[int, RunRow]) -> str:
    seeds = sorted(rows.keys() & others.keys())
    ratios = [rows[seed].cost.seconds / others[seed].cost.seconds for seed in seeds]
    return ratio_text(geometric_interval(ratios)) if ratios else UNKNOWN
