"""The page of a study: the verdict, then all that it rests on.

The verdict says no more than the seeds can tell. A strategy wins only where the difference to every other one is
significant (paired t tests over three seeds or more, adjusted by Holm's method), and took less or more time only where
the ratio is, likewise. The number of seeds is always said.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mt2st._version import __version__
from mt2st.errors import InputError
from mt2st.evaluation.tables import METRICS, SECOND_METRIC
from mt2st.study.figures import CURVES, SCORES, TARGETS, WEIGHTS, Sheet
from mt2st.study.paper import reproduced, tables_of, verdict_of
from mt2st.study.report.page import Block, Gallery, Items, Page, Paragraph, Section, Tabular
from mt2st.study.report.sections import setup_section, study_neighbours
from mt2st.study.runs import SINGLE_TASK
from mt2st.study.statistics import LEAST_SEEDS, SIGNIFICANT, counted, holm, p_value, percent, points, ratio_text
from mt2st.study.study import Study
from mt2st.study.summary import Row, summarise
from mt2st.study.tables import result_table, search_table, target_table

OF_PAPER = {"time": "The paper's claims about time", "tables": "The paper's tables"}
"""Titles of the section that compares with the paper, by what the study repeats of it."""
ABOUT_WEIGHTS = (
    "How much each auxiliary task weighs in training, and when it went off. A task of weight 0 is not computed at all: "
    "from then on, training is single-task. Strategies without auxiliary tasks have no chart."
)
CAPTIONS = {
    "time": "What reaching single-task's best costs",
    "table_I": "Table I of the paper",
    "table_II": "Table II of the paper",
    "table_III": "Table III of the paper",
}


def study_page(study: Study, sheets: Sequence[Sheet], folder: Path) -> Page:
    """Return the page of a study, with its figures, its folder's name and models."""
    rows = summarise(study)
    results = Tabular(result_table(study, rows), f"{METRICS[study.metric].capitalize()} on the test part")
    searched = [Tabular(table, "What was chosen") for table in (search_table(study),) if table]
    weights = _galleries(sheets, WEIGHTS)
    sections = [
        Section(
            OF_PAPER.get(reproduced(study), ""),
            [Tabular(table, CAPTIONS.get(table.name, table.name)) for table in tables_of(study)],
        ),
        Section("Results", [results, *_galleries(sheets, SCORES)]),
    ]
    if any(row.target and row.target.ratios for row in rows):
        targets = Tabular(target_table(study, rows), "What reaching single-task's best costs")
        sections.append(Section("Time to single-task's best", [targets, *_galleries(sheets, TARGETS)]))
    sections += [
        Section("Search of settings", searched),
        Section("Learning curves", _galleries(sheets, CURVES)),
        Section("Auxiliary weights over time", [Paragraph(ABOUT_WEIGHTS), *weights] if weights else []),
        Section("Neighbours of words", study_neighbours(study, rows, folder)),
        Section("Runs that failed", [Items([f"{each.title}: {each.error}" for each in study.failures])]),
        setup_section(study),
    ]
    told = (verdict_of(study), verdict(study, rows), time_verdict(study, rows))
    first, *further = [sentence for sentence in told if sentence]
    methods = len({group.name for group in study.groups})
    counts = counted(len(study.seeds)), counted(len(study.results), "run")
    return Page(
        kicker=", ".join((f"{methods} {'strategy' if methods == 1 else 'strategies'}", *counts)),
        title=folder.resolve().name or "Study",
        verdict=first,
        version=__version__,
        further=further,
        cautions=cautions(study, rows),
        sections=sections,
    )


def _galleries(sheets: Sequence[Sheet], name: str) -> list[Block]:
    return [Gallery(each.charts, each.title) for each in sheets if each.name.startswith(name)]


