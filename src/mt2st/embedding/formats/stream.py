"""Word vectors on their way from one file to another: blocks of words and rows, never all of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError

Block = tuple[list[str], NDArray[np.float32]]
"""Some words and their vectors, float32 [n_words, vector_size]."""

MOST_DIMENSIONS = 1 << 20
"""More is no word vector: one row alone would be 4 MB, and a header that claims it is damaged."""
_VALUES_PER_BLOCK = 1 << 17  # 512 KB of float32, 4 MB while they are Python floats
_ROWS_PER_BLOCK = 1 << 12


@dataclass(frozen=True)
class VectorStream:
    """Word vectors that can be gone through, as often as needed, in blocks.

    Going through them may raise `mt2st.errors.InputError`: what is wrong in the middle of a file shows there.

    Attributes:
        size: number of dimensions, at least 1.
        count: how many words there will be, None where only the end of the file tells.
        blocks: starts anew and yields the blocks; no word comes twice and no value is NaN or infinite, where the
            stream comes from `mt2st.embedding.formats.checked` (all those that the package hands out do).
        place: for a row, counted from 0, where it stands, as an error names it: ``vectors.txt, line 3``.
    """

    size: int
    count: int | None
    blocks: Callable[[], Iterator[Block]]
    place: Callable[[int], str]


def rows_per_block(size: int) -> int:
    """Return how many vectors of ``size`` dimensions are handled at a time: half a megabyte of them, at least one."""
    return min(_ROWS_PER_BLOCK, max(1, _VALUES_PER_BLOCK // size))


def stream_of(words: Sequence[str], vectors: NDArray[np.float32]) -> VectorStream:
    """Return words and their vectors [n_words, size] in memory as a stream; the blocks are views.

    Example:
        >>> stream = stream_of(["a", "b"], np.eye(2, dtype=np.float32))
        >>> stream.count, [block_words for block_words, _ in stream.blocks()]
        (2, [['a', 'b']])
    """
    step = rows_per_block(vectors.shape[1])

    def blocks() -> Iterator[Block]:
        for start in range(0, len(words), step):
            yield list(words[start : start + step]), vectors[start : start + step]

    return VectorStream(vectors.shape[1], len(words), blocks, lambda row: f"vectors, row {row}")


def collected(stream: VectorStream) -> tuple[list[str], NDArray[np.float32]]:
    """Return all words and vectors [n_words, size] of a stream.

    Memory grows with what really comes, not with ``stream.count``, which a damaged file may inflate.

    Raises:
        InputError: as the stream does, or when it has no word at all.
    """
    words: list[str] = []
    vectors = np.empty((0, stream.size), dtype=np.float32)
    for block_words, rows in stream.blocks():
        start = len(words)
        words += block_words
        if len(words) > len(vectors):
            room = max(2 * len(vectors), len(words))
            vectors.resize((room if stream.count is None else min(room, stream.count), stream.size), refcheck=False)
        vectors[start : len(words)] = rows
    if not words:
        raise InputError(f"{stream.place(0)}: there is no word vector")
    vectors.resize((len(words), stream.size), refcheck=False)
    return words, vectors
