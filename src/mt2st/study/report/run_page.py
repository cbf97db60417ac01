"""The page of a single training run: how good the model is, where it is wrong, its course and its settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mt2st._version import __version__
from mt2st.errors import InputError
from mt2st.evaluation.tables import AUXILIARY_HEADER, METRICS, auxiliary_rows, metrics_table
from mt2st.models import ModelSettings, model_class
from mt2st.models.auxiliaries import AuxiliaryReport
from mt2st.models.folder import CONFIG
from mt2st.study.charts import Mark, styles_of
from mt2st.study.figures import learning_charts, weight_charts
from mt2st.study.predictions import Predictions, score_table
from mt2st.study.report.page import Block, Facts, Gallery, Items, Page, Paragraph, Section, Tabular
from mt2st.study.report.sections import about_blocks, machine_facts, run_neighbours, settings_blocks, strategy_text
from mt2st.study.result import CHECKPOINT, MODEL
from mt2st.study.summary import epochs_of
from mt2st.study.tables import Table
from mt2st.training import Run

RUN, LOG = "report.json", "metrics.jsonl"
"""The files that only the folder of a run has."""


@dataclass(frozen=True)
class TrainingRun:
    """A finished training run.

    Attributes:
        kind: kind of the labelled data.
        metric: metric that chose the best parameters on validation.
        strategy: its state.
        metrics: by part of the data.
        predictions: of the test part, or of validation without a test part.
        about: how it was run: ``command``, ``data``, ``versions``, ``machine``.
    """

    kind: str
    classes: tuple[str, ...]
    metric: str
    settings: Mapping[str, Any]
    strategy: Mapping[str, Any]
    run: Run
    metrics: Mapping[str, Mapping[str, float]]
    auxiliaries: Mapping[str, AuxiliaryReport]
    predictions: Predictions | None
    about: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path) -> TrainingRun:
        """Read the folder of a finished run."""
        config = folder / MODEL / CONFIG
        if not (folder / RUN).is_file() or not config.is_file():
            hint = "go on with it by mt2st train --resume" if (folder / CHECKPOINT).is_dir() else "train it again"
            raise InputError(f"the run in {folder} is not finished: {hint}")
        report, saved = _read(folder / RUN), _read(config)
        predictions = report.get("predictions")
        try:
            kind, classes = str(saved["problem_type"]), tuple(saved["classes"])
            found = cls(
                kind=kind,
                classes=classes,
                metric=model_class(kind).problem_type.metric(classes),
                settings=ModelSettings.from_dict(saved["settings"]).flat(),
                strategy=dict(saved["strategy"]),
                run=Run.from_dict(saved["run"]),
                metrics={str(part): dict(values) for part, values in saved["metrics"].items()},
                auxiliaries={
                    name: AuxiliaryReport.from_dict(report) for name, report in saved.get("auxiliaries", {}).items()
                },
                predictions=Predictions.from_dict(predictions) if predictions else None,
                about=_about(report.get("about", {})),
            )
            if found.run.evaluations:
                found.run.evaluations[found.run.best].validation[found.metric]
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
            raise InputError(
                f"{config} is not what a finished run leaves ({type(error).__name__}: {error}): train it again"
            ) from error
        return found


def _about(found: Any) -> dict[str, Any]:
    """Return how a run was made, after a look at its parts."""
    return {**found, **{name: dict(found[name]) for name in ("versions", "machine") if name in found}}


def is_run(folder: Path) -> bool:
    """Return whether a folder is that of a training run, finished or not."""
    return (folder / RUN).is_file() or (folder / LOG).is_file() or (folder / CHECKPOINT).is_dir()


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({error}): train the run again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is not what a run leaves: train it again")
    return content


MATRIX = 8
"""With more classes, the most frequent confusions are listed instead of the matrix."""


def run_page(found: TrainingRun, folder: Path) -> Page:
    """Return the page of a training run from its folder."""
    name, run = str(found.strategy["strategy"]), found.run
    sections = [Section("Results", list(_results(found))), Section("Mistakes", list(_mistakes(found.predictions)))]
    if run.evaluations:
        best = Mark(epochs_of(run)[run.best], "kept")
        curves = learning_charts({name: [run]}, found.metric, styles_of([name]), marks=[best])
        sections += [
            Section("Learning curves", [Gallery(curves)]),
            Section("Auxiliary weights over time", list(_weights(run, name))),
            Section("Frozen dimensions", list(_frozen_dimensions(run))),
        ]
    return Page(
        kicker=f"One run, seed {found.settings.get('seed', 'unknown')}",
        title=folder.resolve().name or "Run",
        verdict=_verdict(found, name),
        version=__version__,
        further=[_course(run)],
        cautions=["One run cannot tell which strategy is better: mt2st compare can, over several seeds."],
        sections=[
            *sections,
            Section("Neighbours of words", run_neighbours(folder)),
            Section("To repeat it", list(_setup(found))),
        ],
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


def _course(run: Run) -> str:
    if not run.evaluations:
        return "Few labels: nothing was trained by gradient descent but the word vectors."
    best = run.evaluations[run.best]
    ended = "after its last epoch" if run.stopped == "epochs" else f"by itself: {run.cause or run.stopped}"
    return (
        f"{run.steps:,} steps took {run.train_seconds:,.1f} s of training. The parameters kept are those after step "
        f"{best.step:,} (epoch {best.epoch}), the best on validation. The run ended {ended}."
    )


def _results(found: TrainingRun) -> Iterator[Block]:
    if found.metrics:
        yield _table("Metrics on each part of the data", metrics_table(found.metrics))
    if kept := found.predictions:
        notes = f"The last column counts the {kept.unit} of the class. A class that is never predicted has precision 0."
        scores = score_table(kept.classes, "class", kept.unit)
        yield _table(f"Scores by class on the {kept.part} part", scores, notes)
        yield Paragraph(
            f"The probabilities of the predictions differ from the share that is right by "
            f"{_percent(kept.calibration_error)} on average (expected calibration error)."
        )
        if kept.entities:
            notes = "An entity is found if its type, its first and its last word are right."
            scores = score_table(kept.entities, "entity", "entities")
            yield _table(f"Scores by entity on the {kept.part} part", scores, notes)
    held_out = [
        row for name, report in found.auxiliaries.items() for row in auxiliary_rows(name, report.before, report.after)
    ]
    if held_out:
        yield _table("Auxiliary tasks, on the words that were held out", [AUXILIARY_HEADER, *held_out])


def _table(caption: str, rows: Sequence[Sequence[str]], notes: str = "") -> Tabular:
    return Tabular(Table("data", rows[0], rows[1:], notes=notes), caption)


def _mistakes(kept: Predictions | None) -> Iterator[Block]:
    """Return the confusion matrix, or the most frequent confusions of many classes, and the most certain mistakes."""
    if kept is None:
        return
    names = [each.name for each in kept.classes]
    if kept.confusion and len(names) <= MATRIX:
        rows = [[name, *(f"{count:,}" for count in row)] for name, row in zip(names, kept.confusion, strict=True)]
        right = frozenset((number, number + 1) for number in range(len(names)))
        notes = "A row counts what a true class was predicted as."
        table = Table("confusion", ["true class", *names], rows, right, notes)
        yield Tabular(table, f"Confusion matrix of the {kept.part} part")
    elif kept.confusion:
        counts = [
            (count, names[true], names[predicted])
            for true, row in enumerate(kept.confusion)
            for predicted, count in enumerate(row)
            if true != predicted and count
        ]
        largest = [[true, predicted, f"{count:,}"] for count, true, predicted in sorted(counts, reverse=True)[:20]]
        yield _table("The most frequent confusions", [["true", "predicted", kept.unit], *largest])
    rows = [[each.text, each.true, each.predicted, _percent(each.probability)] for each in kept.mistakes]
    if rows:
        caption = f"The most certain mistakes: {len(rows)} of {kept.wrong:,} among {kept.total:,} {kept.unit}"
        yield _table(caption, [["text", "true", "predicted", "probability"], *rows])
    else:
        yield Paragraph(f"All {kept.total:,} {kept.unit} of the {kept.part} part are predicted right.")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _weights(run: Run, name: str) -> Iterator[Block]:
    if charts := weight_charts({name: [run]}):
        yield Gallery(charts)
    if run.decisions:
        yield Paragraph("What the strategy decided:")
        yield Items(
            [
                f"Epoch {each.epoch}, step {each.step:,}: {each.task} {each.action}, because {each.cause}."
                for each in run.decisions
            ]
        )


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
    rows = [["from epoch", "from step", "dimensions", "which, counted from 0", "frozen in the parameters kept"]]
    for each in run.freezes:
        which = ", ".join(map(str, sorted(each.dimensions)))
        frozen = "yes" if kept.issuperset(each.dimensions) else "no"
        rows.append([str(each.epoch), f"{each.step:,}", str(len(each.dimensions)), which, frozen])
    yield _table("Dimensions chosen to be frozen", rows)


def _setup(found: TrainingRun) -> Iterator[Block]:
    yield from about_blocks(found.about)
    facts = [("strategy", strategy_text(found.strategy)), ("data", found.kind), ("classes", ", ".join(found.classes))]
    facts += machine_facts([found.about.get("versions", {})], [found.about.get("machine", {})])
    yield Facts(facts)
    yield from settings_blocks(found.settings)
