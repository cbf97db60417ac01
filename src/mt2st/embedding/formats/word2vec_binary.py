"""The word2vec binary format: a line ``count size``, then for each word its bytes, a space and its float32 values.

The C program writes a line break behind each vector, gensim does not. Both are read; what is written has none, which
both read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mt2st.embedding.formats.checked import checked
from mt2st.embedding.formats.source import Source
from mt2st.embedding.formats.stream import Block, VectorStream, rows_per_block
from mt2st.embedding.formats.target import Write, write_after_count
from mt2st.embedding.formats.text_rows import LONGEST_WORD, decoded, excerpt
from mt2st.embedding.formats.word2vec_text import checked_header
from mt2st.errors import InputError

_VALUE = np.dtype("<f4")
_CHUNK = 1 << 18  # bytes read at a time


def read_word2vec_binary(path: Path) -> VectorStream:
    """Return the word vectors of a file in word2vec binary format, as a stream; ``.gz`` files are unpacked.

    Raises:
        InputError: the file is missing or not readable; no header, or one that claims more than the file holds or
            less; a word that is not UTF-8 or without end; a value that is NaN or infinite; a word twice. The message
            names file and word. What is wrong behind the header is raised when the stream comes to it.
    """
    with Source(path) as source:
        count, size = checked_header(source, _VALUE.itemsize)
    return checked(VectorStream(size, count, lambda: _blocks(path), lambda row: f"{path}, word {row + 1}"))


def write_word2vec_binary(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write word vectors in word2vec binary format; ``.gz`` is compressed. The file appears whole or not at all.

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
        body=lambda write: _write_rows(stream, write),
    )


def _blocks(path: Path) -> Iterator[Block]:
    with Source(path) as source:
        count, size = checked_header(source, _VALUE.itemsize)
        width, step = size * _VALUE.itemsize, rows_per_block(size)
        words: list[str] = []
        rows: list[bytes] = []
        rest, at = b"", 0
        for row in range(count):
            place = f"{path}, word {row + 1}"
            end = rest.find(b" ", at)
            while end < 0 or len(rest) - end - 1 < width:
                if end < 0 and len(rest) - at > LONGEST_WORD:
                    raise InputError(
                        f"{place}: no space within {LONGEST_WORD:,} bytes, found {excerpt(rest[at:])}: the file is "
                        f"damaged, or in another format"
                    )
                more = source.read(max(_CHUNK, width))
                if not more:
                    raise InputError(
                        f"{place}: the file ends within it, after {row:,} whole words; the header promised {count:,}. "
                        f"The file is cut short or damaged"
                    )
                rest, at = rest[at:] + more, 0
                end = rest.find(b" ")
            words.append(_word(rest[at:end], place))
            at = end + 1 + width
            rows.append(rest[end + 1 : at])
            if len(words) == step or row == count - 1:
                yield words, np.frombuffer(b"".join(rows), dtype=_VALUE).astype(np.float32).reshape(-1, size)
                words, rows = [], []
        if (rest[at:] + source.read(2)) not in (b"", b"\n", b"\r\n"):
            raise InputError(
                f"{path}: more bytes behind the {count:,} words of {size:,} values that the header promised: the file "
                f"is damaged, or in another format"
            )


def _word(field: bytes, place: str) -> str:
    field = field.removeprefix(b"\n")  # the end of the word before, as the C program writes it
    if field.split() != [field]:
        raise InputError(
            f"{place}: {excerpt(field)} is no word (it is empty or has white space): the file is damaged, or not in "
            f"word2vec's binary format"
        )
    return decoded(field, place)


def _write_rows(stream: VectorStream, write: Write) -> int:
    count = 0
    for words, vectors in stream.blocks():
        pieces: list[bytes] = []
        for index, (word, row) in enumerate(zip(words, vectors.astype(_VALUE, copy=False), strict=True)):
            field = _field(word)
            if field is None:
                raise InputError(
                    f"the word2vec binary format cannot hold the word {word!r} (at {count + index}): it is empty, has "
                    f"white space or is not valid Unicode; nothing was written"
                )
            pieces += (field, b" ", row.tobytes())
        write(b"".join(pieces))
        count += len(words)
    return count


def _field(word: str) -> bytes | None:
    try:
        field = word.encode()
    except UnicodeEncodeError:
        return None
    return field if field.split() == [field] else None
