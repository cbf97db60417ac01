"""A study's folder: what may stand in it, how it is replaced, what an interruption keeps."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mt2st._files import ASIDE as UNFINISHED
from mt2st._files import check_place, remove, restore
from mt2st.cli.interruption import Interrupted
from mt2st.cli.terminal import say
from mt2st.errors import InputError

if TYPE_CHECKING:
    from mt2st.study import Share

CELL = re.compile(r"-seed\d+$")
"""The end of the name of a cell's folder."""
BESIDE_CELLS = {
    "study.json", "runs.csv", "vectors", "search", "report.html", "tables", "figures", "paper",
}  # fmt: skip
"""What a study's folder holds besides its cells."""
ASIDE, DOOMED = ".replaced", ".replaced-for-good"
"""An earlier study until the one that replaces it has begun, and while it is being removed."""
PASSING = (".stop-", ASIDE, UNFINISHED)
"""Starts of the names of files that another run may be writing there, or was writing when it was killed."""


def check_output(output: Path) -> None:
    """Refuse a place that is no study's before anything is trained.

    Raises:
        InputError: it is a file, a link that leads nowhere, or a folder with other files.
    """
    check_place(output, "--output")
    restore(output)
    names = [path.name for path in output.iterdir()] if output.is_dir() else []
    strange = [name for name in names if not (CELL.search(name) or name in BESIDE_CELLS or name.startswith(PASSING))]
    began = "study.json" in names or any(name.startswith(PASSING) for name in names)
    if not began and not any(
        (*output.glob("*/.lock"), *output.glob("search/*/.lock"))
    ):  # what is there has the names of a study's files by chance
        strange += [name for name in names if (output / name).is_file() or any((output / name).iterdir())]
    if strange:
        raise InputError(f"--output {output} holds files that are no study's ({strange[0]}): choose another")


@contextmanager
def replaced(folder: Path, *, overwrite: bool) -> Iterator[Callable[[], None]]:
    """Set an earlier study aside for the block; the yielded function removes it, else it comes back at the end.

    Its files move within the folder, which may be a link, a mounted disk, or the current folder.

    Args:
        folder: the study's.
        overwrite: whether there is a study to set aside; if not, one that a killed run set aside comes back.

    Raises:
        InputError: the command runs in a folder that would go, or another process works on a cell.
    """
    aside, doomed = folder / ASIDE, folder / DOOMED
    busy = _busy_cells(folder)
    if busy and overwrite:
        raise InputError(f"--overwrite would remove {busy[0]}, where another process works: end it, or let it end")
    if not busy:
        shutil.rmtree(doomed, ignore_errors=True)
        _bring_back(aside)
    names = [path.name for path in folder.iterdir()] if overwrite and folder.is_dir() else []
    if names and folder.resolve() in Path.cwd().parents:
        raise InputError(f"--overwrite would remove {Path.cwd()}, where this command runs: give it from another folder")

    def drop() -> None:
        if aside.is_dir() and names:
            aside.rename(doomed)  # a study that is removed in part must not come back
            shutil.rmtree(doomed, ignore_errors=True)

    try:
        for name in names:
            aside.mkdir(exist_ok=True)
            (folder / name).rename(aside / name)
        yield drop
    finally:
        if names and aside.is_dir():
            for path in folder.iterdir():  # what the study that did not begin left
                if path.name not in names and path != aside:
                    remove(path)
            _bring_back(aside)


def _bring_back(aside: Path) -> None:
    """Move what was set aside back, in place of what has its name now."""
    for path in aside.iterdir() if aside.is_dir() else ():
        remove(aside.parent / path.name)
        path.rename(aside.parent / path.name)
    if aside.is_dir():
        aside.rmdir()


def _busy_cells(folder: Path) -> list[Path]:
    """Return the folders of cells, the search's too, on which other processes work."""
    from mt2st._lock import LOCK, is_busy

    locks = [*folder.glob(f"*/{LOCK}"), *folder.glob(f"search/*/{LOCK}")]
    return [path.parent for path in sorted(locks) if is_busy(path.parent)]


def share_of(text: str | None) -> Share | None:
    """Return the share of the runs that ``--cell`` asks for.

    Raises:
        InputError: it is no share.
    """
    if text is None:
        return None
    from mt2st.study import Share

    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found:
        raise InputError(f"--cell takes a share such as 3/8, the third of eight, found '{text}'")
    try:
        return Share(int(found[1]), int(found[2]))
    except InputError as error:
        raise InputError(f"--cell: {error}") from None


@contextmanager
def telling_what_is_kept(folder: Path, *, again: str = "the same command (without --overwrite)") -> Iterator[None]:
    """Say what a study that is interrupted in this block leaves in its folder, and what goes on from there."""
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        say(_what_is_kept(folder, again))
        raise


def _what_is_kept(folder: Path, again: str) -> str:
    finished = len(list(folder.glob("*/result.json")))
    begun = len([*folder.glob("*/checkpoint"), *folder.glob("search/*/checkpoint")])
    trials = len(list(folder.glob("search/*/result.json")))
    if not finished and not begun and not trials:
        return "interrupted: no run was finished, nothing is kept"
    kept = [f"{finished} finished run{'' if finished == 1 else 's'}"] * bool(finished)
    kept += [f"{trials} run{'' if trials == 1 else 's'} of the search"] * bool(trials)
    kept += ["the running one's checkpoint" if begun == 1 else f"the checkpoints of {begun} running ones"] * bool(begun)
    return f"interrupted: {' and '.join(kept)} in {folder}; {again} goes on from there"
