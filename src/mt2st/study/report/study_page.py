"""The page of a study: the verdict, then all that it rests on."""

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
from mt2st.study.statistics import counted
from mt2st.study.study import Study
from mt2st.study.summary import summarise
from mt2st.study.tables import result_table, search_table, target_table
from mt2st.study.verdict import cautions, time_verdict, verdict

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
