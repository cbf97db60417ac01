"""The cells of a study: methods x embeddings x auxiliary tasks x encoders x seeds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from mt2st.errors import InputError
from mt2st.models import ModelSettings
from mt2st.models.groups import LABELLED_AUXILIARIES, AuxiliaryData
from mt2st.strategy import SingleTask, Strategy
from mt2st.study.data import StudyData, identity_of, idle_data

NO_AUXILIARY = "none"


@dataclass(frozen=True)
class Cell:
    """One training run of a study.

    Attributes:
        name: what the table calls the method.
        strategy: the strategy.
        settings: the model's, with the cell's seed.
        marks: values of the factors that the grid varies, by factor. They are in the folder's name.
    """

    name: str
    strategy: Strategy
    settings: ModelSettings
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The name of the cell's folder, such as ``switch-seed1`` or ``switch.encoder=cnn-seed1``."""
        return f"{self.group}-seed{self.settings.seed}"

    @property
    def group(self) -> str:
        """The method in its setting, such as ``switch.encoder=cnn``: the folder's name without the seed."""
        return self.name + "".join(f".{factor}={_as_file_name(value)}" for factor, value in self.marks.items())

    @property
    def title(self) -> str:
        """The cell in a message: ``switch, encoder cnn, seed 1``."""
        return ", ".join(
            [self.name, *(f"{factor} {value}" for factor, value in self.marks.items()), f"seed {self.settings.seed}"]
        )

    @property
    def factors(self) -> dict[str, str]:
        """Embedding, auxiliary tasks and encoder, whether the grid varies them or not."""
        return factors_of(self.settings)

    def identity(self, data: StudyData) -> dict[str, Any]:
        """Return what must be the same for a finished run to count as this cell's (`mt2st.study.data`)."""
        return identity_of(self.strategy, self.settings, data)


def factors_of(settings: ModelSettings) -> dict[str, str]:
    """Return the embedding, the auxiliary tasks and the encoder of settings, as a table names them.

    Example:
        >>> factors_of(ModelSettings(encoder="mean", auxiliaries=("context", "analogy")))
        {'embedding': 'random', 'auxiliary': 'context+analogy', 'encoder': 'mean'}
    """
    return {
        "embedding": settings.embedding.init,
        "auxiliary": "+".join(settings.auxiliaries) or NO_AUXILIARY,
        "encoder": settings.encoder.name,
    }


def _as_file_name(value: str) -> str:
    """Return a value as a part of a file's name: of a path the last part, with a hash of the whole."""
    if re.fullmatch(r"[\w+-]+", value):
        return value
    return f"{re.sub(r'[^A-Za-z0-9_+-]', '_', Path(value).name)}~{hashlib.sha256(value.encode()).hexdigest()[:6]}"


StrategyOf = Callable[[Sequence[str]], Strategy]
"""Returns a strategy for a run with these auxiliary tasks."""


@dataclass(frozen=True)
class Method:
    """A way to train that a study compares with others.

    Attributes:
        strategy: the strategy, or a function of the names of the auxiliary tasks that returns one.
        settings: settings that replace the grid's, by name: ``{"context__window": 5}``.
    """

    strategy: Strategy | StrategyOf
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """All combinations of a study, each a `Cell`.

    A single-task run does nothing with auxiliary tasks on words, so there is one for all sets of them: it stands under
    the settings' own set.

    Attributes:
        methods: by the name that tables use: a `Method`, or the strategy alone.
        settings: of every model; a combination takes its own in place of these.
        seeds: any number of different ones.
        embeddings: where the embedding starts: values of ``embedding.init``. None given: the settings' own.
        auxiliaries: sets of auxiliary tasks. None given: the settings' own.
        encoders: None given: the settings' own.

    Example:
        >>> from mt2st import SingleTask, Switch
        >>> methods = {"single-task": SingleTask(), "switch": Switch(at=3)}
        >>> grid = Grid(methods, ModelSettings(encoder="bilstm"), seeds=(1, 2), encoders=("bilstm", "mean"))
        >>> [cell.folder for cell in grid.cells()][:3]
        ['single-task-seed1', 'switch-seed1', 'single-task.encoder=mean-seed1']
        >>> [cell.folder for cell in grid.cells()][4:6]
        ['single-task-seed2', 'switch-seed2']
    """

    methods: Mapping[str, Method | Strategy]
    settings: ModelSettings
    seeds: Sequence[int]
    embeddings: Sequence[str] = ()
    auxiliaries: Sequence[tuple[str, ...]] = ()
    encoders: Sequence[str] = ()

    def cells(self) -> list[Cell]:
        """Return the cells: seeds outermost, then encoders, embeddings, auxiliary tasks and methods.

        What is compared runs one after the other, so that a machine whose load changes slows all methods alike, and a
        study that is interrupted has its first seeds whole.

        Raises:
            InputError: there is nothing to compare, something is named twice, or a combination's settings cannot be
                used.
        """
        if not self.methods or not self.seeds:
            raise InputError("a comparison needs at least one strategy and one seed")
        if len(set(self.seeds)) != len(self.seeds):
            raise InputError(f"the seeds must differ, found {list(self.seeds)}")
        for name in ("embeddings", "auxiliaries", "encoders"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise InputError(f"the {name} must differ, found {list(values)}")
        together = {task for tasks in (*self.auxiliaries, self.settings.auxiliaries) for task in tasks}
        self.settings.updated(auxiliaries=tuple(sorted(together))).checked()  # refuses files that no combination reads
        cells: dict[str, Cell] = {}
        for cell in self._combinations():
            cells.setdefault(cell.folder, cell)
        return list(cells.values())

    def _combinations(self) -> Iterator[Cell]:
        base = self.settings
        if base.encoder.linear is None:  # what helps all methods alike would hide how they differ
            base = base.updated(encoder__linear=False)
        for seed, encoder, embedding, auxiliary, (name, method) in product(
            self.seeds,
            self.encoders or (base.encoder.name,),
            self.embeddings or (base.embedding.init,),
            self.auxiliaries or (base.auxiliaries,),
            self.methods.items(),
        ):
            method = method if isinstance(method, Method) else Method(method)
            strategy = method.strategy if isinstance(method.strategy, Strategy) else method.strategy(auxiliary)
            if isinstance(strategy, SingleTask) and not set(auxiliary) & set(LABELLED_AUXILIARIES):
                auxiliary = base.auxiliaries
            varied = {"encoder__name": encoder, "embedding__init": embedding, "auxiliaries": auxiliary}
            settings = base.updated(**(varied | method.settings), seed=seed)
            unset: dict[str, Any] = {name: getattr(AuxiliaryData(), name) for name in idle_data(settings.auxiliaries)}
            settings = replace(settings, auxiliary_data=replace(settings.auxiliary_data, **unset))
            settings.checked()
            usual = factors_of(base.updated(**method.settings))
            marks = {factor: value for factor, value in factors_of(settings).items() if value != usual[factor]}
            yield Cell(name, strategy, settings, marks)
