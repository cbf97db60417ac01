"""Which folders of vectors may be replaced by new ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mt2st.errors import InputError


def check_replaceable(folder: Path, files: Iterable[str], *, overwrite: bool) -> None:
    """Raise unless a folder of vectors may be written to this place.

    Args:
        folder: the place.
        files: what a folder of the format holds, by which an earlier one is told from other people's work.
        overwrite: replace an earlier one.

    Raises:
        InputError: it lies in no existing folder, is a file, an earlier folder and ``overwrite`` is false, or a folder
            of other things.
    """
    if not folder.absolute().parent.is_dir():
        raise InputError(f"cannot write {folder}: there is no folder {folder.parent}")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give the name of a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not all((folder / name).is_file() for name in files):
        raise InputError(f"{folder} is not empty and holds no vectors of this format: choose another place")
    if not overwrite:
        raise InputError(f"{folder} exists already: choose another name or ask to overwrite it")
