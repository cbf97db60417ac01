"""Text files, plain or gzip, UTF-8 only: as checked lines, as one text a line, and as a folder per class of files."""

from __future__ import annotations

import gzip
import stat
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import count, repeat
from pathlib import Path
from typing import IO, cast

from mt2st.errors import InputError
from mt2st.text.rows import Record

LABEL_PREFIX = "__label__"
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
LONGEST_LINE = 1 << 26
"""Bytes (64 MiB). No row of text is longer; a file without line ends would otherwise be read into memory whole."""
LONGEST_TEXT = 1 << 20
"""Bytes (1 MiB). A longer line comes as several texts, so that a corpus on one line (text8) reads in flat memory."""


def is_stream(path: Path) -> bool:
    """Return whether a path names a pipe, a socket or a device, not a file or folder."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def check_regular(path: Path) -> None:
    """Raise `InputError` for a pipe or a device, at which reading may wait for ever."""
    if is_stream(path):
        raise InputError(
            f"{path}: is a pipe or a device, which can be read once and may never end: on the command line, pipe it "
            f"and give - for standard input; else write it to a file first"
        )


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes, through gzip if its name ends in ``.gz``; faults are an `InputError`."""
    check_regular(path)
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
            f"or UTF-16? Save it as UTF-8 text{_naming(path, 'utf-16')}"
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}, line {line}, byte {before + error.start + 1}: found 0x{raw[error.start]:02x}, "
            f"which is not UTF-8; save the file as UTF-8{_naming(path, 'cp1252')}"
        ) from error


def _naming(path: Path, encoding: str) -> str:
    """Return the remedy of naming an encoding, for files where one can be named."""
    named = path.name.lower().removesuffix(".gz").endswith(_TABLES)
    return f", or name its encoding, such as --encoding {encoding} (encoding='{encoding}')" if named else ""


def read_lines(path: Path, encoding: str | None = None) -> Iterator[str]:
    """Yield the lines of a text file with their line ends; a byte order mark is left out.

    ``encoding`` is UTF-8 if None. In another one, an error tells no byte.
    """
    with opened(path) as stream:
        yield from lines_of(stream, path, encoding)


def lines_of(stream: IO[bytes], path: Path, encoding: str | None = None) -> Iterator[str]:
    """Do as `read_lines` with an open file; ``path`` is its name in messages."""
    if encoding is not None:
        yield from _encoded(stream, path, encoding)
        return
    number = 1
    raw = stream.readline(LONGEST_LINE).removeprefix(BOM_UTF8)
    while raw:
        if len(raw) == LONGEST_LINE:
            raise InputError(f"{path}, line {number}: is longer than {LONGEST_LINE:,} bytes; is it a text file?")
        yield decoded(raw, path, number)
        number += 1
        raw = stream.readline(LONGEST_LINE)


def _encoded(stream: IO[bytes], path: Path, encoding: str) -> Iterator[str]:
    number = 1
    try:
        with TextIOWrapper(stream, encoding, newline="\n") as text:
            while line := text.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise InputError(f"{path}, line {number}: is too long; is it a text file?")
                yield line.removeprefix("\ufeff") if number == 1 else line
                number += 1
    except (LookupError, UnicodeError) as error:
        if isinstance(error, LookupError):
            raise InputError(
                f"unknown encoding '{encoding}'; such as utf-8, utf-16, cp1252, latin-1, gb18030"
            ) from None
        raise InputError(f"{path}, line {number} or soon behind it: is not {encoding}: {error}") from error


def read_plain(path: Path, encoding: str | None = None) -> Iterator[Record]:
    """Yield each line of a text file as a record without a label; an empty line gives an empty text.

    A line longer than `LONGEST_TEXT` comes as several records of the same line number, cut at spaces where it has some.
    A file whose first line begins with ``__label__`` is one of fastText's supervised files (`_fasttext`).
    """
    if is_fasttext(path, encoding):
        yield from _fasttext(path, encoding)
    elif encoding is not None:
        for number, line in enumerate(read_lines(path, encoding), 1):
            yield Record(line.rstrip("\r\n"), None, number)
    else:
        for number, texts in _blocks(path):
            yield from map(Record, texts, repeat(None), count(number))


def _blocks(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield lines of a text file, some together, and the number of the first of them.

    A part of a line that is longer than `LONGEST_TEXT` comes by itself.
    """
    with opened(path) as stream:
        number, before = 1, 0
        raw = stream.read(2 * LONGEST_TEXT).removeprefix(BOM_UTF8)
        if not raw:
            raise InputError(f"{path}: is empty; give a file with one text per line")
        while raw:
            end = raw.rfind(b"\n", 0, LONGEST_TEXT) + 1
            if not end and len(raw) >= LONGEST_TEXT:
                cut = _cut(raw[:LONGEST_TEXT])
                yield number, [decoded(raw[:cut], path, number, before)]
                before += cut
            else:
                cut = end or len(raw)
                lines = _decoded_lines(raw[:cut], path, number, before)
                yield number, lines
                number, before = number + len(lines), 0
            raw = raw[cut:]
            if len(raw) < LONGEST_TEXT:
                raw += stream.read(LONGEST_TEXT)


def _decoded_lines(raw: bytes, path: Path, number: int, before: int) -> list[str]:
    """Return whole lines as texts, without their ends; ``before`` bytes of the first one came before."""
    try:
        text = raw.decode("utf-8")
        whole = "\0" not in text
    except UnicodeDecodeError:
        whole = False
    if not whole:
        for line, content in enumerate(raw.split(b"\n")):
            decoded(content, path, number + line, 0 if line else before)  # one of them raises
    lines = text.removesuffix("\n").split("\n")
    return [line.rstrip("\r") for line in lines] if "\r" in text else lines


def _fasttext(path: Path, encoding: str | None) -> Iterator[Record]:
    """Yield the rows of one of fastText's supervised files: words that begin with ``__label__`` are labels."""
    for number, line in enumerate(read_lines(path, encoding), 1):
        words = line.split()
        labels = [word.removeprefix(LABEL_PREFIX) for word in words if word.startswith(LABEL_PREFIX)]
        text = " ".join(word for word in words if not word.startswith(LABEL_PREFIX))
        if words:
            label = labels[0] if len(labels) == 1 else None
            yield Record(text, label or None, number, labels=tuple(labels) if len(labels) > 1 else None)


def is_fasttext(path: Path, encoding: str | None = None) -> bool:
    """Return whether a plain text file is one of fastText's supervised files."""
    with opened(path) as stream:
        head = stream.read(8 * len(LABEL_PREFIX))
    try:
        return head.decode(encoding or "utf-8-sig", errors="ignore").lstrip("\ufeff").startswith(LABEL_PREFIX)
    except (LookupError, UnicodeError):  # whoever reads the lines reports the encoding
        return False


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
