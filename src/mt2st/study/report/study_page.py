"""The page of a study: the verdict, then all that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mt2st._version import __version__
from mt2st.errors import InputError
from mt2st.evaluation.tables import METRICS, SECOND_METRIC
from mt2st.strategy import LineStyle
from mt2st.study.curves import panels
from mt2st.study.figures import learning_charts, score_charts, target_chart, weight_charts
from mt2st.study.palette import styles_of
from mt2st.study.paper.writer import reproduced, tables_of, verdict_of
from mt2st.study.report.neighbours import study_neighbours
from mt2st.study.report.page import Block, Gallery, Items, Page, Paragraph, Section, Tabular
from mt2st.study.report.setup import setup_section
from mt2st.study.study import Study
from mt2st.study.summary import Row, summarise
from mt2st.study.tables import result_table, search_table, target_table
from mt2st.study.verdict import cautions, time_verdict, verdict

OF_PAPER = {"time": "The paper's claims about time", "tables": "The paper's tables"}
"""Titles of the section that compares with the paper, by what the study repeats of it."""
CAPTIONS = {
    "time": "What reaching single-task's best costs",
    "table_I": "Table I of the paper",
    "table_II": "Table II of the paper",
    "table_III": "Table III of the paper",
}


def study_page(study: Study, folder: Path) -> Page:
    """Return the page of a study, with its folder's name and models.

    Raises:
        InputError: when there is no result, or they are of different metrics, or lack measures.
    """
    _check(study, folder)
    rows = summarise(study)
    styles = styles_of(group.name for group in study.groups)
    sections = [
        Section(
            OF_PAPER.get(reproduced(study), ""),
            [Tabular(table, CAPTIONS.get(table.name, table.name)) for table in tables_of(study)],
        ),
        Section("Results", list(_results(study, rows, styles))),
        Section("Time to single-task's best", list(_targets(study, rows, styles))),
        Section("Search of settings", [Tabular(table, "What was chosen") for table in (search_table(study),) if table]),
        *_courses(study, styles),
        Section("Neighbours of words", study_neighbours(study, rows, folder)),
        Section("Runs that failed", [Items([f"{each.title}: {each.error}" for each in study.failures])]),
        setup_section(study),
    ]
    told = (verdict_of(study), verdict(study, rows), time_verdict(study, rows))
    sentences = [sentence for sentence in told if sentence]
    return Page(
        kicker=_kicker(study),
        title=str(study.about.get("title") or folder.resolve().name or "Study"),
        verdict=sentences[0],
        version=__version__,
        further=sentences[1:],
        cautions=cautions(study, rows),
        sections=sections,
    )


def _check(study: Study, folder: Path) -> None:
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


def _kicker(study: Study) -> str:
    methods = len({group.name for group in study.groups})
    runs, seeds = len(study.results), len(study.seeds)
    return (
        f"{methods} {'strategy' if methods == 1 else 'strategies'}, {seeds} seed{'' if seeds == 1 else 's'}, "
        f"{runs} run{'' if runs == 1 else 's'}"
    )


def _results(study: Study, rows: Sequence[Row], styles: Mapping[str, LineStyle]) -> Iterator[Block]:
    yield Tabular(result_table(study, rows), f"{METRICS[study.metric].capitalize()} on the test part")
    yield Gallery(score_charts(study, rows, styles))


def _targets(study: Study, rows: Sequence[Row], styles: Mapping[str, LineStyle]) -> Iterator[Block]:
    if any(row.target and row.target.ratios for row in rows):
        yield Tabular(target_table(study, rows), "What reaching single-task's best costs")
        if chart := target_chart(study, rows, styles):
            yield Gallery([chart])


def _courses(study: Study, styles: Mapping[str, LineStyle]) -> Iterator[Section]:
    drawn = [(panel.runs, panel.title(study.varying)) for panel in panels(study)]
    learning = [
        Gallery(learning_charts(runs, study.metric, styles, study.measured_part), title) for runs, title in drawn
    ]
    weights = [Gallery(weight_charts(runs), title) for runs, title in drawn]
    yield Section("Learning curves", learning)
    text = (
        "How much each auxiliary task weighs in training, and when it went off. A task of weight 0 is not computed at "
        "all: from then on, training is single-task. Strategies without auxiliary tasks have no chart."
    )
    if any(gallery.charts for gallery in weights):
        yield Section("Auxiliary weights over time", [Paragraph(text), *weights])
