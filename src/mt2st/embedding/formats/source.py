"""The bytes of a file to read vectors from, packed or not."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from io import BufferedReader
from pathlib import Path
from types import TracebackType

from mt2st.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"


class Source:
    """A file of vectors, open for reading; unpacked on the way if it is a gzip file or its name ends in ``.gz``.

    What the disk or the packing refuses is an `InputError` where it happens, so that a reader that feeds a writer is
    never blamed for the other's trouble.

    Attributes:
        path: the file.
        size: bytes in it; None for a packed file, whose end alone tells.

    Raises:
        InputError: the file cannot be read, or is no regular file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BufferedReader | gzip.GzipFile
        try:
            raw = path.open("rb")
        except OSError as error:
            raise self._unreadable(error) from error
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._raw.close()

    def readline(self, limit: int) -> bytes:
        """Return the next line with its end, or its first ``limit`` bytes; nothing at the end of the file."""
        try:
            return self._file.readline(limit)
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error

    def read(self, count: int) -> bytes:
        """Return the next ``count`` bytes, fewer only at the end of the file.

        Memory grows with the bytes that are there, not with ``count``.
        """
        pieces: list[bytes] = []
        while count > 0:
            try:
                piece = self._file.read(min(count, 1 << 20))
            except (OSError, EOFError, zlib.error) as error:
                raise self._unreadable(error) from error
            if not piece:
                break
            pieces.append(piece)
            count -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def seek(self, offset: int) -> None:
        """Go on at a byte of the file, counted from 0."""
        try:
            self._file.seek(offset)
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error

    def tell(self) -> int:
        """Return the byte at which reading goes on, counted from 0."""
        return self._file.tell()

    def _unreadable(self, error: Exception) -> InputError:
        if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
            return InputError(f"{self.path} is not a complete gzip file: {error}; copy or download it again")
        assert isinstance(error, OSError)
        return InputError(f"cannot read {self.path}: {error.strerror or error}")
