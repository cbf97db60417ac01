"""The word2vec text format: a line ``count size``, then one line per word: the word and its numbers."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path

from mt2st.embedding.formats.checked import checked
from mt2st.embedding.formats.source import Source
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, Block, VectorStream
from mt2st.embedding.formats.target import write_after_count
from mt2st.embedding.formats.text_rows import (
    blocks_of,
    body_looks_binary,
    excerpt,
    longest_line,
    refuse_grouped_digits,
    write_rows,
)
from mt2st.errors import InputError

_MIN_BYTES_PER_VALUE = 2  # a digit and the space before it
_LONGEST_HEADER = 256  # bytes
_MOST_DIGITS = 18  # of a number in the header


def read_word2vec_text(path: Path) -> VectorStream:
    """Return the word vectors of a file in word2vec text format, as a stream; fastText's ``.vec`` is the same.

    ``.gz`` files are unpacked. The header is not trusted: memory grows with the lines that are really there.

    Raises:
        InputError: the file is missing or not readable; no header, or one whose count does not match the lines; a
            line with another number of values, a value that is no number, NaN or infinite; a word twice; bytes that
            are not UTF-8 (a binary file, most likely). The message names file and line. What is wrong behind the
            header is raised when the stream comes to it.
    """
    with Source(path) as source:
        count, size = _header(source)
    return checked(VectorStream(size, count, lambda: _blocks(path), lambda row: f"{path}, line {row + 2}"))


def write_word2vec_text(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write word vectors in word2vec text format, with digits that bring every float32 back; ``.gz`` is compressed.

    The file appears complete or not at all.

    Returns:
        The number of words.

    Raises:
        InputError: the file exists and ``overwrite`` is false; a word is empty, has white space or is not valid
            Unicode, which the format cannot hold; or as the stream does.
    """
    return write_after_count(
        stream,
        path,
        overwrite=overwrite,
        header=lambda count: f"{count} {stream.size}\n".encode(),
        body=lambda write: write_rows(stream, write, spaces_in_words=False, format_name="word2vec text"),
    )


def _blocks(path: Path) -> Iterator[Block]:
    with Source(path) as source:
        count, size = _header(source)
        yield from blocks_of(_fields(source, count, size), size)
        if source.read(1 << 16).strip():
            raise InputError(f"{path}, line {count + 2}: more lines than the {count:,} words that the header promised")


def _fields(source: Source, count: int, size: int) -> Iterator[tuple[list[bytes], str]]:
    longest = longest_line(size)
    for row in range(count):
        line = source.readline(longest)
        fields = line.split()
        place = f"{source.path}, line {row + 2}"
        if not fields:
            raise InputError(
                f"{place}: {'blank' if line else 'the file ends'} after {row:,} words; the header promised {count:,}"
            )
        if len(fields) != size + 1:
            raise InputError(_misfit(line, len(fields) - 1, size, source.path, place))
        if b"_" in line:
            refuse_grouped_digits(fields, place)
        yield fields, place


def parsed_header(line: bytes) -> tuple[int, int] | None:
    """Return the count and the size that a first line states, None if it states none."""
    fields = line.removeprefix(BOM_UTF8).split()
    if not line.endswith(b"\n") or len(fields) != 2:
        return None
    if not all(field.isdigit() and len(field) <= _MOST_DIGITS for field in fields):
        return None
    return int(fields[0]), int(fields[1])


def checked_header(source: Source, least_per_value: int) -> tuple[int, int]:
    """Read the first line of a word2vec file, text or binary, and hold its claims against the file's size.

    Args:
        source: the file, at its start.
        least_per_value: the fewest bytes that a value takes.

    Returns:
        The count of words and the number of dimensions, each at least 1.

    Raises:
        InputError: there is no such line, or it claims what the file cannot hold.
    """
    line = source.readline(_LONGEST_HEADER)
    stated = parsed_header(line)
    if stated is None:
        raise InputError(
            f"{source.path}, line 1: a word2vec file starts with two numbers, the words and the values of each; "
            f"found {excerpt(line)}"
        )
    count, size = stated
    if count < 1 or not 1 <= size <= MOST_DIMENSIONS:
        raise InputError(
            f"{source.path}, line 1: words must be at least 1 and values 1 to {MOST_DIMENSIONS:,}; "
            f"found {count:,} and {size:,}"
        )
    least = count * (size * least_per_value + 2)
    if source.size is not None and least > source.size:
        raise InputError(
            f"{source.path}, line 1: the header claims {count:,} words of {size:,} values, which take at least "
            f"{least:,} bytes; the file has {source.size:,}. It is cut short, or in another format"
        )
    return count, size


def _header(source: Source) -> tuple[int, int]:
    return checked_header(source, _MIN_BYTES_PER_VALUE)


def _misfit(line: bytes, found: int, size: int, path: Path, place: str) -> str:
    if body_looks_binary(path):
        return (
            f"{place}: not text but bytes ({excerpt(line)}); this looks like word2vec's binary format, which is called "
            f"word2vec-binary"
        )
    return f"{place}: {found:,} values where the header promised {size:,}: {excerpt(line)}"
