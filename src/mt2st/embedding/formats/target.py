"""The file that vectors are written to: packed or not, with or without a header that only the end can fill in."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from mt2st._files import complete_file
from mt2st.embedding.formats.stream import VectorStream

_COMPRESSION_LEVEL = 5  # of 9: nearly the size of 9 in a third of the time

Write = Callable[[bytes], object]


def write_after_count(
    stream: VectorStream,
    path: Path,
    *,
    overwrite: bool,
    header: Callable[[int], bytes],
    body: Callable[[Write], int],
) -> int:
    """Write a file that begins with the number of its words, whether that is known beforehand or not.

    Where it is not, the body goes to a nameless temporary file in the same folder first: memory stays flat, and the
    disk holds the body twice for a moment.

    Args:
        stream: what is written; tells the count if it is known.
        path: the file; packed if its name ends in ``.gz``. It appears whole or not at all.
        overwrite: replace a file that is there.
        header: makes the first bytes from the count.
        body: writes the rest by the function it is given, and returns how many words there were.

    Returns:
        The number of words.

    Raises:
        InputError: the file exists and ``overwrite`` is false, cannot be written, or as the stream does.
    """
    with complete_file(path, overwrite=overwrite) as file:
        if stream.count is not None:
            with _packed(file, path) as out:
                out.write(header(stream.count))
                written = body(out.write)
            assert written == stream.count, f"{path}: {written} words where {stream.count} were announced"
            return written
        with tempfile.TemporaryFile(dir=path.parent) as spool:
            with _packed(spool, path) as out:
                written = body(out.write)
            with _packed(file, path) as out:
                out.write(header(written))
            spool.seek(0)
            shutil.copyfileobj(spool, file)  # of a packed file this is a second member, which gzip reads on into
            return written


@contextmanager
def packed_file(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """Give a file to write that appears whole or not at all; packed if its name ends in ``.gz``.

    Raises:
        InputError: the file exists and ``overwrite`` is false, or cannot be written.
    """
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