def check_results(study: Study, folder: Path) -> None:
    """Raise `InputError` if there is nothing to report, or a result lacks measures."""
    if not study.results:
        finished = f"{len(study.failures)} failed, {len(study.missing)} are still to run"
        raise InputError(f"{folder}: no run of this study is finished ({finished}): there is nothing to report")
    metric = study.metric
    if metric not in SECOND_METRIC:
        raise InputError(f"{folder}: this version knows no measure '{metric}'")
    for each in study.results:
        absent = [name for name in (metric, SECOND_METRIC[metric]) if name not in each.test]
        if absent or not each.run.evaluations:
            what = f"{absent[0]} on the test part" if absent else f"{metric} on the {study.measured_part} part"
            raise InputError(
                f"{folder}: the result of {each.name}, seed {each.seed}, has no {what}: delete its folder and run it "
                "again"
            )


MOST_NAMED = 6
"""More rows than these are counted, not named: studies of many settings have their tables."""
FEW_SEEDS = 5
"""Below so many seeds, a difference that is there is easily missed: the verdict says so."""


def verdict(study: Study, rows: Sequence[Row]) -> str:
    """Return which strategy is better by the metric on the test part, in one sentence, from the rows of `summarise`."""
    metric, varying = METRICS[study.metric], study.varying
    first = max(rows, key=lambda row: row.score.mean)
    name = first.group.title(varying)
    scores = f"{percent(first.score)} {metric} on the test part over {counted(first.seeds)}"
    if len(rows) == 1:
        return f"{name} alone was run: {scores}; there is nothing to compare it with."
    compared = [row for row in rows if row.difference and row.difference.n >= LEAST_SEEDS]
    others = [row for row in rows if row.group.name != SINGLE_TASK]
    apart = 0 < len(others) < len(rows) and not compared
    most = max(row.seeds for row in rows)
    if apart or most < LEAST_SEEDS:
        few = counted(most) if most < LEAST_SEEDS else f"fewer than {LEAST_SEEDS} seeds in common with {SINGLE_TASK}"
        return f"{_seen(rows, metric, varying)} With {few}, such differences may be chance."
    if first.best:
        lead = ""
        if first.difference and first.p is not None:
            lead = f", {points(first.difference.interval)} points against {SINGLE_TASK} ({p_value(first.p)})"
        return f"{name} wins: {scores}{lead}, significantly more than every other strategy."
    better = [row for row in rows if row.significant and row.difference and row.difference.interval.mean > 0]
    worse = [row for row in rows if row.significant and row.difference and row.difference.interval.mean < 0]
    if better:
        found = f"{_significantly(better, varying)} better than {SINGLE_TASK}"
        return f"{found}; no strategy is significantly better than all the others."
    if not compared:
        return f"No strategy is significantly better than all the others; the largest mean is that of {name}, {scores}."
    seeds = counted(min(row.difference.n for row in compared if row.difference))
    largest = max(compared, key=lambda row: row.difference.interval.mean if row.difference else 0.0)
    return (
        f"No strategy is significantly better than {SINGLE_TASK} over {seeds}: the largest mean difference is that of "
        f"{_with_difference(largest, varying)}{f'; {_significantly(worse, varying)} worse' if worse else ''}."
    )


