"""The card of a saved model: what it was made of, how, and how good it is.

Its head is metadata as the Hugging Face Hub reads them: YAML, here with a JSON value a line, which is YAML too.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from mt2st._version import __version__
from mt2st.errors import listed
from mt2st.evaluation.tables import AUXILIARY_HEADER, METRICS, auxiliary_rows
from mt2st.models.settings import ModelSettings
from mt2st.tasks import Coverage
from mt2st.text.readers import HUB_PREFIX
from mt2st.training.run import Run

PIPELINES = {"tagging": "token-classification"}
"""The Hub's names of problem types; all others are ``text-classification``."""
OWN_DATA = "own-data"
"""What the metadata call data that are not of the Hub."""


def model_card(config: Mapping[str, Any], *, kind: str, title: str, vocabulary_size: int, repository: str = "") -> str:
    """Return the card as Markdown, of what the folder's ``config.json`` holds.

    ``repository`` is where the model is on the Hugging Face Hub, ``owner/name``; empty for a folder.
    """
    settings = ModelSettings.from_dict(config["settings"]).changes
    run, strategy = config["run"], config["strategy"]
    sections = [
        "\n".join(["---", *_metadata(config, repository.rpartition("/")[2] or title), "---"]),
        f"# {title}",
        f"Trained with mt2st {__version__} (torch {torch.__version__}, Python {platform.python_version()}). "
        f"Classes: {', '.join(f'`{label}`' for label in config['classes'])}. Vocabulary: {vocabulary_size:,} rows.",
        "## Use",
        _use(config["problem_type"], kind, repository),
        "## Data",
        "\n".join(f"- {line}" for line in config["about"]) or "Not described.",
        "## Metrics",
        _metrics(config["metrics"]),
        *_auxiliaries(config.get("auxiliaries", {})),
        "## Training",
        f"Strategy {strategy['strategy']}: "
        + (", ".join(f"{name} = {value}" for name, value in strategy["settings"].items()) or "no settings")
        + ".",
        _course(run),
        *_chosen(config),
        "## Settings",
        "Those that differ from the defaults:",
        _table(["setting", "value"], [[path, _setting(value)] for path, value in settings.items()]),
    ]
    return "\n\n".join(sections) + "\n"


def _metadata(config: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield the lines of the metadata that the Hub reads (its `ModelCardData`)."""
    pipeline = PIPELINES.get(config["problem_type"], "text-classification")
    data: str = config["dataset"] or "labelled data of the user"
    on_hub = data.removeprefix(HUB_PREFIX).partition(":")[0] if data.startswith(HUB_PREFIX) else ""
    results = [
        {
            "task": {"type": pipeline},
            "dataset": {"name": on_hub or data, "type": on_hub or OWN_DATA, "split": part},
            "metrics": [
                {"type": metric.rpartition("_")[2], "name": METRICS.get(metric, metric), "value": round(value, 4)}
                for metric, value in found.items()
                if math.isfinite(value)
            ],
        }
        for part, found in config["metrics"].items()
    ]
    yield "library_name: mt2st"
    yield f"pipeline_tag: {pipeline}"
    yield 'tags: ["mt2st"]'
    if on_hub:
        yield f"datasets: {json.dumps([on_hub])}"
    if results:
        yield f"model-index: {json.dumps([{'name': name, 'results': results}])}"


def _use(problem_type: str, kind: str, repository: str) -> str:
    """Return a snippet that predicts with the model."""
    load = ["import mt2st", "", 'model = mt2st.load("model")  # this folder']
    if repository:
        load = [f"from mt2st.integrations.hub import {kind}", "", f'model = {kind}.from_pretrained("{repository}")']
    example = '["A", "sentence", "in", "words"]' if problem_type in PIPELINES else '"A text."'
    return "\n".join(["```python", *load, f"print(model.predict([{example}]))", "```"])


def _chosen(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was chosen by the data."""
    if config.get("choice"):
        yield f"Chosen by the data: {config['choice']}."
    if ensemble := config.get("ensemble"):
        names = ["the network", *(f"a linear classifier on n-grams of {each}" for each in ensemble["members"])]
        weights = (f"{name} {weight:.2f}" for name, weight in zip(names, ensemble["weights"], strict=True))
        yield f"Weights of the scores: {', '.join(weights)}."


def _setting(value: object) -> str:
    if value is None:
        return "not given"
    if isinstance(value, list | tuple):
        return ", ".join(f"`{each}`" for each in value) or "none"
    return f"`{value}`"


def _metrics(metrics: Mapping[str, Mapping[str, float]]) -> str:
    if not metrics:
        return "None were measured."
    header = ["part", *next(iter(metrics.values()))]
    return _table(header, [[part, *(f"{value:.4f}" for value in values.values())] for part, values in metrics.items()])


def _auxiliaries(reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the section on the data of auxiliary tasks, if any had some."""
    if not reports:
        return []
    coverage = "\n".join(f"- {Coverage(**report['coverage'])}" for report in reports.values())
    rows = [
        row
        for name, report in reports.items()
        for row in auxiliary_rows(name, report["before"], report["after"], digits=4)
    ]
    return ["## Auxiliary tasks", coverage, _table(AUXILIARY_HEADER, rows)]


def _course(run: Mapping[str, Any]) -> str:
    evaluations = run["evaluations"]
    if not evaluations:
        return "Nothing was trained by gradient descent but the word vectors."
    best, last = evaluations[run["best"]], evaluations[-1]
    end = run.get("cause") or run["stopped"]
    lines = [
        f"{last['step']:,} steps in {last['train_seconds']:.1f} seconds of training; ended by: {end}. "
        f"The parameters are those after step {best['step']:,} (epoch {best['epoch']}), the best on validation."
    ]
    lines += [
        f"The auxiliary task `{each['task']}` was off from step {each['step']:,} (epoch {each['epoch']}) on."
        for each in run["transitions"]
    ]
    lines += [
        f"The training diverged ({each['cause']}) and went back to step {each['step']:,}, with half the rate of "
        f"{listed(each['halved'])}."
        for each in run["halvings"]
    ]
    return "\n\n".join([*lines, *_kept(Run.from_dict(run))])


def _kept(run: Run) -> Iterator[str]:
    """Yield what the kept parameters have of what the transition brought: the best may be from before it."""
    if run.transition_step is not None:
        yield f"They are from {'after' if run.kept_single_task else 'before'} the transition to single-task training."
    frozen = [dimension for freeze in run.freezes for dimension in freeze.dimensions]
    if frozen:
        yield (
            f"Of the {len(frozen)} dimensions of the embedding that were frozen in the run, {len(run.kept_frozen)} "
            "were frozen by then."
        )


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
