"""A folder of ``vectors.safetensors`` and ``vocabulary.txt``: the words, one a line, in the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mt2st._files import complete_folder
from mt2st.embedding.formats.files import LONGEST_WORD, Source, check_replaceable, decoded, encoded
from mt2st.embedding.formats.safetensors_file import MatrixWriter, matrix_of
from mt2st.embedding.formats.stream import Block, VectorStream, checked
from mt2st.errors import InputError

VECTORS, VOCABULARY, TENSOR = "vectors.safetensors", "vocabulary.txt", "vectors"


def read_safetensors_folder(folder: Path) -> VectorStream:
    """Return the vectors of a folder with a safetensors file and a vocabulary as a stream.

    Raises:
        InputError: a file is missing, unreadable or damaged; words and vectors differ in number; a word comes twice or
            is not UTF-8; a value is NaN or infinite. With the file and the line.
    """
    matrix = matrix_of(folder / VECTORS, TENSOR)
    path = folder / VOCABULARY
    promised = f"{matrix.shape[0]:,} vectors"
    with Source(path):  # is there and readable
        pass

    def blocks() -> Iterator[Block]:
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
                        raise InputError(f"{path}, line {row}: {found}; {folder / VECTORS} has {promised}")
                    words.append(decoded(word, f"{path}, line {row}"))
                yield words, vectors
            if source.read(1):
                raise InputError(f"{path}, line {row + 1}: more words than the {promised} in {folder / VECTORS}")

    return checked(VectorStream(matrix.shape[1], matrix.shape[0], blocks, lambda row: f"{path}, line {row + 1}"))


def write_safetensors_folder(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write a folder with a safetensors file and a vocabulary; return the number of words.

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
            for index, word in enumerate(words, count):
                line = encoded(word)
                if not line or b"\n" in line:
                    raise InputError(
                        f"the safetensors folder cannot hold the word {word!r} (at {index}): it is empty, has line "
                        f"breaks or is not valid Unicode; nothing was written"
                    )
                vocabulary.write(line + b"\n")
            matrix.add(vectors)
            count += len(words)
        matrix.finish()
    return count
