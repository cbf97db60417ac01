"""Whether the runs in a study's folder belong to one experiment.

A study may grow by strategies, seeds and settings of the grid, in several commands. Runs on other data or with other
settings would look like any others in its table, so they are refused before anything is trained.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mt2st.errors import InputError
from mt2st.models.groups import READERS
from mt2st.study.data import StudyData
from mt2st.study.grid import Cell
from mt2st.study.identity import DEFAULTS, SETTINGS, changes, difference, idle_data
from mt2st.study.result import RESULT, CellResult

VARIED = ("encoder.name", "embedding.init", "auxiliaries", "seed")
"""Settings in which the cells of a study may differ; their methods differ by the strategy."""
ELSEWHERE = "choose another folder for the study"


def check_fits(folder: Path, cells: Sequence[Cell], data: StudyData) -> None:
    """Raise if cells do not fit the results that other cells have left in a study's folder.

    All must have the same data and version, and the same defaults where the same settings were given. Runs of one
    method in one setting are averaged, and must be the same but for the seed.
    """
    others = _other_results(folder, cells)
    if not others or not cells:
        return
    groups = {(cell.name, *sorted(cell.factors.items())): cell for cell in cells}
    here = {group: _without_seed(cell.identity(data)) for group, cell in groups.items()}
    shared = {name: next(iter(here.values()))[name] for name in ("data", "version")}
    defaults = {_given(each): each[DEFAULTS] for each in here.values()}
    for path, result in others.items():
        there = _without_seed(result.identity)
        wanted = here.get((result.name, *sorted(result.factors.items())))
        if wanted is None:
            wanted = shared | ({DEFAULTS: defaults[given]} if (given := _given(there)) in defaults else {})
        if change := difference(there, wanted):
            raise _another(folder, path, change)


def check_shared_settings(folder: Path, cells: Sequence[Cell], *, searched: Collection[str] = ()) -> None:
    """Raise if other results in a study's folder have settings that no cell of this call has.

    This is for a call whose methods differ by their strategies alone, with the settings as they were given, but for
    those ``searched``, which a search chooses for each method.
    """
    ours = [_without(cell.settings.flat(), {*VARIED, *searched}) for cell in cells]
    for path, result in _other_results(folder, cells).items():
        usual = result.identity.get(DEFAULTS, {})
        theirs = _filled(_without(result.identity.get(SETTINGS, {}), {*VARIED, *searched}), usual)
        for settings in (_filled(each, usual) for each in ours):
            # What only one of the two reads, such as a file for an auxiliary task, says nothing about the other.
            both = theirs.keys() & settings.keys()
            if change := changes(
                *({name: each[name] for name in settings if name in both} for each in (theirs, settings))
            ):
                raise _another(folder, path, f"settings ({change})")


def _other_results(folder: Path, cells: Iterable[Cell]) -> dict[Path, CellResult]:
    """Return the results in a study's folder that are of none of these cells, by their files."""
    own = {cell.folder for cell in cells}
    paths = sorted(path for path in folder.glob(f"*/{RESULT}") if path.parent.name not in own)
    return {path: CellResult.read(path) for path in paths}


def _another(folder: Path, path: Path, change: str) -> InputError:
    return InputError(
        f"{folder} holds another experiment: {path} is the result of other {change}, and runs of both would stand in "
        f"one table: {ELSEWHERE}"
    )


def _without_seed(identity: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: value for name, value in identity.get(SETTINGS, {}).items() if name != "seed"}
    return {**identity, SETTINGS: settings}


def _given(identity: Mapping[str, Any]) -> str:
    """Return the settings that decide what the defaults of others are, and those that are left to them."""
    exempt = {*VARIED, *(f"auxiliary_data.{name}" for name in READERS)} - {"encoder.name"}
    return json.dumps(_without(identity[SETTINGS], exempt), sort_keys=True)


def _filled(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the defaults of those that are not given: to give a default changes nothing."""
    return {name: defaults.get(name) if value is None else value for name, value in settings.items()}


def _without(settings: Mapping[str, Any], exempt: Collection[str]) -> dict[str, Any]:
    """Return settings without some, and without the data of auxiliary tasks that were not chosen."""
    left_out = {*exempt, *(f"auxiliary_data.{name}" for name in idle_data(settings.get("auxiliaries", ())))}
    return {name: value for name, value in settings.items() if name not in left_out}
