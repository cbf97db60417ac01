"""The GloVe text format: one line per word, the word and its numbers, without a header.

Words may hold spaces (``. . .``, ``at name@domain.com`` in the vectors of 840 billion tokens), so a line is cut from
the right, and how many numbers to cut must first be found out.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from mt2st.embedding.formats.checked import checked
from mt2st.embedding.formats.source import Source
from mt2st.embedding.formats.stream import MOST_DIMENSIONS, Block, VectorStream
from mt2st.embedding.formats.target import packed_file
from mt2st.embedding.formats.text_rows import (
    blocks_of,
    body_looks_binary,
    excerpt,
    longest_line,
    refuse_grouped_digits,
    write_rows,
)
from mt2st.embedding.formats.word2vec_text import parsed_header
from mt2st.errors import InputError

_LINES_TRIED = 1_000
"""Lines from which the number of dimensions is found."""


def read_glove_text(path: Path) -> VectorStream:
    """Return the word vectors of a file in GloVe text format, as a stream; ``.gz`` files are unpacked.

    The number of dimensions is how many numbers most of the first thousand lines end in: now and then a word ends in
    numbers too, and a line may be damaged. Of two that are as frequent the larger counts.

    Raises:
        InputError: the file is missing, not readable or empty; its first line is no word with numbers; a line with
            too few numbers, a value that is NaN or infinite; a word twice; bytes that are not UTF-8. The message
            names file and line. What is wrong further down is raised when the stream comes to it.
    """
    size = glove_size(path)
    return checked(VectorStream(size, None, lambda: _blocks(path, size), lambda row: f"{path}, line {row + 1}"))


def write_glove_text(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write word vectors in GloVe text format, with digits that bring every float32 back; ``.gz`` is compressed.

    The file appears complete or not at all.

    Returns:
        The number of words.

    Raises:
        InputError: the file exists and ``overwrite`` is false; a word is empty, has line breaks or outer white space
            or is not valid Unicode, which the format cannot hold; or as the stream does.
    """
    with packed_file(path, overwrite=overwrite) as file:
        return write_rows(stream, file.write, spaces_in_words=True, format_name="GloVe text")


def glove_size(path: Path) -> int:
    """Return the number of dimensions of a GloVe file.

    Raises:
        InputError: the file cannot be read, or does not begin with lines of a word and numbers.
    """
    seen: Counter[int] = Counter()
    with Source(path) as source:
        for number in range(1, _LINES_TRIED + 1):
            line = source.readline(longest_line(MOST_DIMENSIONS))
            fields = (line.removeprefix(BOM_UTF8) if number == 1 else line).split()
            if not fields:
                break
            numbers = min(sum(1 for _ in takewhile(_is_number, reversed(fields))), len(fields) - 1)
            if numbers < 1:
                found = f"found {excerpt(line)}{', not text but bytes' if body_looks_binary(path) else ''}"
                raise InputError(f"{path}, line {number}: a line of GloVe text is a word and its numbers; {found}")
            seen[numbers] += 1
    if not seen:
        raise InputError(f"{path}, line 1: the file is empty or begins with a blank line; expected a word and numbers")
    size = max(seen, key=lambda numbers: (seen[numbers], numbers))
    if size > MOST_DIMENSIONS:
        raise InputError(f"{path}, line 1: {size:,} numbers behind a word; at most {MOST_DIMENSIONS:,} are dimensions")
    return size


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _blocks(path: Path, size: int) -> Iterator[Block]:
    with Source(path) as source:
        yield from blocks_of(_fields(source, size), size)


def _fields(source: Source, size: int) -> Iterator[tuple[list[bytes], str]]:
    longest = longest_line(size)
    row, blank = 0, False
    while line := source.readline(longest):
        if row == 0:
            line = line.removeprefix(BOM_UTF8)
        row += 1
        place = f"{source.path}, line {row}"
        fields = line.strip().rsplit(None, size)
        if not fields:
            blank = True
            continue
        if blank:
            raise InputError(f"{place}: a word behind a blank line; remove the line, or what follows it")
        if len(fields) != size + 1:
            header = row == 1 and parsed_header(line) is not None
            hint = "; this is a header, which word2vec text has and GloVe text has not" if header else ""
            raise InputError(
                f"{place}: {len(fields) - 1:,} values where most lines have {size:,}: {excerpt(line)}{hint}"
            )
        if b"_" in line:
            refuse_grouped_digits(fields, place)
        yield fields, place
