"""``mt2st evaluate``: the metrics of a saved model on labelled data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import tyro

from mt2st.cli.data_options import DataOptions, DialectOptions, TaskName, read_rows, saved_columns
from mt2st.cli.options import parse
from mt2st.cli.terminal import say, say_unknown_words
from mt2st.evaluation.tables import aligned, metrics_table
from mt2st.text import TaggedText

if TYPE_CHECKING:
    from mt2st.models.trained_model import AnyModel

DESCRIPTION = """Measure a saved model on labelled data.

Examples:
  mt2st evaluate run/model more-reviews.csv
  mt2st evaluate run/model more-reviews.csv --text body --label stars --json"""


@dataclass(frozen=True)
class EvaluateOptions(DialectOptions):
    """Options of ``mt2st evaluate``."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """The folder of the model, or of the run that holds it."""
    file: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """Labelled data of the model's kind, in any format that mt2st train reads."""
    text: str | None = None
    """Column of the texts; by default the one that the model was trained on."""
    label: str | None = None
    """Column of the labels; by default the one that the model was trained on."""
    label_separator: str | None = None
    """Several labels a text: what stands between two of them; by default as in training."""
    tag: str | None = None
    """Tagger: column of the tags; by default as in training."""
    word: int | None = None
    """Tagger: number of the column of the words; by default as in training."""
    skip_bad_rows: bool = False
    """Go on without rows that cannot be used."""
    json: bool = False
    """Print a JSON object in place of a table."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(EvaluateOptions, arguments, program="mt2st evaluate", description=DESCRIPTION)

    from mt2st.models import load_model

    model: AnyModel = load_model(options.model)
    names = ("text", "label", "label_separator", "tag", "word")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    form = {each.name: getattr(options, each.name) for each in fields(DialectOptions)}
    columns = {**saved_columns(options.model), **given, **form, "skip_bad_rows": options.skip_bad_rows}
    rows = read_rows(DataOptions(options.file, task=cast("TaskName", model.problem_type.name), **columns), options.file)
    probabilities = model.predict_rows(rows)
    metrics = model.metrics_["test"]
    say_unknown_words(model, rows, options.file)
    if options.json:
        print(json.dumps({"rows": len(rows), **metrics}))
        return 0
    say(f"{len(rows):,} rows of {options.file}")
    print(aligned(metrics_table({Path(options.file).name: metrics})))
    if isinstance(rows, TaggedText):
        from mt2st.study.predictions import predictions_of, score_table

        classes = [str(each) for each in model.classes_]
        found = predictions_of(classes, rows, probabilities, scheme=getattr(model, "scheme_", None))
        print()
        if found.entities:
            print(aligned(score_table(found.entities, "entity", "entities")))
        else:
            print(aligned(score_table(found.classes, "tag", "words")))
    return 0
