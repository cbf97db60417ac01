"""The folder of a run of ``mt2st train``, read for its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mt2st.errors import InputError
from mt2st.models import ModelSettings, model_class
from mt2st.models.auxiliaries import AuxiliaryReport
from mt2st.models.folder import CONFIG
from mt2st.study.predictions import Predictions
from mt2st.study.result import CHECKPOINT, MODEL
from mt2st.training import Run

RUN, LOG = "report.json", "metrics.jsonl"
"""The files that only the folder of a run has."""


@dataclass(frozen=True)
class TrainingRun:
    """A finished training run.

    Attributes:
        kind: kind of the labelled data.
        classes: labels or tags.
        metric: metric that chose the best parameters on validation.
        settings: of the model, by dotted name.
        strategy: its state.
        run: the course of the training.
        metrics: by part of the data.
        auxiliaries: metrics of the auxiliary tasks on the part of their data that was held out.
        predictions: scores by class and mistakes on the test part, or on validation without a test part.
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
        """Read the folder of a finished run.

        Raises:
            InputError: naming the file that is missing or broken, or when the run is not finished.
        """
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
                about=dict(report.get("about", {})),
            )
            found.run.evaluations[found.run.best].validation[found.metric]
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise InputError(
                f"{config} is not what a finished run leaves ({type(error).__name__}: {error}): train it again"
            ) from error
        return found


def is_run(folder: Path) -> bool:
    """Return whether a folder is that of a training run, finished or not."""
    return (folder / RUN).is_file() or (folder / LOG).is_file() or (folder / CHECKPOINT).is_dir()


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): train the run again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is not what a run leaves: train it again")
    return content
