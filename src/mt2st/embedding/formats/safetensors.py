"""Safetensors files, read and written row by row, and the folder of one with a vocabulary.

The safetensors library takes or gives whole tensors; a table of vectors that does not fit in memory needs its rows one
after the other. The layout (https://huggingface.co/docs/safetensors) is 8 bytes with the length of a JSON header; the
header with each tensor's type, shape and place, which spaces may follow; and the values. All is little-endian.

The folder holds ``vectors.safetensors`` and ``vocabulary.txt``: the words, one a line, in the order of the rows.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mt2st._files import complete_folder
from mt2st.embedding.formats.files import LONGEST_WORD, Source, check_replaceable, decoded, encoded
from mt2st.embedding.formats.stream import Block, VectorStream, checked, rows_per_block
from mt2st.errors import InputError

_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER = 100_000_000  # bytes: the library's own bound
_RESERVED = 512  # bytes for the header of one matrix, whose number of rows is known at the end
_CODES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I8": "i1", "I64": "<i8", "I32": "<i4"}
_TYPES: dict[str, np.dtype[Any]] = {name: np.dtype(code) for name, code in _CODES.items()}


@dataclass(frozen=True)
class Tensor:
    """A tensor in a file: values of the type ``kind``, such as ``F32``, from the byte ``offset`` on."""

    path: Path
    name: str
    kind: str
    shape: tuple[int, ...]
    offset: int

    def blocks(self, first: int = 0, last: int | None = None) -> Iterator[NDArray[np.float32]]:
        """Yield the rows ``first`` to ``last`` (exclusive) of a matrix as float32, some at a time."""
        rows, size = self.shape
        rows = rows if last is None else last
        step, kind = rows_per_block(size), _TYPES[self.kind]
        with Source(self.path) as source:
            source.seek(self.offset + first * size * kind.itemsize)
            for start in range(first, rows, step):
                wanted = min(step, rows - start) * size * kind.itemsize
                raw = source.read(wanted)
                if len(raw) != wanted:
                    raise InputError(f"{self.path}: the values of '{self.name}' end in row {start}: it is cut short")
                yield _as_float32(np.frombuffer(raw, dtype=kind), self.kind).reshape(-1, size)

    def mapped(self) -> NDArray[np.float32]:
        """Return a float32 matrix mapped read-only: only the rows that are looked at are read."""
        assert self.kind == "F32", self.kind
        try:
            return np.memmap(self.path, _TYPES["F32"], "r", offset=self.offset, shape=self.shape)
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {self.path}: {error}") from error

    def values(self) -> NDArray[Any]:
        """Return the whole tensor, in its type."""
        kind = _TYPES[self.kind]
        with Source(self.path) as source:
            source.seek(self.offset)
            raw = source.read(kind.itemsize * math.prod(self.shape))
        return np.frombuffer(raw, dtype=kind).reshape(self.shape)


def _as_float32(values: NDArray[Any], kind: str) -> NDArray[np.float32]:
    if kind == "BF16":  # the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite, and is reported as such
        return values.astype(np.float32)


def tensors_of(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file by name, after checking that they lie in it."""
    with Source(path) as source:
        if source.size is None:
            raise InputError(f"{path} is packed: unpack it first")
        head = source.read(_LENGTH.size)
        length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
        if not 2 <= length <= min(_LONGEST_HEADER, source.size - _LENGTH.size):
            raise InputError(f"{path}: no safetensors file, or one that is cut short within its header")
        raw = source.read(length)
        start = _LENGTH.size + length
        room = source.size - start
    try:
        entries = json.loads(raw)
        if not isinstance(entries, dict):
            raise TypeError("the header is no object")  # noqa: TRY301
        return {
            name: _tensor(path, name, entry, start, room) for name, entry in entries.items() if name != "__metadata__"
        }
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: the header of the safetensors file is damaged: {error}") from error


def _tensor(path: Path, name: str, entry: dict[str, Any], start: int, room: int) -> Tensor:
    kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
        raise TypeError(f"the shape or place of '{name}' is not in natural numbers")
    if not begin <= end <= room:
        raise InputError(f"{path}: the values of '{name}' reach beyond the end of the file: it is cut short")
    if kind in _TYPES:
        width = _TYPES[kind].itemsize * math.prod(shape)
        if width != end - begin:
            raise InputError(f"{path}: '{name}' of shape {list(shape)} takes {width:,} bytes, found {end - begin:,}")
    return Tensor(path, name, str(kind), shape, start + begin)


def matrix_of(path: Path, *names: str) -> Tensor:
    """Return the first tensor of some names that a safetensors file holds, which must be a matrix of numbers."""
    tensors = tensors_of(path)
    found = next((tensors[name] for name in names if name in tensors), None)
    if found is None:
        raise InputError(f"{path}: holds no tensor '{names[0]}'; found {sorted(tensors)[:5]}")
    if len(found.shape) != 2 or found.kind not in ("F64", "F32", "F16", "BF16", "I8") or found.shape[1] < 1:
        raise InputError(f"{path}: '{found.name}' must be a matrix of numbers; found {found.kind} {list(found.shape)}")
    return found


class MatrixWriter:
    """Writes one float32 matrix [*, size] to an empty safetensors file; the number of rows is known at the end."""

    def __init__(self, file: IO[bytes], name: str, size: int) -> None:
        self._file, self._name, self._size = file, name, size
        self._rows = 0
        file.write(bytes(_LENGTH.size + _RESERVED))

    def add(self, rows: NDArray[np.float32]) -> None:
        """Write some rows [n, size]."""
        self._file.write(np.ascontiguousarray(rows, dtype="<f4").tobytes())
        self._rows += len(rows)

    def finish(self) -> None:
        """Write the header."""
        place = [0, 4 * self._rows * self._size]
        entry = {"dtype": "F32", "shape": [self._rows, self._size], "data_offsets": place}
        header = json.dumps({"__metadata__": {"format": "pt"}, self._name: entry}, separators=(",", ":")).encode()
        self._file.seek(0)
        self._file.write(_LENGTH.pack(_RESERVED) + header.ljust(_RESERVED))
        self._file.seek(0, 2)


VECTORS, VOCABULARY, TENSOR = "vectors.safetensors", "vocabulary.txt", "vectors"


def read_safetensors_folder(folder: Path) -> VectorStream:
    """Open a folder with a safetensors file and a vocabulary."""
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
    """Write a folder with a safetensors file and a vocabulary; return the number of words."""
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
