"""The paper's claims about time, measured: 67 % less than single-task and 13 % less than multi-task training.

The paper does not say at what point times are compared. Here it is where a method is first as good on the validation
part as single-task ever was with the same seed (`mt2st.study.summary`), and, as a second reading, the training
seconds of as many epochs.
"""

from __future__ import annotations

from collections.abc import Mapping

from mt2st.study.paper.tables import LESS_TIME
from mt2st.study.runs import QUANTITIES, RunRow
from mt2st.study.statistics import LEAST_SEEDS, Interval, geometric_interval
from mt2st.study.study import Study
from mt2st.study.summary import Ratio, TimeToTarget, time_to_target
from mt2st.study.tables import Table
from mt2st.study.wording import UNKNOWN, seeds_text

OURS = ("diminish", "switch")
"""The strategies of the paper."""


def time_table(study: Study) -> Table:
    """Return what reaching single-task's best costs, and how that compares with the paper's claims."""
    targets = time_to_target(study.groups)
    against = list(LESS_TIME)
    header = ["strategy", "reached"]
    header += [f"{quantity} / {other}" for other in against for quantity in QUANTITIES]
    header += [f"seconds of all epochs / {other}" for other in against]
    body = []
    for group, target in targets.items():
        fields = [group.name, f"{target.reached} of {len(target.costs)} seeds"]
        fields += [_cost(target.ratios.get(other, {}).get(quantity)) for other in against for quantity in QUANTITIES]
        fields += [_ratio(_whole(study.groups[group], _of_name(study, other))) for other in against]
        body.append(fields)
    claims = " and ".join(f"{100 * share:.0f} % less time than {other}" for other, share in LESS_TIME.items())
    notes = (
        "What was spent until single-task's best validation value of the same seed was first reached, as a "
        "ratio to what the others spent until then: geometric mean and 95 % interval over the seeds in which both "
        f"reached it; never: in how many seeds only the other one did. The paper claims {claims}: ratios of "
        f"{' and '.join(f'{1 - share:.2f}' for share in LESS_TIME.values())}. Measuring on validation is no "
        "part of the seconds."
    )
    return Table("time", header, body, notes=notes)


def time_verdict(study: Study) -> str:
    """Return in a sentence a strategy of the paper what it saves, and whether that meets what the paper claims.

    A claim is about seconds. It is met where the whole 95 % interval saves as much or more, and not met where the whole
    interval saves less; else, or with fewer than three seeds, the runs do not tell. Steps are given with the seconds,
    which depend on what else the machine does.
    """
    targets = time_to_target(study.groups)
    sentences = []
    for name in OURS:
        target = next((each for group, each in targets.items() if group.name == name), None)
        if target is None:
            continue
        parts = [part for other, claim in LESS_TIME.items() if (part := _saving(target, other, claim))]
        if parts:
            sentences.append(f"{name}: {'; '.join(parts)}")
        elif not target.reached:
            sentences.append(_never(name, len(target.costs)))
    return ". ".join(sentences) or "neither Diminish nor Switch was run"


def _saving(target: TimeToTarget, other: str, claim: float) -> str:
    found = target.ratios.get(other, {}).get("seconds")
    if found is None or found.interval is None:
        return ""
    mean = found.interval.mean
    told = [bounds] if (bounds := _bounds(found.interval)) else []
    steps = target.ratios[other]["steps"].interval
    if steps is not None:
        told.append(_steps(steps.mean))
    if found.never:
        told.append(f"never reached in {found.never} of {found.reached + found.never} seeds")
    time = f"{_percents(1 - mean)} less time than {other}" if mean <= 1 else f"{mean:.2f} times the time of {other}"
    return f"{time} ({'; '.join(told)}), claimed {_percents(claim)} less: {_judged(found, 1 - claim)}"


def _never(name: str, seeds: int) -> str:
    claims = " and ".join(f"{_percents(claim)} less than {other}" for other, claim in LESS_TIME.items())
    judged = "not met" if seeds >= LEAST_SEEDS else f"not told by {seeds_text(seeds)}"
    return f"{name} never reached single-task's best ({seeds_text(seeds)}), claimed {claims}: {judged}"


def _steps(ratio: float) -> str:
    if ratio > 1:
        return f"{ratio:.2f} times the steps"
    return "as many steps" if ratio == 1 else f"{_percents(1 - ratio)} fewer steps"


def _bounds(interval: Interval) -> str:
    """Return an interval of ratios in the terms of the sentence about its mean: shares where it saves, else times."""
    low, high = interval.low, interval.high
    if low is None or high is None:
        return ""
    if interval.mean > 1:
        return f"{low:.2f} to {high:.2f} times"
    if high <= 1:
        return f"{100 * (1 - high):.0f} to {_percents(1 - low)} less"
    return f"{_percents(1 - low)} less to {high:.2f} times as much"


def _judged(found: Ratio, claimed: float) -> str:
    """Return whether ratios are at most the claimed one."""
    interval = found.interval
    if interval is None or interval.low is None or interval.high is None or found.reached < LEAST_SEEDS:
        return f"not told by {seeds_text(found.reached)}"
    if interval.low > claimed:
        return "not met"
    if found.never:
        return "not told, as it was not always reached"
    return "met" if interval.high <= claimed else "not told apart from it"


def _percents(share: float) -> str:
    return f"{100 * share:.0f} %"


def _of_name(study: Study, name: str) -> Mapping[int, RunRow]:
    return next((results for group, results in study.groups.items() if group.name == name), {})


def _whole(results: Mapping[int, RunRow], others: Mapping[int, RunRow]) -> Interval | None:
    seeds = sorted(results.keys() & others.keys())
    ratios = [results[seed].cost.seconds / others[seed].cost.seconds for seed in seeds]
    return geometric_interval(ratios) if ratios else None


def _cost(found: Ratio | None) -> str:
    if found is None:
        return UNKNOWN
    never = f", never {found.never}" if found.never else ""
    return (_ratio(found.interval) if found.interval else UNKNOWN) + never


def _ratio(interval: Interval | None) -> str:
    if interval is None:
        return UNKNOWN
    bounds = "" if interval.low is None else f" ({interval.low:.2f} to {interval.high:.2f})"
    return f"{interval.mean:.2f}{bounds}"
