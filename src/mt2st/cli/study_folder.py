"""A study's folder: what may stand in it, what an interruption keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mt2st._files import check_place, restore
from mt2st.cli.interruption import Interrupted
from mt2st.cli.terminal import say
from mt2st.errors import InputError

if TYPE_CHECKING:
    from mt2st.study import Share


def check_output(output: Path) -> None:
    """Refuse a place that is no study's before anything is trained.

    Raises:
        InputError: it is a file, a link that leads nowhere, or a folder with other files.
    """
    check_place(output, "--output")
    restore(output)
    begun = (output / "study.json").is_file() or any(output.glob("*/.lock")) or any(output.glob("search/*/.lock"))
    if begun or not output.is_dir():
        return
    for path in sorted(output.iterdir()):
        if not path.name.startswith(".") and (path.is_file() or any(path.iterdir())):
            raise InputError(f"--output {output} holds files that are no study's ({path.name}): choose another")


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
def telling_what_is_kept(folder: Path) -> Iterator[None]:
    """Say what a study that is interrupted in this block leaves in its folder, and what goes on from there."""
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        say(_what_is_kept(folder))
        raise


def _what_is_kept(folder: Path) -> str:
    finished = len(list(folder.glob("*/result.json")))
    begun = len([*folder.glob("*/checkpoint"), *folder.glob("search/*/checkpoint")])
    trials = len(list(folder.glob("search/*/result.json")))
    if not finished and not begun and not trials:
        return "interrupted: no run was finished, nothing is kept"
    kept = [f"{finished} finished run{'' if finished == 1 else 's'}"] * bool(finished)
    kept += [f"{trials} run{'' if trials == 1 else 's'} of the search"] * bool(trials)
    kept += ["the running one's checkpoint" if begun == 1 else f"the checkpoints of {begun} running ones"] * bool(begun)
    return f"interrupted: {' and '.join(kept)} in {folder}; the same command goes on from there"
