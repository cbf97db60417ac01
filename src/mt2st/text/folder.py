"""A folder per class: ``reviews/positive/1.txt``, ``reviews/negative/1.txt``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mt2st.errors import InputError
from mt2st.text.lines import read_lines
from mt2st.text.record import Record


def text_files(folder: Path) -> list[Path]:
    """Return the ``.txt`` files of the folder's sub-folders, sorted by sub-folder and name; hidden ones are left out.

    Raises:
        InputError: there is none.
    """
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    files = [
        file
        for entry in classes
        for file in sorted(entry.iterdir())
        if file.suffix.lower() == ".txt" and not file.name.startswith(".") and file.is_file()
    ]
    if not files:
        raise InputError(f"{folder}: expected one sub-folder per class with .txt files in it and found none")
    return files


def read_folder(folder: Path) -> Iterator[Record]:
    """Yield the text of each file, with the name of its sub-folder as the label and its number in `text_files` as line.

    Raises:
        InputError: no file, or a file that is not UTF-8 text (with file, line and byte).
    """
    for number, file in enumerate(text_files(folder), 1):
        yield Record("".join(read_lines(file)), file.parent.name, number)