def time_verdict(study: Study, rows: Sequence[Row]) -> str:
    """Return what reaching single-task's best takes, in a few sentences; empty where nobody can be compared with it.

    A ratio is told only where it is significant, and no run failed to reach what single-task's did: by the paired t
    test on the logarithms of the training seconds, over three seeds or more. The p-values are adjusted by Holm's
    method for all ratios that are tested here, those of every setting: the sentences pick from all rows what leaves out
    1, and of twenty 95 % intervals one does by chance. The intervals told are not adjusted.
    """
    told, never, unclear = [], [], []
    ratios = {
        row.group: row.target.ratios[SINGLE_TASK]["seconds"]
        for row in rows
        if row.target and SINGLE_TASK in row.target.ratios and row.group.name != SINGLE_TASK
    }
    # Rows of which a run failed to reach the target have no p-value: their ratios leave out the seeds that were worst.
    tested = {group: each.p for group, each in ratios.items() if not each.never and each.p is not None}
    p_values = dict(zip(tested, holm(list(tested.values())), strict=True))
    for group, found in ratios.items():
        name, seeds = group.title(study.varying), counted(found.reached + found.never)
        if found.never:
            never.append(f"{name} in {found.never} of {seeds}")
        elif found.interval and (p := p_values.get(group, 1.0)) < SIGNIFICANT:
            told.append(f"{name} took {ratio_text(found.interval)} ({seeds}, {p_value(p)})")
        elif found.interval:
            unclear.append(f"{name} ({seeds})")
    best = f"{SINGLE_TASK}'s best validation {METRICS[study.metric]}"
    tests = "paired t tests"
    if len(p_values) > 1:
        tests += f" with Holm's correction for {len(p_values)} comparisons"
    sentences = []
    if told:
        took = f"{_listed(told)} of the training time that {SINGLE_TASK} took itself (95 % intervals; {tests})"
        if len(told) > MOST_NAMED:
            took = f"{len(told)} rows took less or more training time than {SINGLE_TASK} ({tests})"
        sentences.append(f"To reach {best}, {took}.")
    if never:
        sentences.append(f"{best[0].upper()}{best[1:]} was never reached by {_named(never, ' in one seed or more')}.")
    if unclear:
        how = f" by {tests}" if p_values and not told else ""
        sentences.append(f"Whether {_named(unclear)} took more or less time than {SINGLE_TASK} cannot be told{how}.")
    if max(len(told), len(never), len(unclear)) > MOST_NAMED:
        sentences.append("The table has them one by one.")
    return " ".join(sentences)


def cautions(study: Study, rows: Sequence[Row]) -> list[str]:
    """Return what a reader must know to judge the verdict: few seeds, missing and failed runs, a shared machine."""
    found = []
    seeds = min(row.seeds for row in rows)
    if len(rows) > 1 and seeds < FEW_SEEDS:
        shows = "no difference is called significant" if seeds < LEAST_SEEDS else "only a large difference shows"
        found.append(f"With {counted(seeds)} a strategy {shows}; {FEW_SEEDS} or more tell more.")
    if any(row.seeds != rows[0].seeds for row in rows):
        found.append("Not all strategies have the same number of seeds; differences are over those in common.")
    total = len(study.results) + len(study.missing) + len(study.failures)
    if study.missing:
        found.append(f"The study is not complete: {len(study.results)} of {total} runs are finished.")
    if study.failures:
        found.append(f"{len(study.failures)} of {total} runs failed; they are listed below.")
    if any(each.jobs > 1 for each in study.rows):
        found.append("Several runs shared the machine: seconds are longer than those of a run alone, and less even.")
    return found


def _seen(rows: Sequence[Row], metric: str, varying: Sequence[str]) -> str:
    """Return what few seeds gave, without a judgement: all scores, or those of the first and of single-task."""
    first, *others = sorted(rows, key=lambda row: -row.score.mean)
    if len(rows) > MOST_NAMED:
        others = [row for row in others if row.group.name == SINGLE_TASK][:1]
    scores = [f"{row.group.title(varying)} {percent(row.score)}" for row in others]
    return (
        f"{first.group.title(varying)} reached {percent(first.score)} {metric} on the test part over "
        f"{counted(first.seeds)}{f', {_listed(scores)}' if scores else ''}."
    )


def _significantly(rows: Sequence[Row], varying: Sequence[str]) -> str:
    names = _named([_with_difference(row, varying) for row in rows])
    return f"{names} {'are' if len(rows) > 1 else 'is'} significantly"


def _with_difference(row: Row, varying: Sequence[str]) -> str:
    name = row.group.title(varying)
    if row.difference is None:
        return name
    p = "no p-value" if row.p is None else p_value(row.p)
    return f"{name} ({points(row.difference.interval)} points, {counted(row.difference.n)}, {p})"


def _named(names: Sequence[str], how: str = "") -> str:
    """Return the names, or their number where nobody would read them all."""
    return _listed(names) if len(names) <= MOST_NAMED else f"{len(names)} rows{how}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
