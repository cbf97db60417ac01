"""Lines of a word and its numbers: what the text formats have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from mt2st.embedding.formats.source import Source
from mt2st.embedding.formats.stream import Block, VectorStream, rows_per_block
from mt2st.embedding.formats.target import Write
from mt2st.errors import InputError

LONGEST_VALUE = 64
"""Bytes of one number as text; repr of a float64 takes 25."""
LONGEST_WORD = 1 << 16
"""Bytes of a word."""
_NINE_DIGITS = "%.9g"  # brings every float32 back exactly
HEAD = 1 << 12
"""Bytes from which text and binary are told apart."""
_SHOWN = 40  # bytes of a damaged line that its error quotes


def longest_line(size: int) -> int:
    """Return the bytes that no line of ``size`` numbers is longer than."""
    return LONGEST_WORD + size * LONGEST_VALUE


def blocks_of(rows: Iterable[tuple[list[bytes], str]], size: int) -> Iterator[Block]:
    """Yield the blocks of lines that are cut into fields.

    Args:
        rows: for each line its word and ``size`` numbers, and its place for an error.
        size: the number of dimensions.

    Raises:
        InputError: a word that is not UTF-8, a field that is no number; with the place.
    """
    step = rows_per_block(size)
    words: list[str] = []
    numbers: list[float] = []
    for fields, place in rows:
        word = decoded(fields[0], place)
        try:
            numbers.extend(map(float, fields[1:]))
        except ValueError as error:
            raise InputError(f"{place}: a value of '{word}' is not a number: {error}") from error
        words.append(word)
        if len(words) == step:
            yield words, _as_float32(numbers, size)
            words, numbers = [], []
    if words:
        yield words, _as_float32(numbers, size)


def _as_float32(numbers: list[float], size: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite, and is reported as such
        return np.array(numbers, dtype=np.float32).reshape(-1, size)


def refuse_grouped_digits(fields: list[bytes], place: str) -> None:
    """Raise if a number is written with underscores, which Python alone takes for a number; call where a line has one.

    Raises:
        InputError: there is such a number; with the place.
    """
    wrong = next((field for field in fields[1:] if b"_" in field), None)
    if wrong is not None:
        raise InputError(f"{place}: a value is not a number: {excerpt(wrong)}")


def decoded(field: bytes, place: str) -> str:
    """Return a word's bytes as text.

    Raises:
        InputError: they are not UTF-8; with the place.
    """
    try:
        return field.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{place}: the word is not UTF-8 text ({excerpt(field)}): the file is damaged, in another encoding (save "
            f"it as UTF-8) or in another format (name it)"
        ) from error


def excerpt(line: bytes) -> str:
    """Return the start of a line, quoted, as an error shows it."""
    shown = line[:_SHOWN].decode("utf-8", errors="backslashreplace")
    return repr(shown + "..." if len(line) > _SHOWN else shown)


def looks_binary(head: bytes) -> bool:
    """Tell whether the first bytes of a file hold what text never does: control characters, or what is not UTF-8.

    A character that the end of the bytes cuts is no sign.
    """
    if any(byte < 9 or 13 < byte < 32 for byte in head):
        return True
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(head) - 3
    return False


def body_looks_binary(path: Path) -> bool:
    """Tell whether what follows the first line of a file looks binary: a line alone may look like text by chance.

    Raises:
        InputError: the file cannot be read.
    """
    with Source(path) as source:
        source.readline(LONGEST_WORD)
        return looks_binary(source.read(HEAD))


def write_rows(stream: VectorStream, write: Write, *, spaces_in_words: bool, format_name: str) -> int:
    """Write a line for each word, with the digits that bring every float32 back; return the number of words.

    Raises:
        InputError: a word that the lines cannot hold, or as the stream does.
    """
    line = "%s " + " ".join([_NINE_DIGITS] * stream.size) + "\n"
    count = 0
    for words, vectors in stream.blocks():
        for index, word in enumerate(words):
            if not _fits(word, spaces_in_words):
                what = "line breaks, outer white space" if spaces_in_words else "white space"
                raise InputError(
                    f"the {format_name} format cannot hold the word {word!r} (at {count + index}): "
                    f"it is empty, has {what} or is not valid Unicode; nothing was written"
                )
        rows = zip(words, vectors.tolist(), strict=True)
        write("".join([line % (word, *row) for word, row in rows]).encode())
        count += len(words)
    return count


def _fits(word: str, spaces: bool) -> bool:
    try:
        field = word.encode()
    except UnicodeEncodeError:
        return False
    parts = field.split(b" ") if spaces else [field]
    return all(part.split() == [part] for part in parts)
