"""Text files, plain or gzip, UTF-8 only: as checked lines, as one text a line, and as a folder per class of files."""

from __future__ import annotations

import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from mt2st.errors import InputError
from mt2st.text.rows import Record

LONGEST_LINE = 1 << 26
"""Bytes (64 MiB). No row of text is longer; a file without line ends would otherwise be read into memory whole."""
LONGEST_TEXT = 1 << 20
"""Bytes (1 MiB). A longer line comes as several texts, so that a corpus on one line (text8) reads in flat memory."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes, through gzip if its name ends in ``.gz``; faults are an `InputError`."""
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path, "rb") as stream:
                yield cast(IO[bytes], stream)
        else:
            with path.open("rb") as stream:
                yield stream
    except EOFError as error:
        raise InputError(f"{path}: the gzip file is cut short; copy or download it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: the gzip file is damaged ({error}); copy or download it again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def decoded(raw: bytes, path: Path, line: int, before: int = 0) -> str:
    """Return the bytes of a line as text; what is not UTF-8 or NUL is an `InputError` with the line and the byte.

    ``before`` bytes of the line came before.
    """
    if b"\0" in raw:
        byte = before + raw.index(b"\0") + 1
        raise InputError(
            f"{path}, line {line}, byte {byte}: found a NUL byte (0x00), which no text file holds; is it a binary file "
            f"or UTF-16? Save it as UTF-8 text"
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}, line {line}, byte {before + error.start + 1}: found 0x{raw[error.start]:02x}, "
            f"which is not UTF-8; save the file as UTF-8"
        ) from error


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file with their line ends; a byte order mark is left out."""
    with opened(path) as stream:
        number = 1
        raw = stream.readline(LONGEST_LINE).removeprefix(BOM_UTF8)
        while raw:
            if len(raw) == LONGEST_LINE:
                raise InputError(f"{path}, line {number}: is longer than {LONGEST_LINE:,} bytes; is it a text file?")
            yield decoded(raw, path, number)
            number += 1
            raw = stream.readline(LONGEST_LINE)


def read_plain(path: Path) -> Iterator[Record]:
    """Yield each line of a text file as a record without a label; an empty line gives an empty text.

    A line longer than `LONGEST_TEXT` comes as several records of the same line number, cut at spaces where it has some.
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
    while space > 0 and raw[max(0, space - 8) : space].rstrip().lower().endswith((b"<br", b"</br")):
        space = raw.rfind(b" ", 0, space)
    if space > 0:
        return space + 1
    cut = len(raw) - 1
    while cut > len(raw) - 4 and raw[cut] & 0b1100_0000 == 0b1000_0000:  # a continuation byte of UTF-8
        cut -= 1
    return cut


def text_files(folder: Path) -> list[Path]:
    """Return the ``.txt`` files of the folder's sub-folders, sorted by sub-folder and name, without hidden ones."""
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
    """Yield the text of each file, its sub-folder's name as the label, and its number in `text_files` as the line."""
    for number, file in enumerate(text_files(folder), 1):
        yield Record("".join(read_lines(file)), file.parent.name, number)
