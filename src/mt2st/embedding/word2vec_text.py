"""The word2vec text format: a line ``count size``, then one line per word: the word and its numbers."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.word_vectors import WordVectors, first_row_not_finite
from mt2st.errors import InputError
from mt2st.files import complete_file

_MIN_BYTES_PER_VALUE = 2  # a digit and the space before it
_LONGEST_VALUE = 64  # bytes of one number as text; repr of a float64 takes 25
_LONGEST_WORD = 1 << 16  # bytes
_LONGEST_HEADER = 256  # bytes
_VALUES_AT_FIRST = 1 << 18  # 1 MB
_ROWS_AT_ONCE = 1 << 12
_COMPRESSION_LEVEL = 5  # of 9: nearly the size of 9 in a third of the time
_NINE_DIGITS = "%.9g"  # brings every float32 back exactly
_MAX_SIZE = 1 << 20  # dimensions; beyond it is no word vector and a line would not fit in memory


def read_word2vec_text(path: Path) -> WordVectors:
    """Read word vectors in word2vec text format; fastText's ``.vec`` is the same. ``.gz`` files are unpacked.

    The header is not trusted: memory grows with the lines that are really there.

    Raises:
        InputError: the file is missing or not readable; no header, or one whose count does not match the lines; a
            line with another number of values, a value that is no number, NaN or infinite; a word twice; bytes that
            are not UTF-8 (a binary file, most likely). The message names file and line.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rb") as file:
                return _read(file, path, size_on_disk=None)
        with path.open("rb") as file:
            return _read(file, path, size_on_disk=path.stat().st_size)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is not a complete gzip file: {error}") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _read(file: IO[bytes] | gzip.GzipFile, path: Path, *, size_on_disk: int | None) -> WordVectors:
    count, size = _header(file.readline(_LONGEST_HEADER), path)
    least = count * (size * _MIN_BYTES_PER_VALUE + 2)
    if size_on_disk is not None and least > size_on_disk:
        raise InputError(
            f"{path}, line 1: the header claims {count:,} words of {size:,} values, which take at least "
            f"{least:,} bytes; the file has {size_on_disk:,}. It is cut short, or in binary format"
        )
    words: dict[str, int] = {}
    vectors = np.empty((0, size), dtype=np.float32)
    longest_line = _LONGEST_WORD + size * _LONGEST_VALUE
    with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite, and is reported as such
        for row in range(count):
            line = file.readline(longest_line)
            fields = line.split()
            if not fields:
                raise InputError(
                    f"{path}, line {row + 2}: {'blank' if line else 'the file ends'} after {row:,} words; "
                    f"the header promised {count:,}"
                )
            if len(fields) != size + 1:
                raise InputError(_misfit(line, len(fields) - 1, size, f"{path}, line {row + 2}"))
            if row == len(vectors):
                vectors.resize((min(count, max(2 * row, _VALUES_AT_FIRST // size, 1)), size), refcheck=False)
            word = _word(fields[0], f"{path}, line {row + 2}")
            if words.setdefault(word, row) != row:
                raise InputError(f"{path}, line {row + 2}: '{word}' again; it is also on line {words[word] + 2}")
            try:
                vectors[row] = list(map(float, fields[1:]))
            except ValueError as error:
                raise InputError(f"{path}, line {row + 2}: a value of '{word}' is not a number: {error}") from error
            if row % _ROWS_AT_ONCE == _ROWS_AT_ONCE - 1 or row == count - 1:
                _check_finite(vectors, row + 1 - (row % _ROWS_AT_ONCE + 1), row + 1, path)
    if file.read(1 << 16).strip():
        raise InputError(f"{path}, line {count + 2}: more lines than the {count:,} words that the header promised")
    return WordVectors(list(words), vectors)


def _header(line: bytes, path: Path) -> tuple[int, int]:
    fields = line.split()
    if not line.endswith(b"\n") or len(fields) != 2 or not all(f.isdigit() and len(f) < 19 for f in fields):
        raise InputError(
            f"{path}, line 1: a word2vec text file starts with two numbers, the words and the values of each; "
            f"found {_excerpt(line)}"
        )
    count, size = map(int, fields)
    if count < 1 or not 1 <= size <= _MAX_SIZE:
        raise InputError(
            f"{path}, line 1: words must be at least 1 and values 1 to {_MAX_SIZE:,}; found {count:,} and {size:,}"
        )
    return count, size


def _word(field: bytes, place: str) -> str:
    try:
        return field.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{place}: the word is not UTF-8 text ({_excerpt(field)}); if this is word2vec's binary format, convert it"
        ) from error


def _misfit(line: bytes, found: int, size: int, place: str) -> str:
    if b"\0" in line or any(byte < 9 for byte in line[:_LONGEST_HEADER]):
        return f"{place}: not text but bytes ({_excerpt(line)}); this looks like word2vec's binary format"
    return f"{place}: {found:,} values where the header promised {size:,}: {_excerpt(line)}"


def _excerpt(line: bytes) -> str:
    shown = line[:40].decode("utf-8", errors="backslashreplace")
    return repr(shown + "..." if len(line) > 40 else shown)


def _check_finite(vectors: NDArray[np.float32], start: int, stop: int, path: Path) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors[start:stop]).all(axis=1))
    if bad.size:
        raise InputError(f"{path}, line {start + int(bad[0]) + 2}: a value is NaN or beyond the range of float32")


def write_word2vec_text(vectors: WordVectors, path: Path, *, overwrite: bool = False) -> None:
    """Write word vectors in word2vec text format, with digits that bring every float32 back; ``.gz`` is compressed.

    The file appears complete or not at all.

    Raises:
        InputError: the file exists and ``overwrite`` is false; a word is empty, has white space or is not valid
            Unicode, which the format cannot hold; the values are not finite.
    """
    for index, word in enumerate(vectors.index_to_key):
        if not _is_one_field(word):
            raise InputError(
                f"the word2vec text format cannot hold the word {word!r} (at {index}): "
                "it is empty, has white space or is not valid Unicode"
            )
    bad = first_row_not_finite(vectors.vectors)
    if bad is not None:
        raise InputError(f"the vector of '{vectors.index_to_key[bad]}' has NaN or infinite values: nothing was written")
    with complete_file(path, overwrite=overwrite) as raw:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=_COMPRESSION_LEVEL, mtime=0) as file:
                _write(vectors, file)
        else:
            _write(vectors, raw)


def _is_one_field(word: str) -> bool:
    try:
        field = word.encode()
    except UnicodeEncodeError:
        return False
    return field.split() == [field]


def _write(vectors: WordVectors, file: IO[bytes] | gzip.GzipFile) -> None:
    file.write(f"{len(vectors)} {vectors.vector_size}\n".encode())
    line = "%s " + " ".join([_NINE_DIGITS] * vectors.vector_size) + "\n"
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = vectors.vectors[start : start + _ROWS_AT_ONCE].tolist()
        words = vectors.index_to_key[start : start + _ROWS_AT_ONCE]
        file.write("".join(line % (word, *row) for word, row in zip(words, rows, strict=True)).encode())
