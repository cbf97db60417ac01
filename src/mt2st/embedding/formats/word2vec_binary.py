"""The word2vec binary format: a line ``count size``, then for each word its bytes, a space and its float32 values.

The C program writes a line break behind each vector, gensim does not: both are read. Files are written without, which
both read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mt2st.embedding.formats.files import Source, Write, decoded, encoded, excerpt, write_after_count
from mt2st.embedding.formats.stream import Block, VectorStream, checked, rows_per_block
from mt2st.embedding.formats.text import checked_header
from mt2st.errors import InputError

_VALUE = np.dtype("<f4")


def read_word2vec_binary(path: Path) -> VectorStream:
    """Return the vectors of a word2vec binary file as a stream; ``.gz`` is unpacked.

    Raises:
        InputError: the file cannot be read; the header is missing or does not match the file; a word is not UTF-8, has
            no end or comes twice; a value is NaN or infinite. With the word's number.
    """
    with Source(path) as source:
        count, size = checked_header(source, _VALUE.itemsize)
    return checked(VectorStream(size, count, lambda: _blocks(path), lambda row: f"{path}, word {row + 1}"))


def write_word2vec_binary(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write vectors in word2vec's binary format; return the number of words.

    Raises:
        InputError: the file exists and ``overwrite`` is false; a word is empty, has white space or is not valid
            Unicode; or as the stream does.
    """
    return write_after_count(
        stream,
        path,
        overwrite=overwrite,
        body=lambda write: _write_rows(stream, write),
    )


def _blocks(path: Path) -> Iterator[Block]:
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
            words.append(_word(word, f"{path}, word {row}"))
            rows.append(values)
            if len(words) == step or row == count:
                yield words, np.frombuffer(b"".join(rows), dtype=_VALUE).astype(np.float32).reshape(-1, size)
                words, rows = [], []
        if source.read(3) not in (b"", b"\n", b"\r\n"):
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
            field = encoded(word)
            if field.split() != [field]:
                raise InputError(
                    f"the word2vec binary format cannot hold the word {word!r} (at {count + index}): it is empty, has "
                    f"white space or is not valid Unicode; nothing was written"
                )
            pieces += (field, b" ", row.tobytes())
        write(b"".join(pieces))
        count += len(words)
    return count
