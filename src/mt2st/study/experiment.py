"""Whether the runs of a folder are of one experiment: on the same data, and alike in all that a study does not vary.

The cells of one call are alike by their making. What lies in the folder from an earlier call need not be, and a table
that compared runs on other data, or of more epochs, would look like any other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mt2st.errors import InputError
from mt2st.models.settings import LABELLED_AUXILIARIES, READERS
from mt2st.study.cell import SETTINGS, Cell, difference, settings_changes
from mt2st.study.data import StudyData
from mt2st.study.result import RESULT, CellResult
from mt2st.training.checkpoint import RESOLVED

VARIED = ("encoder.name", "embedding.init", "auxiliaries", "seed")
"""Settings in which the cells of a study may differ; their methods differ by the strategy."""
ELSEWHERE = "choose another folder for the study (mt2st compare replaces a whole study by --overwrite)"


def other_results(folder: Path, cells: Iterable[Cell]) -> dict[Path, CellResult]:
    """Return the results in a study's folder that are of none of these cells, by their files.

    Raises:
        InputError: one of them cannot be read, so that nobody knows what it is of.
    """
    own = {cell.folder for cell in cells}
    paths = sorted(path for path in folder.glob(f"*/{RESULT}") if path.parent.name not in own)
    return {path: CellResult.read(path) for path in paths}


def check_fits(folder: Path, cells: Sequence[Cell], data: StudyData) -> None:
    """Raise if cells do not go into a study's folder beside what other cells have left there.

    All must have the same data and version, and the same defaults where the same settings were given. What has the same
    method, encoder, embedding and auxiliary tasks as one of the cells is averaged with it, and must be the same but for
    the seed.

    Raises:
        InputError: naming the first result that is of another experiment.
    """
    others = other_results(folder, cells)
    if not others or not cells:
        return
    groups = {_group(cell.name, cell.factors): cell for cell in cells}
    here = {group: _without_seed(cell.identity(data)) for group, cell in groups.items()}
    any_of_them = next(iter(here.values()))
    defaults = {_as_given(each[SETTINGS]): each[RESOLVED] for each in here.values()}
    for path, result in others.items():
        there = _without_seed(result.identity)
        wanted = here.get(_group(result.name, result.factors))
        if wanted is None:
            wanted = {name: any_of_them[name] for name in ("data", "version")}
            if (given := _as_given(there[SETTINGS])) in defaults:
                wanted[RESOLVED] = defaults[given]
        if change := difference(there, wanted):
            raise InputError(
                f"{folder} holds another experiment: {path} is the result of other {change}, and runs of both would "
                f"stand in one table: {ELSEWHERE}"
            )


def check_shared_settings(folder: Path, cells: Sequence[Cell], *, searched: Collection[str] = ()) -> None:
    """Raise if other cells in a study's folder have settings that no cell of this call has.

    This is for a call whose methods differ by their strategies alone: a `mt2st.study.Method` may have settings of its
    own, and a search chooses some for each method.

    Args:
        folder: the study's.
        cells: of the call, with the settings as they were given.
        searched: the names of settings that each method has values of its own for.

    Raises:
        InputError: naming the first result that has others, and which.
    """
    exempt = {*VARIED, *searched}
    alike = {json.dumps(_read_settings(_plain(cell), exempt)) for cell in cells}
    ours = [json.loads(each) for each in sorted(alike)]
    for path, result in other_results(folder, cells).items():
        theirs = _read_settings(result.identity.get(SETTINGS, {}), exempt)
        for settings in ours:
            # What only one of the two reads, such as a file for an auxiliary task, says nothing about the other.
            before, now = _common(theirs, settings), _common(settings, theirs)
            if before != now:
                raise InputError(
                    f"{folder} holds another experiment: {path} is the result of other settings "
                    f"({settings_changes(before, now)}), and runs of both would stand in one table: {ELSEWHERE}"
                )


def check_same_data(folder: Path, results: Mapping[str, CellResult]) -> None:
    """Raise if the results of a study's folder are of different data, as earlier versions could leave it.

    Args:
        folder: the study's.
        results: by the names of the cells' folders.

    Raises:
        InputError: naming a cell of each.
    """
    cells_of: dict[str | None, list[str]] = {}
    for name, result in sorted(results.items()):
        cells_of.setdefault(result.identity.get("data"), []).append(name)
    if len(cells_of) > 1:
        some = "; ".join(f"{names[0]}{f' and {len(names) - 1} more' * (len(names) > 1)}" for names in cells_of.values())
        raise InputError(
            f"{folder} holds runs on {len(cells_of)} different sets of data, which cannot be compared ({some}): move "
            "those of each into a folder of their own"
        )


def _group(name: str, factors: Mapping[str, str]) -> tuple[str, ...]:
    return (name, *(f"{factor}={value}" for factor, value in sorted(factors.items())))


def _without_seed(identity: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(identity.get(SETTINGS, {}))
    settings.pop("seed", None)
    return {**identity, SETTINGS: settings}


def _as_given(settings: Mapping[str, Any]) -> str:
    """Return the settings that decide what the defaults of others are, and those that are left to them."""
    return json.dumps(
        _read_settings(settings, {*VARIED, *(f"auxiliary_data.{name}" for name in READERS)} - {"encoder.name"}),
        sort_keys=True,
    )


def _plain(cell: Cell) -> dict[str, Any]:
    return cell.settings.flat()


def _read_settings(settings: Mapping[str, Any], exempt: Collection[str]) -> dict[str, Any]:
    """Return the settings less some, and less those that name files for auxiliary tasks which were not chosen."""
    left_out = {*exempt, *_idle(settings.get("auxiliaries", ()))}
    return {name: value for name, value in settings.items() if name not in left_out}


def _common(settings: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in others}


def _idle(tasks: Collection[str]) -> Iterator[str]:
    yield from (f"auxiliary_data.{name}" for name, readers in READERS.items() if not set(readers) & set(tasks))
    for task in set(LABELLED_AUXILIARIES) - set(tasks):
        yield from (f"auxiliary_data.{task}{what}" for what in ("", "_column", "_text", "_label"))
