"""A study's results, from a run or from its folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mt2st.errors import InputError
from mt2st.study.grid import Cell
from mt2st.study.result import ERROR, RESULT, CellResult, Failure, write_json
from mt2st.study.runs import FACTORS, SINGLE_TASK, Group, Groups, RunRow, grouped, read_runs, reference, rows_of

STUDY = "study.json"
"""The file of a study's folder that says what belongs to it."""
MEASURED_PART, VALIDATION = "measured part", "validation"
"""Under which name a study's description says what is measured between epochs, where it is no validation part."""
EARLIER = "earlier commands"
"""Under which name a study's description has the commands that began runs before the last one did."""


@dataclass(frozen=True)
class Study:
    """A study's results.

    ``study.json`` in its folder holds ``schema`` (1), ``cells`` (names of the folders of all its cells, in order),
    ``metric`` and ``about`` (plain values by name: the command, a description of the data). Each cell's folder holds
    ``result.json`` (schema: `mt2st.study.result`) and ``model``; or ``error.json``, or a ``checkpoint``.

    Attributes:
        results: of the finished cells, in the order of the study.
        failures: the cells that failed.
        missing: the folders' names of the cells that are neither finished nor failed.
        interrupted: whether the run that this comes from was stopped.
        about: what whoever ran it says of it.
        rows: one a run, for tables. They are made from the results where these are given.
    """

    results: Sequence[CellResult] = ()
    failures: Sequence[Failure] = ()
    missing: Sequence[str] = ()
    interrupted: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[RunRow] = ()

    def __post_init__(self) -> None:
        if self.results:
            object.__setattr__(self, "rows", rows_of(self.results, validated=self.has_validation))

    @classmethod
    def load(cls, folder: str | Path) -> Study:
        """Read a study: its folder, complete or not, or the rows alone from a ``runs.csv``.

        Raises:
            InputError: it is none, or a file in it is broken.
        """
        place = Path(folder)
        if place.suffix == ".csv":
            return cls(rows=read_runs(place))
        about, order = _about(place)
        finished = {path.parent.name: CellResult.read(path) for path in place.glob(f"*/{RESULT}")}
        failed = {path.parent.name: Failure.read(path) for path in place.glob(f"*/{ERROR}")}
        if not finished and not failed and not order:
            raise InputError(f"{folder} holds no study: give the folder that mt2st compare wrote (--output)")
        names = [*order, *sorted((finished.keys() | failed.keys()) - set(order))]
        return cls(
            results=[finished[name] for name in names if name in finished],
            failures=[failed[name] for name in names if name in failed and name not in finished],
            missing=[name for name in names if name not in finished and name not in failed],
            about=about,
        )

    @property
    def metric(self) -> str:
        """The metric that all results are about.

        Raises:
            InputError: when there is none, or more than one.
        """
        metrics = sorted({each.metric for each in self.rows})
        if len(metrics) != 1:
            raise InputError(f"results of one metric can be compared, found {metrics or 'no result'}")
        return metrics[0]

    @property
    def measured_part(self) -> str:
        """What the part is to be called that was measured while the runs trained: validation, or training.

        Under the paper's reference protocol there is no validation part: the texts that are learned from are measured.
        """
        return str(self.about.get(MEASURED_PART, VALIDATION))

    @property
    def has_validation(self) -> bool:
        """Whether what was measured while the runs trained are texts that none of them learned from."""
        return self.measured_part == VALIDATION

    @property
    def seeds(self) -> list[int]:
        """The seeds that occur, sorted."""
        return sorted({row.seed for row in self.rows})

    @cached_property
    def groups(self) -> Groups:
        """The rows by group, in order, and in each by seed."""
        return grouped(self.rows)

    @property
    def varying(self) -> list[str]:
        """The factors of which the study has several values."""
        return [factor for factor in FACTORS if len({group.factor(factor) for group in self.groups}) > 1]

    def result_of(self, row: RunRow) -> CellResult:
        """Return the whole result of a row, of a study that has results."""
        return self._by_row[row.group, row.seed]

    @cached_property
    def _by_row(self) -> dict[tuple[Group, int], CellResult]:
        return {(Group.of(result), result.seed): result for result in self.results}

    def single_task(self, group: Group) -> Mapping[int, RunRow]:
        """Return the single-task rows in a group's setting, by seed (`mt2st.study.runs.reference`)."""
        return reference(self.groups, group, SINGLE_TASK)


def write_about(folder: Path, cells: Iterable[Cell], metric: str, about: Mapping[str, Any]) -> None:
    """Write a study's ``study.json``; another process of the same study may do so too.

    The commands that began runs here before stay in it, under `EARLIER`: each may have made some of the results. Their
    cells stay too, before the others, if they were begun: what is not finished of them is told to be missing.
    """
    try:
        said, before = _about(folder)
    except InputError:  # a broken one is rewritten
        said, before = {}, []
    commands = [*said.get(EARLIER, []), said.get("command")]
    if earlier := [each for each in commands if each and each != about.get("command")]:
        about = {**about, EARLIER: earlier}
    names = [cell.folder for cell in cells]
    begun = [name for name in before if name in names or (folder / name).is_dir()]
    if not set(begun) <= set(names):
        names = list(dict.fromkeys([*begun, *names]))
    write_json(folder / STUDY, {"schema": 1, "cells": names, "metric": metric, "about": dict(about)})


def read_about(folder: Path) -> Mapping[str, Any]:
    """Return what a study's ``study.json`` says of it; nothing where there is none, or a broken one."""
    try:
        return _about(folder)[0]
    except InputError:
        return {}


def _about(place: Path) -> tuple[dict[str, Any], list[str]]:
    path = place / STUDY
    if not path.is_file():  # nothing was begun
        return {}, []
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        return dict(saved["about"]), [str(name) for name in saved["cells"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is not the description of a study ({error}): delete it") from error
