"""A study's folder: what may stand in it, what an interruption keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from mt2st._files import check_place, restore
from mt2st.cli.interruption import Interrupted
from mt2st.cli.terminal import say
from mt2st.errors import InputError

Dealt = TypeVar("Dealt")


def check_output(output: Path) -> None:
    """Refuse a place that is no study's before anything is trained.

    Raises:
        InputError: it is a file, a link that leads nowhere, or a folder with other files.
    """
    check_place(output, "--output")
    restore(output)
    begun = (output / "study.json").is_file() or any([*output.glob("*/.lock"), *output.glob("search/*/.lock")])
    if begun or not output.is_dir():
        return
    for path in sorted(output.iterdir()):
        if not path.name.startswith(".") and (path.is_file() or any(path.iterdir())):
            raise InputError(f"--output {output} holds files that are no study's ({path.name}): choose another")


def own_share(text: str | None, cells: Sequence[Dealt]) -> list[Dealt]:
    """Return the share of a study's cells that ``--cell`` asks for, such as ``3/8``: those between two even cuts.

    A seed's methods follow each other: so all but those at a cut run on the same machine as what they are compared
    with, seed by seed.

    Raises:
        InputError: it is no share.

    Example:
        >>> [own_share(text, "abcdefg") for text in ("1/3", "2/3", "3/3")]
        [['a', 'b'], ['c', 'd'], ['e', 'f', 'g']]
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text or "1/1")
    if not found:
        raise InputError(f"--cell takes a share such as 3/8, the third of eight, found '{text}'")
    number, of = int(found[1]), int(found[2])
    if not 1 <= number <= of:
        raise InputError(f"--cell: a share is one of 1/n to n/n, found {text}")
    return list(cells[(number - 1) * len(cells) // of : number * len(cells) // of])


@contextmanager
def telling_what_is_kept(folder: Path) -> Iterator[None]:
    """Say what a study that is interrupted in this block leaves in its folder, and what goes on from there."""
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        found = {
            "finished run": [*folder.glob("*/result.json")],
            "finished trial": [*folder.glob("search/*/result.json")],
            "checkpoint": [*folder.glob("*/checkpoint"), *folder.glob("search/*/checkpoint")],
        }
        kept = [f"{len(paths)} {what}{'' if len(paths) == 1 else 's'}" for what, paths in found.items() if paths]
        if kept:
            say(f"interrupted: {' and '.join(kept)} in {folder}; the same command goes on from there")
        else:
            say("interrupted: no run was finished, nothing is kept")
        raise
