"""The page of a study: the verdict, then all that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mt2st import __version__
from mt2st.errors import InputError
from mt2st.evaluation.tables import METRICS, SECOND_METRIC
from mt2st.study.curves import panels
from mt2st.study.palette import Style, styles_of
from mt2st.study.paper.writer import verdict_of
from mt2st.study.report.blocks import Block, Gallery, Items, Page, Paragraph, Picture, Section, Tabular
from mt2st.study.report.course import learning_curves, percents, shares, weight_courses
from mt2st.study.report.interval_chart import Entry, IntervalChart
from mt2st.study.report.neighbours import study_neighbours
from mt2st.study.report.paper_section import paper_section
from mt2st.study.report.setup import setup_section
from mt2st.study.statistics import Interval
from mt2st.study.study import Study
from mt2st.study.summary import Row, summarise
from mt2st.study.tables import UNKNOWN, Table, points, result_table, search_table, signed, target_table
from mt2st.study.time_to_target import SINGLE_TASK
from mt2st.study.verdict import cautions, group_title, p_value, percent, time_verdict, verdict


def study_page(study: Study, folder: Path) -> Page:
    """Return the page of a study.

    Args:
        study: the results, at least one.
        folder: the study's, for its name and its models.

    Raises:
        InputError: when there is no result, or they are of different metrics, or lack measures.
    """
    _check(study, folder)
    rows = summarise(study)
    styles = styles_of(group.name for group in study.groups)
    sections = [
        paper_section(study),
        Section("Results", list(_results(study, rows, styles))),
        Section("Time to single-task's best", list(_targets(study, rows, styles))),
        Section("Search of settings", [Tabular(table, "What was chosen") for table in (search_table(study),) if table]),
        *_courses(study, styles),
        Section("Neighbours of words", study_neighbours(study, rows, folder)),
        Section("Runs that failed", [Items([f"{each.title}: {each.error}" for each in study.failures])]),
        setup_section(study),
    ]
    compared, time, of_paper = verdict(study, rows), time_verdict(study, rows), verdict_of(study)
    sentences = [sentence for sentence in (of_paper, compared, time) if sentence]
    return Page(
        kicker=_kicker(study),
        title=folder.resolve().name or "Study",
        verdict=sentences[0],
        version=__version__,
        further=sentences[1:],
        cautions=cautions(study, rows),
        sections=[section for section in sections if any(_has_content(block) for block in section.blocks)],
    )


def _check(study: Study, folder: Path) -> None:
    if not study.results:
        finished = f"{len(study.failures)} failed, {len(study.missing)} are still to run"
        raise InputError(f"{folder}: no run of this study is finished ({finished}): there is nothing to report")
    metric = study.metric
    if metric not in SECOND_METRIC:
        raise InputError(f"{folder}: this version knows no measure '{metric}'")
    for each in study.results:
        where = f"{folder}: the result of {each.name}, seed {each.seed},"
        absent = [name for name in (metric, SECOND_METRIC[metric]) if name not in each.test]
        if absent:
            raise InputError(f"{where} has no {absent[0]} on the test part: delete its folder and run it again")
        if not each.run.evaluations or any(metric not in one.validation for one in each.run.evaluations):
            raise InputError(
                f"{where} has no {metric} on the {study.measured_part} part: delete its folder and run it again"
            )


def _has_content(block: Block) -> bool:
    if isinstance(block, Gallery):
        return bool(block.pictures)
    if isinstance(block, Items):
        return bool(block.items)
    return True


def _kicker(study: Study) -> str:
    methods = len({group.name for group in study.groups})
    runs, seeds = len(study.results), len(study.seeds)
    return (
        f"{methods} {'strategy' if methods == 1 else 'strategies'}, {seeds} seed{'' if seeds == 1 else 's'}, "
        f"{runs} run{'' if runs == 1 else 's'}"
    )


def _results(study: Study, rows: Sequence[Row], styles: Mapping[str, Style]) -> Iterator[Block]:
    metric = METRICS[study.metric]
    yield Tabular(result_table(study, rows), f"{metric.capitalize()} on the test part")
    pictures = [_score_picture(study, rows, styles)]
    if any(row.difference for row in rows):
        pictures.append(_difference_picture(study, rows, styles))
    yield Gallery(pictures)


def _score_picture(study: Study, rows: Sequence[Row], styles: Mapping[str, Style]) -> Picture:
    metric = METRICS[study.metric]
    entries, data = [], []
    for row in rows:
        label, by_seed = group_title(row.group, study.varying), study.groups[row.group]
        entries.append(
            Entry(
                label, styles[row.group.name], row.score, [each.score for each in by_seed.values()], percent(row.score)
            )
        )
        data += [[label, str(seed), percents(each.score)] for seed, each in sorted(by_seed.items())]
    chart = IntervalChart("scores", f"{metric.capitalize()} on the test part, by seed", entries, metric, shares)
    note = "Dot: mean; line: 95 % t interval; ticks: the single seeds."
    return Picture(chart, Table("data", ["strategy", "seed", metric], data), note)


def _difference_picture(study: Study, rows: Sequence[Row], styles: Mapping[str, Style]) -> Picture:
    metric = METRICS[study.metric]
    entries, data = [], []
    for row in rows:
        if row.difference is None:
            continue
        label = group_title(row.group, study.varying)
        own, other = study.groups[row.group], study.reference(row.group, SINGLE_TASK)
        each = {seed: own[seed].score - other[seed].score for seed in sorted(own.keys() & other.keys())}
        p = ", no p-value" if row.p is None else f", {p_value(row.p)}"
        entries.append(
            Entry(
                label,
                styles[row.group.name],
                row.difference.interval,
                list(each.values()),
                f"{points(row.difference.interval)}{p}",
            )
        )
        bounds = row.difference.bootstrap
        data.append(
            [
                label,
                points(row.difference.interval),
                UNKNOWN if bounds is None else f"[{signed(bounds[0])}, {signed(bounds[1])}]",
                UNKNOWN if row.difference.p is None else f"{row.difference.p:.3g}",
                UNKNOWN if row.p is None else f"{row.p:.3g}",
                f"{row.difference.better} of {row.difference.n}",
            ]
        )
    chart = IntervalChart(
        "differences",
        f"Difference of {metric} to {SINGLE_TASK}, seed by seed",
        entries,
        "points of 100",
        lambda value: f"{100 * value:+.3g}" if value else "0",
        line=0.0,
    )
    header = ["strategy", "mean ± half 95 % t interval", "95 % bootstrap", "p", "p (Holm)", "better in seeds"]
    return Picture(chart, Table("data", header, data), "Left of the line, single-task is better; right of it, worse.")


def _targets(study: Study, rows: Sequence[Row], styles: Mapping[str, Style]) -> Iterator[Block]:
    if not any(row.target and row.target.ratios for row in rows):
        return
    yield Tabular(target_table(study, rows), "What reaching single-task's best costs")
    entries, data = [], []
    for row in rows:
        found = row.target.ratios.get(SINGLE_TASK, {}).get("seconds") if row.target else None
        if row.target is None or found is None or row.group.name == SINGLE_TASK:
            continue
        label = group_title(row.group, study.varying)
        entries.append(
            Entry(
                label, styles[row.group.name], found.interval, list(_ratios(study, row)), _reached(found.interval, row)
            )
        )
        data += [
            [
                label,
                str(seed),
                "never" if cost is None else f"{cost.seconds:.1f}",
                UNKNOWN if cost is None else f"{cost.steps:,}",
            ]
            for seed, cost in row.target.costs.items()
        ]
    if entries:
        chart = IntervalChart(
            "target",
            "Training time until single-task's best validation value was reached",
            entries,
            "ratio to single-task's own time",
            lambda value: f"{value:g}",
            line=1.0,
            ratios=True,
        )
        note = "Left of the line, faster than single-task. Seeds that never reached it have no tick, and are counted."
        yield Gallery([Picture(chart, Table("data", ["strategy", "seed", "seconds", "steps"], data), note)])


def _ratios(study: Study, row: Row) -> Iterator[float]:
    """Yield the ratio of each seed that reached the target."""
    goals = study.reference(row.group, SINGLE_TASK)
    for seed, cost in row.target.costs.items() if row.target else ():
        own = goals[seed].run.seconds_to(study.metric, goals[seed].best_validation)
        if cost is not None and own and cost.seconds:
            yield cost.seconds / own


def _reached(interval: Interval | None, row: Row) -> str:
    assert row.target is not None
    count = f"{row.target.reached} of {len(row.target.costs)} seeds"
    if interval is None:
        return f"never ({count})"
    bounds = "" if interval.low is None or interval.high is None else f" [{interval.low:.2f}, {interval.high:.2f}]"
    return f"{interval.mean:.2f}{bounds}, {count}"


def _courses(study: Study, styles: Mapping[str, Style]) -> Iterator[Section]:
    learning: list[Block] = []
    weights: list[Block] = []
    for number, panel in enumerate(panels(study)):
        runs = {name: [each.run for each in results.values()] for name, results in panel.methods.items()}
        title = panel.title(study.varying)
        learning.append(
            Gallery(learning_curves(runs, study.metric, styles, f"learning-{number}", part=study.measured_part), title)
        )
        weights.append(Gallery(weight_courses(runs, f"weights-{number}"), title))
    yield Section("Learning curves", learning)
    text = (
        "How much each auxiliary task weighs in training, and when it went off. A task of weight 0 is not computed at "
        "all: from then on, training is single-task. Strategies without auxiliary tasks have no picture."
    )
    if any(_has_content(block) for block in weights):
        yield Section("Auxiliary weights over time", [Paragraph(text), *weights])
