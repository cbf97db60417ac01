"""A folder of ``vectors.safetensors`` and ``vocabulary.txt``: the words, one a line, in the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mt2st._files import complete_folder
from mt2st.embedding.formats.checked import checked
from mt2st.embedding.formats.folders import check_replaceable
from mt2st.embedding.formats.safetensors_file import MatrixWriter, Tensor, matrix_of
from mt2st.embedding.formats.source import Source
from mt2st.embedding.formats.stream import Block, VectorStream
from mt2st.embedding.formats.text_rows import LONGEST_WORD, decoded
from mt2st.errors import InputError

VECTORS, VOCABULARY, TENSOR = "vectors.safetensors", "vocabulary.txt", "vectors"


def read_safetensors_folder(folder: Path) -> VectorStream:
    """Return the word vectors of a folder with a safetensors file and a vocabulary, as a stream.

    Raises:
        InputError: a file is missing, unreadable or damaged; more or fewer words than vectors; a word twice or not
            UTF-8; a value that is NaN or infinite. The message names the file and the line. What is wrong further
            down is raised when the stream comes to it.
    """
    matrix = matrix_of(folder / VECTORS, TENSOR)
    with Source(folder / VOCABULARY):  # is there and readable
        pass
    place = folder / VOCABULARY
    return checked(
        VectorStream(
            matrix.shape[1], matrix.shape[0], lambda: _blocks(folder, matrix), lambda r: f"{place}, line {r + 1}"
        )
    )


def write_safetensors_folder(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write word vectors to a folder with a safetensors file and a vocabulary; it appears whole or not at all.

    Returns:
        The number of words.

    Raises:
        InputError: the folder exists and ``overwrite`` is false, or holds other things; a word is empty, has line
            breaks or is not valid Unicode; or as the stream does.
    """
    check_replaceable(path, (VECTORS, VOCABULARY), overwrite=overwrite)
    count = 0
    with (
        complete_folder(path) as partial,
        (partial / VECTORS).open("wb") as values,
        (partial / VOCABULARY).open("wb") as vocabulary,
    ):
        matrix = MatrixWriter(values, TENSOR, stream.size)
        for words, vectors in stream.blocks():
            vocabulary.write(b"".join([_line(word, count + index) for index, word in enumerate(words)]))
            matrix.add(vectors)
            count += len(words)
        matrix.finish()
    return count


def _line(word: str, index: int) -> bytes:
    try:
        line = word.encode()
    except UnicodeEncodeError:
        line = b""
    if not line or b"\n" in line:
        raise InputError(
            f"the safetensors folder cannot hold the word {word!r} (at {index}): it is empty, has line breaks or is "
            f"not valid Unicode; nothing was written"
        )
    return line + b"\n"


def _blocks(folder: Path, matrix: Tensor) -> Iterator[Block]:
    path = folder / VOCABULARY
    row = 0
    with Source(path) as source:
        for vectors in matrix.blocks():
            words = []
            for _ in vectors:
                row += 1
                line = source.readline(LONGEST_WORD)
                word = line.removesuffix(b"\n")
                if not word:
                    found = "is blank" if line else "is missing: the file ends"
                    raise InputError(f"{path}, line {row}: {found}; {folder / VECTORS} has {matrix.shape[0]:,} vectors")
                words.append(decoded(word, f"{path}, line {row}"))
            yield words, vectors
        if source.read(1):
            raise InputError(
                f"{path}, line {row + 1}: more words than the {matrix.shape[0]:,} vectors in {folder / VECTORS}"
            )
