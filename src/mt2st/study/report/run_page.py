"""The page of a single training run: how good the model is, where it is wrong, its course and its settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from mt2st import __version__
from mt2st.evaluation.tables import AUXILIARY_HEADER, METRICS, auxiliary_rows, metrics_table
from mt2st.study.charts import Mark
from mt2st.study.curves import epochs_of
from mt2st.study.figures import learning_charts, weight_charts
from mt2st.study.palette import styles_of
from mt2st.study.predictions import Predictions
from mt2st.study.report.neighbours import run_neighbours
from mt2st.study.report.page import Block, Facts, Gallery, Items, Page, Paragraph, Section, Tabular
from mt2st.study.report.setup import about_blocks, machine_facts, settings_blocks, strategy_text
from mt2st.study.report.training_run import TrainingRun
from mt2st.study.tables import Table
from mt2st.training import Run

MATRIX = 8
"""With more classes, the most frequent confusions are listed instead of the matrix."""


def run_page(found: TrainingRun, folder: Path) -> Page:
    """Return the page of a training run.

    Args:
        found: the run.
        folder: its folder, for its name and its model.
    """
    name = str(found.strategy["strategy"])
    runs = {name: [found.run]}
    best = Mark(epochs_of(found.run)[found.run.best], "kept")
    sections = [
        Section("Results", list(_results(found))),
        Section("Mistakes", list(_mistakes(found.predictions))),
        Section("Learning curves", [Gallery(learning_charts(runs, found.metric, styles_of(runs), marks=[best]))]),
        Section("Auxiliary weights over time", list(_weights(found, name))),
        Section("Frozen dimensions", list(_frozen_dimensions(found.run))),
        Section("Neighbours of words", run_neighbours(folder)),
        Section("To repeat it", list(_setup(found))),
    ]
    return Page(
        kicker=f"One run, seed {found.settings.get('seed', 'unknown')}",
        title=folder.resolve().name or "Run",
        verdict=_verdict(found, name),
        version=__version__,
        further=[_course(found)],
        cautions=["One run cannot tell which strategy is better: mt2st compare can, over several seeds."],
        sections=sections,
    )


def _verdict(found: TrainingRun, name: str) -> str:
    metric = METRICS[found.metric]
    parts = [
        f"{100 * found.metrics[part][found.metric]:.1f} % on the {part} part"
        for part in ("test", "validation")
        if found.metric in found.metrics.get(part, {})
    ]
    measured = f"{metric} {' and '.join(parts)}" if parts else f"{metric} was not measured"
    return f"{name}, one run: {measured}."


def _course(found: TrainingRun) -> str:
    run = found.run
    best = run.evaluations[run.best]
    ended = "after its last epoch" if run.stopped == "epochs" else f"by itself: {run.cause or run.stopped}"
    return (
        f"{run.steps:,} steps took {run.train_seconds:,.1f} s of training. The parameters kept are those after step "
        f"{best.step:,} (epoch {best.epoch}), the best on validation. The run ended {ended}."
    )


def _results(found: TrainingRun) -> Iterator[Block]:
    if found.metrics:
        header, *rows = metrics_table(found.metrics)
        yield Tabular(Table("metrics", header, rows), "Metrics on each part of the data")
    if kept := found.predictions:
        header = ["class", "precision", "recall", "F1", kept.unit]
        scores = [
            [
                each.name,
                *(f"{100 * value:.1f} %" for value in (each.precision, each.recall, each.f1)),
                f"{each.support:,}",
            ]
            for each in kept.classes
        ]
        notes = f"The last column counts the {kept.unit} of the class. A class that is never predicted has precision 0."
        yield Tabular(Table("classes", header, scores, notes=notes), f"Scores by class on the {kept.part} part")
    held_out = [
        row for name, report in found.auxiliaries.items() for row in auxiliary_rows(name, report.before, report.after)
    ]
    if held_out:
        yield Tabular(Table("held_out", AUXILIARY_HEADER, held_out), "Auxiliary tasks, on the words that were held out")


def _mistakes(kept: Predictions | None) -> Iterator[Block]:
    """Return the confusion matrix, or the most frequent confusions of many classes, and the most certain mistakes."""
    if kept is None:
        return
    names = [each.name for each in kept.classes]
    if kept.confusion and len(names) <= MATRIX:
        matrix = [
            [name, *(f"{count:,}" for count in counts)] for name, counts in zip(names, kept.confusion, strict=True)
        ]
        right = frozenset((number, number + 1) for number in range(len(names)))
        table = Table(
            "confusion", ["true class", *names], matrix, right, "A row counts what a true class was predicted as."
        )
        yield Tabular(table, f"Confusion matrix of the {kept.part} part")
    elif kept.confusion:
        counts = [
            (count, names[true], names[predicted])
            for true, row in enumerate(kept.confusion)
            for predicted, count in enumerate(row)
            if true != predicted and count
        ]
        largest = [[true, predicted, f"{count:,}"] for count, true, predicted in sorted(counts, reverse=True)[:20]]
        yield Tabular(Table("confusion", ["true", "predicted", kept.unit], largest), "The most frequent confusions")
    rows = [[each.text, each.true, each.predicted, _percent(each.probability)] for each in kept.mistakes]
    if rows:
        caption = f"The most certain mistakes: {len(rows)} of {kept.wrong:,} among {kept.total:,} {kept.unit}"
        yield Tabular(Table("mistakes", ["text", "true", "predicted", "probability"], rows), caption)
    else:
        yield Paragraph(f"All {kept.total:,} {kept.unit} of the {kept.part} part are predicted right.")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _weights(found: TrainingRun, name: str) -> Iterator[Block]:
    pictures = weight_charts({name: [found.run]})
    if pictures:
        yield Gallery(pictures)
    decisions = [
        f"Epoch {each.epoch}, step {each.step:,}: {each.task} {each.action}, because {each.cause}."
        for each in found.run.decisions
    ]
    if decisions:
        yield Paragraph("What the strategy decided:")
        yield Items(decisions)


def _frozen_dimensions(run: Run) -> Iterator[Block]:
    """Yield which dimensions were frozen when, and which of them were frozen in the parameters kept."""
    if not run.freezes:
        return
    kept, best, size = set(run.kept_frozen), run.evaluations[run.best], len(run.freezes[0].relevance)
    chosen = sum(len(each.dimensions) for each in run.freezes)
    yield Paragraph(
        f"Of the {size} dimensions of the embedding, {chosen} were chosen to be frozen, and {len(kept)} of them were "
        f"frozen in the parameters kept, those after step {best.step:,} (epoch {best.epoch})."
        + ("" if len(kept) == chosen else " The others were still learning then: their freezing came later.")
    )
    header = ["from epoch", "from step", "dimensions", "which, counted from 0", "frozen in the parameters kept"]
    rows = [
        [
            str(each.epoch),
            f"{each.step:,}",
            str(len(each.dimensions)),
            _ranges(each.dimensions),
            "yes" if kept.issuperset(each.dimensions) else "no",
        ]
        for each in run.freezes
    ]
    yield Tabular(Table("frozen_dimensions", header, rows), "Dimensions chosen to be frozen")


def _ranges(numbers: Iterable[int]) -> str:
    """Return sorted numbers, with neighbours as a range: ``0-2, 7``."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _setup(found: TrainingRun) -> Iterator[Block]:
    yield from about_blocks(found.about)
    facts = [("strategy", strategy_text(found.strategy)), ("data", found.kind), ("classes", ", ".join(found.classes))]
    facts += machine_facts([found.about.get("versions", {})], [found.about.get("machine", {})])
    yield Facts(facts)
    yield from settings_blocks(found.settings)
