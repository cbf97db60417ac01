"""Files of word vectors as bytes: read plain or gzip, written whole or not at all."""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from mt2st._files import complete_file, restore
from mt2st.embedding.formats.stream import VectorStream
from mt2st.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
LONGEST_WORD = 1 << 16
"""Bytes of a word."""
_COMPRESSION_LEVEL = 5  # of 9: nearly the size of 9 in a third of the time
_CHUNK = 1 << 18  # bytes read at a time

Write = Callable[[bytes], object]


class Source:
    """A file of vectors open for reading, unpacked on the way if it is a gzip file or its name ends in ``.gz``.

    Errors in its ``with`` block become an `InputError` about this file; a generator that reads in one is not blamed for
    the writer that it feeds. ``size`` is the bytes in the file; None for a gzip file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rest = b""  # read, and not yet given
        self._file: BufferedReader | gzip.GzipFile
        try:
            raw = path.open("rb")
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error
        status = os.fstat(raw.fileno())
        if not stat.S_ISREG(status.st_mode):
            raw.close()
            raise InputError(f"cannot read {path}: it is no regular file, and vectors are read more than once")
        if path.suffix.lower() == ".gz" or raw.peek(2)[:2] == GZIP_MAGIC:
            self.size = None
            self._raw, self._file = raw, gzip.GzipFile(fileobj=raw, mode="rb")
        else:
            self.size = status.st_size
            self._raw = self._file = raw

    size: int | None

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._file.close()
        self._raw.close()
        if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
            raise InputError(f"{self.path} is not a complete gzip file: {error}; copy or download it again") from error
        if isinstance(error, OSError):
            raise InputError(f"cannot read {self.path}: {error.strerror or error}") from error

    def readline(self, limit: int) -> bytes:
        """Return the next line with its end, or its first ``limit`` bytes; nothing at the end of the file."""
        return self._file.readline(limit)

    def read(self, count: int) -> bytes:
        """Return the next ``count`` bytes, fewer only at the end of the file.

        Memory grows with the bytes that are there, not with ``count``.
        """
        pieces = [self._rest[:count]] if self._rest else []
        count, self._rest = count - len(self._rest[:count]), self._rest[count:]
        while count > 0:
            piece = self._file.read(min(count, 1 << 20))
            if not piece:
                break
            pieces.append(piece)
            count -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def records(self, count: int, end: bytes, width: int, *, cut_short: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield ``count`` records, each a word up to the byte ``end`` and ``width`` bytes.

        No word holds ``end``. ``cut_short`` ends the message if the file ends too early. Only what is there takes
        memory.
        """
        rest, at = b"", 0
        for number in range(1, count + 1):
            stop = rest.find(end, at)
            while stop < 0 or len(rest) - stop - 1 < width:
                if stop < 0 and len(rest) - at > LONGEST_WORD:
                    raise InputError(
                        f"{self.path}, word {number}: no {'space' if end == b' ' else 'end'} within {LONGEST_WORD:,} "
                        f"bytes, found {excerpt(rest[at:])}: the file is damaged, or in another format"
                    )
                more = self.read(max(_CHUNK, width))
                if not more:
                    raise InputError(f"{self.path}, word {number}: the file ends {cut_short.format(row=number - 1)}")
                rest, at = rest[at:] + more, 0
                stop = rest.find(end)
            head, at = rest[at:stop], stop + 1 + width
            yield head, rest[stop + 1 : at]
        self._rest = rest[at:]

    def seek(self, offset: int) -> None:
        """Go on at a byte of the file, counted from 0."""
        self._rest = b""
        self._file.seek(offset)

    def tell(self) -> int:
        """Return the byte at which reading continues, counted from 0."""
        return self._file.tell() - len(self._rest)


def excerpt(line: bytes, most: int = 40) -> str:
    """Return the start of a line, quoted, as an error shows it."""
    shown = line[:most].decode("utf-8", errors="backslashreplace")
    return repr(shown + "..." if len(line) > most else shown)


def decoded(field: bytes, place: str) -> str:
    """Return a word's UTF-8 bytes as text; ``place`` is for the error."""
    try:
        return field.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{place}: the word is not UTF-8 text ({excerpt(field)}): the file is damaged, in another encoding (save "
            f"it as UTF-8) or in another format (name it)"
        ) from error


def encoded(word: str) -> bytes:
    """Return a word as UTF-8 bytes; nothing if it is empty or not valid Unicode."""
    try:
        return word.encode()
    except UnicodeEncodeError:
        return b""


def write_after_count(stream: VectorStream, path: Path, body: Callable[[Write], int], *, overwrite: bool) -> int:
    """Write a `packed_file` that begins with a line ``count size``; return the count.

    ``body`` writes the rest and returns the number of words. If the stream does not know that number, the body goes to
    a temporary file first: memory stays flat, and the disk holds the body twice for a moment.
    """
    with complete_file(path, overwrite=overwrite) as file:
        if stream.count is not None:
            with _packed(file, path) as out:
                out.write(f"{stream.count} {stream.size}\n".encode())
                written = body(out.write)
            if written != stream.count:  # words that came twice, or a file that ends early: now the number is known
                file.seek(0)
                file.truncate()
                with _packed(file, path) as out:
                    out.write(f"{written} {stream.size}\n".encode())
                    body(out.write)
            return written
        with tempfile.TemporaryFile(dir=path.parent) as spool:
            with _packed(spool, path) as out:
                written = body(out.write)
            with _packed(file, path) as out:
                out.write(f"{written} {stream.size}\n".encode())
            spool.seek(0)
            shutil.copyfileobj(spool, file)  # in a gzip file this is a second member, which readers join
            return written


@contextmanager
def packed_file(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """Give a file to write that appears whole or not at all; compressed if its name ends in ``.gz``."""
    with complete_file(path, overwrite=overwrite) as file, _packed(file, path) as out:
        yield out


@contextmanager
def _packed(file: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    if path.suffix.lower() != ".gz":
        yield file
        return
    # No name and no time inside: the same vectors give the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=_COMPRESSION_LEVEL, mtime=0) as packed:
        yield cast(IO[bytes], packed)


def check_replaceable(folder: Path, files: tuple[str, ...], *, overwrite: bool) -> None:
    """Raise `InputError` unless a folder of vectors may be written here.

    A folder that holds all of ``files`` has the format and may be overwritten; any other that is not empty may not.
    """
    restore(folder.parent)
    if not folder.absolute().parent.is_dir():
        raise InputError(f"cannot write {folder}: there is no folder {folder.parent}")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give the name of a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not all((folder / name).is_file() for name in files):
        raise InputError(f"{folder} is not empty and holds no vectors of this format: choose another place")
    if not overwrite:
        raise InputError(f"{folder} exists already: choose another name, or replace it by --overwrite (overwrite=True)")
