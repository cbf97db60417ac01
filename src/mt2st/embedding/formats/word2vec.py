"""The formats of word2vec, text and binary, and GloVe's text.

Text has a line for each word: the word and its numbers. word2vec begins with a line ``count size``, GloVe does not.
Words may hold spaces (``. . .``, ``at name@domain.com`` in GloVe's vectors of 840 billion tokens, phrases of gensim's),
so lines are split from the right, by the number of dimensions.

Binary has the line ``count size``, then for each word its bytes, a space and its float32 values. The C program writes a
line break after each vector, gensim does not: both are read. Files are written without.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import takewhile
from pathlib import Path

import numpy as np

from mt2st.embedding.formats.files import (
    LONGEST_WORD,
    Source,
    Write,
    decoded,
    encoded,
    excerpt,
    packed_file,
    write_after_count,
)
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, Block, VectorStream, rows_per_block, tolerant
from mt2st.errors import InputError
from mt2st.text.rows import Oddities

LONGEST_VALUE = 64
"""Bytes of one number as text; repr of a float64 takes 25."""
HEAD = 1 << 12
"""Bytes by which text and binary are distinguished."""
_VALUE = np.dtype("<f4")  # of the binary format
_NINE_DIGITS = "%.9g"  # restores every float32 exactly
_MIN_BYTES_PER_VALUE = 2  # a digit and the space before it
_LONGEST_HEADER = 256  # bytes
_MOST_DIGITS = 18  # of a number in the header
_LINES_TRIED = 1_000  # from which a GloVe file's number of dimensions is found

_Row = tuple[bytes, list[bytes], int]
"""A line, its word and numbers, and its number."""


def read_word2vec_text(path: Path) -> VectorStream:
    """Open a word2vec text file, or fastText's ``.vec``, which is the same."""
    with Source(path) as source:
        count, size = checked_header(source, _MIN_BYTES_PER_VALUE)

    def blocks(oddities: Oddities) -> Iterator[Block]:
        with Source(path) as source:
            source.readline(_LONGEST_HEADER)
            yield from _blocks(path, _word2vec_rows(source, count, size, oddities), size, oddities)
            if source.read(1 << 16).strip():
                raise InputError(
                    f"{path}, line {count + 2}: more lines than the {count:,} words that the header promised"
                )

    return tolerant(path, size, count, blocks, lambda row: f"{path}, line {row + 2}")


