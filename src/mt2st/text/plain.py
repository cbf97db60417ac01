"""Texts without columns: plain text files, one text per line, and a folder per class of text files."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path

from mt2st.errors import InputError
from mt2st.text.lines import decoded, opened, read_lines
from mt2st.text.rows import Record

LONGEST_TEXT = 1 << 20
"""Bytes (1 MiB). A longer line comes as several texts, so that a corpus on one line (text8) reads in flat memory."""


def read_plain(path: Path) -> Iterator[Record]:
    """Yield each line of a text file as a record without a label; an empty line gives an empty text.

    A line longer than `LONGEST_TEXT` comes as several records of the same line number, cut at spaces where it has some.

    Raises:
        InputError: the file is empty or damaged, or not UTF-8 (with file, line and byte).
    """
    with opened(path) as stream:
        number, before = 1, 0
        raw = stream.readline(LONGEST_TEXT).removeprefix(BOM_UTF8)
        if not raw:
            raise InputError(f"{path}: is empty; give a file with one text per line")
        while raw:
            if raw.endswith(b"\n") or len(raw) < LONGEST_TEXT:
                yield Record(decoded(raw, path, number, before).rstrip("\r\n"), None, number)
                number, before = number + 1, 0
                raw = stream.readline(LONGEST_TEXT)
                continue
            cut = _cut(raw)
            yield Record(decoded(raw[:cut], path, number, before), None, number)
            before += cut
            raw = raw[cut:] + stream.readline(LONGEST_TEXT - len(raw) + cut)


def _cut(raw: bytes) -> int:
    """Return where to cut a long line: behind its last space, else before the last character, which may be partial."""
    space = raw.rfind(b" ")
    # A cut inside "<br />" would leave its halves standing as text.
    while space > 0 and raw[:space].lower().endswith(b"<br"):
        space = raw.rfind(b" ", 0, space)
    if space > 0:
        return space + 1
    cut = len(raw) - 1
    while cut > len(raw) - 4 and raw[cut] & 0b1100_0000 == 0b1000_0000:  # a continuation byte of UTF-8
        cut -= 1
    return cut


def text_files(folder: Path) -> list[Path]:
    """Return the ``.txt`` files of the folder's sub-folders, sorted by sub-folder and name, without hidden ones.

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
    """Yield the text of each file, its sub-folder's name as the label, and its number in `text_files` as the line.

    Raises:
        InputError: there is no file, or one is not UTF-8 text (with file, line and byte).
    """
    for number, file in enumerate(text_files(folder), 1):
        yield Record("".join(read_lines(file)), file.parent.name, number)
