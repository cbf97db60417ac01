"""Text files as checked lines: plain or gzip, UTF-8 only, in flat memory."""

from __future__ import annotations

import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from mt2st.errors import InputError

LONGEST_LINE = 1 << 26
"""Bytes (64 MiB). No row of text is longer; a file without line ends would otherwise be read into memory whole."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes, through gzip if its name ends in ``.gz``.

    Raises:
        InputError: the file cannot be read, or its gzip data are damaged or cut short (found while reading).
    """
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
    """Return a line's bytes as text.

    Args:
        raw: the bytes.
        path: the file, for the message.
        line: the number of the line in it, from 1.
        before: how many bytes of the line came before `raw`.

    Raises:
        InputError: the bytes are not UTF-8 or hold a NUL; names the file, the line and the byte.
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
    """Yield the lines of a text file with their line ends; a byte order mark is left out.

    Raises:
        InputError: as `opened` and `decoded` do, and for a line of more than `LONGEST_LINE` bytes.
    """
    with opened(path) as stream:
        number = 1
        raw = stream.readline(LONGEST_LINE).removeprefix(BOM_UTF8)
        while raw:
            if len(raw) == LONGEST_LINE:
                raise InputError(f"{path}, line {number}: is longer than {LONGEST_LINE:,} bytes; is it a text file?")
            yield decoded(raw, path, number)
            number += 1
            raw = stream.readline(LONGEST_LINE)