def write_word2vec_text(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write word2vec text, with digits that restore every float32; return the number of words."""
    return write_after_count(stream, path, lambda write: _write_lines(stream, write), overwrite=overwrite)


def read_glove_text(path: Path) -> VectorStream:
    """Open a GloVe text file.

    The number of dimensions is the number of numbers that most of the first thousand lines end in; ties go to the
    larger one. (Some words end in numbers too, and a line may be damaged.)
    """
    size = _glove_size(path)

    def blocks(oddities: Oddities) -> Iterator[Block]:
        with Source(path) as source:
            yield from _blocks(path, _glove_rows(source, size), size, oddities)

    return tolerant(path, size, None, blocks, lambda row: f"{path}, line {row + 1}")


def write_glove_text(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write GloVe text, with digits that restore every float32; return the number of words."""
    with packed_file(path, overwrite=overwrite) as file:
        return _write_lines(stream, file.write, glove=True)


def read_word2vec_binary(path: Path) -> VectorStream:
    """Open a word2vec binary file."""
    with Source(path) as source:
        count, size = checked_header(source, _VALUE.itemsize)
    return tolerant(path, size, count, partial(_binary_blocks, path), lambda row: f"{path}, word {row + 1}")


def write_word2vec_binary(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write word2vec's binary format; return the number of words."""

    def body(write: Write) -> int:
        count = 0
        for words, vectors in stream.blocks():
            fields = _fields(words, count, "word2vec binary")
            rows = vectors.astype(_VALUE, copy=False)
            write(b"".join(b"%b %b" % (field, row.tobytes()) for field, row in zip(fields, rows, strict=True)))
            count += len(words)
        return count

    return write_after_count(stream, path, body, overwrite=overwrite)


def longest_line(size: int) -> int:
    """Return a bound on the bytes of a line of text with ``size`` numbers."""
    return LONGEST_WORD + size * LONGEST_VALUE


def looks_binary(head: bytes) -> bool:
    """Return whether bytes behind a header hold what text never does: control characters, or invalid UTF-8.

    A first line that ends in numbers is text, though a word in it or behind it may be cut within a character.
    """
    if any(byte < 9 or 13 < byte < 32 for byte in head):
        return True
    fields = head.partition(b"\n")[0].split()[1:-1]  # the last one may be cut
    if fields and all(map(is_number, fields[len(fields) // 2 :])):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(head) - 3
    return False


def parsed_header(line: bytes) -> tuple[int, int] | None:
    """Return the count and the size that a first line states, None if it states none."""
    fields = line.removeprefix(BOM_UTF8).split()
    if not line.endswith(b"\n") or len(fields) != 2:
        return None
    if not all(field.isdigit() and len(field) <= _MOST_DIGITS for field in fields):
        return None
    return int(fields[0]), int(fields[1])


def checked_header(source: Source, least_per_value: int) -> tuple[int, int]:
    """Read the first line of a word2vec file, text or binary; return its count and size, each at least 1.

    Raises `InputError` if it claims more than fits in the file with ``least_per_value`` bytes for each value.
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
            f"{least:,} bytes; the file has {source.size:,}. It is cut short, in another format, or the beginning of a "
            f"larger one: correct the header then"
        )
    return count, size


def _word2vec_rows(source: Source, count: int, size: int, oddities: Oddities) -> Iterator[_Row]:
    longest = longest_line(size)
    whole = True
    for row in range(count):
        line = source.readline(longest)
        place = f"{source.path}, line {row + 2}"
        if not line and row:
            if not whole:  # the last value may have lost digits
                raise InputError(
                    f"{source.path}, line {row + 1}: the file ends within this line, after {row:,} of the {count:,} "
                    f"words that the header promises: copy or download it again"
                )
            oddities.add("words that the header promises and the file lacks", place, count - row)
            return
        fields = line.rstrip().rsplit(None, size)
        if len(fields) == size and line[:1] == b" ":  # a word that is a space
            fields.insert(0, b" ")
        if len(fields) != size + 1 or _is_longer(fields):
            if not fields:
                found = "blank" if line else "the file ends"
                raise InputError(f"{place}: {found} after {row:,} words; the header promised {count:,}")
            if _body_looks_binary(source.path):
                raise InputError(
                    f"{place}: not text but bytes ({excerpt(line)}); this looks like word2vec's binary format, which "
                    f"is called word2vec-binary"
                )
            found = f"{len(line.split()) - 1:,} values"
            raise InputError(f"{place}: {found} where the header promised {size:,}: {excerpt(line)}")
        if b" " in fields[0]:
            oddities.add("words with spaces", place)
        whole = line.endswith(b"\n")
        yield line, fields, row + 2


def _is_longer(fields: list[bytes]) -> bool:
    """Return whether a line has a value too many, in place of a word that ends in a number (``top 10``)."""
    further = fields[0].split()[1:]
    whole = all(each.lstrip(b"-").isdigit() for each in fields[1:])
    return bool(further) and is_number(further[-1]) and (whole or not further[-1].isdigit())


def _glove_rows(source: Source, size: int) -> Iterator[_Row]:
    longest = longest_line(size)
    row, blank = 0, False
    while line := source.readline(longest):
        if row == 0:
            line = line.removeprefix(BOM_UTF8)
        row += 1
        fields = line.strip().rsplit(None, size)
        if not fields:
            blank = True
            continue
        place = f"{source.path}, line {row}"
        if blank:
            raise InputError(f"{place}: a word behind a blank line; remove the line, or what follows it")
        if len(fields) != size + 1:
            header = row == 1 and parsed_header(line) is not None
            hint = "; this is a header, which word2vec text has and GloVe text has not" if header else ""
            raise InputError(
                f"{place}: {len(fields) - 1:,} values where most lines have {size:,}: {excerpt(line)}{hint}"
            )
        yield line, fields, row


def _blocks(path: Path, rows: Iterable[_Row], size: int, oddities: Oddities) -> Iterator[Block]:
    """Yield the blocks of lines that are split into a word and ``size`` numbers."""
    step = rows_per_block(size)
    words: list[str] = []
    numbers: list[float] = []
    for line, fields, number in rows:
        place = f"{path}, line {number}"
        if b"_" in line:  # Python takes 1_000 for a number
            wrong = next((field for field in fields[1:] if b"_" in field), None)
            if wrong is not None:
                raise InputError(f"{place}: a value is not a number: {excerpt(wrong)}")
        word = _decoded(fields[0], place, oddities)
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


def _glove_size(path: Path) -> int:
    seen: Counter[int] = Counter()
    with Source(path) as source:
        for number in range(1, _LINES_TRIED + 1):
            line = source.readline(longest_line(MOST_DIMENSIONS))
            fields = (line.removeprefix(BOM_UTF8) if number == 1 else line).split()
            if not fields:
                break
            numbers = min(sum(1 for _ in takewhile(is_number, reversed(fields))), len(fields) - 1)
            if numbers < 1:
                found = f"found {excerpt(line)}{', not text but bytes' if _body_looks_binary(path) else ''}"
                raise InputError(f"{path}, line {number}: a line of GloVe text is a word and its numbers; {found}")
            seen[numbers] += 1
    if not seen:
        raise InputError(f"{path}, line 1: the file is empty or begins with a blank line; expected a word and numbers")
    size = max(seen, key=lambda numbers: (seen[numbers], numbers))
    if size > MOST_DIMENSIONS:
        raise InputError(f"{path}, line 1: {size:,} numbers behind a word; at most {MOST_DIMENSIONS:,} are dimensions")
    return size


def is_number(field: bytes) -> bool:
    """Return whether Python reads bytes as a number."""
    try:
        float(field)
    except ValueError:
        return False
    return True


def _body_looks_binary(path: Path) -> bool:
    """Return whether the bytes after the first line look binary; one line may look like text by chance."""
    with Source(path) as source:
        source.readline(LONGEST_WORD)
        return looks_binary(source.read(HEAD))


def _write_lines(stream: VectorStream, write: Write, *, glove: bool = False) -> int:
    line = "%s " + " ".join([_NINE_DIGITS] * stream.size) + "\n"
    count = 0
    for words, vectors in stream.blocks():
        _fields(words, count, "GloVe text" if glove else "word2vec text", may_hold_spaces=glove)
        rows = zip(words, vectors.tolist(), strict=True)
        write("".join([line % (word, *row) for word, row in rows]).encode())
        count += len(words)
    return count


def _fields(words: list[str], first: int, format_name: str, *, may_hold_spaces: bool = False) -> list[bytes]:
    """Return words as bytes, the first of them at ``first``; raise `InputError` for one that the format cannot hold."""
    fields = [encoded(word) for word in words]
    for index, field in enumerate(fields):
        parts = field.split(b" ") if may_hold_spaces else [field]
        if not all(part.split() == [part] for part in parts):
            what = "line breaks, outer white space" if may_hold_spaces else "white space"
            raise InputError(
                f"the {format_name} format cannot hold the word {words[index]!r} (at {first + index}): "
                f"it is empty, has {what} or is not valid Unicode; nothing was written"
            )
    return fields


def _binary_blocks(path: Path, oddities: Oddities) -> Iterator[Block]:
    with Source(path) as source:
        count, size = checked_header(source, _VALUE.itemsize)
        step = rows_per_block(size)
        words: list[str] = []
        rows: list[bytes] = []
        cut_short = (
            f"within it, after {{row:,}} whole words; the header promised {count:,}. The file is cut short or damaged"
        )
        records = source.records(count, b" ", size * _VALUE.itemsize, cut_short=cut_short)
        for row, (word, values) in enumerate(records, 1):
            words.append(_word(word, f"{path}, word {row}", oddities))
            rows.append(values)
            if len(words) == step or row == count:
                yield words, np.frombuffer(b"".join(rows), dtype=_VALUE).astype(np.float32).reshape(-1, size)
                words, rows = [], []
        if source.read(3) not in (b"", b"\n", b"\r\n"):
            raise InputError(
                f"{path}: more bytes behind the {count:,} words of {size:,} values that the header promised: the file "
                f"is damaged, or in another format"
            )


def _word(field: bytes, place: str, oddities: Oddities) -> str:
    field = field.removeprefix(b"\n")  # the end of the word before, as the C program writes it
    if field.split() != [field]:
        raise InputError(
            f"{place}: {excerpt(field)} is no word (it is empty or has white space): the file is damaged, or not in "
            f"word2vec's binary format"
        )
    return _decoded(field, place, oddities)


def _decoded(field: bytes, place: str, oddities: Oddities) -> str:
    """Return a word as text. The bytes of a character that is cut off, as word2vec.c cuts words, are spelled out."""
    try:
        return field.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return decoded(field, place)
        oddities.add("words cut within a character, whose bytes are spelled out", place)
        return field.decode("utf-8", errors="backslashreplace")
