"""The same model trained by several strategies, over several seeds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mt2st import __version__
from mt2st.errors import InputError
from mt2st.files import complete_file
from mt2st.models import ClassifierSettings, Listener, model_class
from mt2st.models.any_model import AnyModel
from mt2st.models.auxiliaries import AuxiliaryData
from mt2st.strategy import Strategy
from mt2st.study.data import StudyData
from mt2st.training import Run

RESULT, MODEL, CHECKPOINT = "result.json", "model", "checkpoint"


class StudyInterrupted(Exception):  # noqa: N818  # it is no error
    """The running cell was asked to stop; a study with a folder goes on from there when it is called again."""


@dataclass(frozen=True)
class Cell:
    """One training run of a study.

    Attributes:
        name: what the table calls the strategy.
        strategy: the strategy.
        settings: the model's, with the cell's seed.
    """

    name: str
    strategy: Strategy
    settings: ClassifierSettings

    @property
    def folder(self) -> str:
        """The name of the cell's folder."""
        return f"{self.name}-seed{self.settings.seed}"

    def identity(self, data: StudyData) -> dict[str, Any]:
        """Return what must be the same for a finished cell to count as this one."""
        return {
            "strategy": self.strategy.state_dict(),
            "settings": json.loads(json.dumps(self.settings.settings())),
            "data": data.fingerprint,
            "auxiliary data": AuxiliaryData.read(self.settings).fingerprint,
            "version": __version__,
        }


@dataclass(frozen=True)
class CellResult:
    """What a finished cell says.

    Attributes:
        name: what the table calls the strategy.
        seed: the cell's seed.
        test: metrics on the test part, by the parameters that were best on validation.
        run: the course of the training.
        metric: the measure that chose the best parameters on validation.
    """

    name: str
    seed: int
    test: Mapping[str, float]
    run: Run
    metric: str = "accuracy"

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CellResult:
        """Return the result that `as_dict` described."""
        return cls(
            values["name"],
            values["seed"],
            values["test"],
            Run.from_dict(values["run"]),
            values.get("metric", "accuracy"),
        )


def compare(
    data: StudyData,
    strategies: Mapping[str, Strategy],
    settings: ClassifierSettings,
    *,
    seeds: Sequence[int],
    folder: Path | None = None,
    listener_of: Callable[[Cell], Listener] | None = None,
    on_model: Callable[[AnyModel], None] | None = None,
) -> list[CellResult]:
    """Train every strategy with every seed and return the results, strategies outermost.

    All strategies share the data, the settings and, for a seed, the initial parameters.

    Args:
        data: the data.
        strategies: by the name that the table shall use.
        settings: the model's; each cell takes them with its own seed.
        seeds: any number of different seeds.
        folder: where each finished cell leaves its result and model; one that is there already is not run again. None
            keeps nothing.
        listener_of: makes what watches a cell.
        on_model: called with each cell's model before it is trained, so that it can be stopped.

    Raises:
        StudyInterrupted: when a cell's model was stopped.
        InputError: when there is nothing to compare.
    """
    if not strategies or not seeds:
        raise InputError("a comparison needs at least one strategy and one seed")
    if len(set(seeds)) != len(seeds):
        raise InputError(f"the seeds must differ, found {list(seeds)}")
    results = []
    for name, strategy in strategies.items():
        for seed in seeds:
            cell = Cell(name, strategy, replace(settings, seed=seed))
            listener = listener_of(cell) if listener_of else Listener()
            results.append(run_cell(data, cell, folder=folder, listener=listener, on_model=on_model))
    return results


def run_cell(
    data: StudyData,
    cell: Cell,
    *,
    folder: Path | None,
    listener: Listener,
    on_model: Callable[[AnyModel], None] | None = None,
) -> CellResult:
    """Train one cell and measure it on the test part, or read its result if it is finished.

    A cell that was interrupted goes on from its checkpoint.

    Raises:
        StudyInterrupted: when its model was stopped.
        InputError: when its folder holds the result of other data or settings, or cannot be written.
    """
    place = folder / cell.folder if folder else None
    identity = cell.identity(data)
    if place and (place / RESULT).is_file():
        return _finished(place / RESULT, identity)
    model: Any = model_class(data.kind.name)(**cell.settings.settings(), strategy=cell.strategy)
    if on_model:
        on_model(model)
    model.fit_rows(
        data.train,
        unlabelled=data.unlabelled(),
        validation=data.validation,
        checkpoint=place / CHECKPOINT if place else None,
        listener=listener,
    )
    if model.run_.stopped == "interrupted":
        raise StudyInterrupted
    test = model.evaluate_rows(data.test)
    result = CellResult(cell.name, cell.settings.seed, test, model.run_, data.metric)
    if place:
        model.save(place / MODEL, overwrite=True, about=[f"{len(data.train):,} labelled texts"])
        with complete_file(place / RESULT) as file:
            file.write(json.dumps({"identity": identity, "result": result.as_dict()}, indent=1).encode())
        shutil.rmtree(place / CHECKPOINT, ignore_errors=True)
    return result


def _finished(path: Path, identity: Mapping[str, Any]) -> CellResult:
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        found, result = saved["identity"], CellResult.from_dict(saved["result"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not the result of a cell ({error}): delete it to run the cell again") from error
    for name, value in identity.items():
        if found.get(name) != value:
            raise InputError(
                f"{path} is the result of other {name}: choose another folder, replace the study by "
                f"--overwrite, or delete this one to run it again"
            )
    return result
