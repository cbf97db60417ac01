"""Word vectors as a stream of blocks, so that files larger than memory can be read, checked and written."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.text.rows import Oddities

Block = tuple[list[str], NDArray[np.float32]]
"""Some words and their vectors, float32 [n_words, vector_size]."""

MOST_DIMENSIONS = 1 << 20
"""A header that claims more is damaged: one row alone would take 4 MB."""
_VALUES_PER_BLOCK = 1 << 17  # 512 KB of float32, 4 MB while they are Python floats
_ROWS_PER_BLOCK = 1 << 12


@dataclass(frozen=True)
class VectorStream:
    """Word vectors that can be iterated, as often as needed, in blocks.

    Iterating may raise `mt2st.errors.InputError`: faults in the middle of a file show up there.

    Attributes:
        size: number of dimensions, at least 1.
        count: number of words, at most; None if it is not known before the end.
        blocks: starts a new iteration over the blocks. Streams that the package hands out are `checked`: no word comes
            twice and no value is NaN or infinite.
        place: names the place of a row, counted from 0, in an error: ``vectors.txt, line 3``.
    """

    size: int
    count: int | None
    blocks: Callable[[], Iterator[Block]]
    place: Callable[[int], str]


def rows_per_block(size: int) -> int:
    """Return how many vectors of ``size`` dimensions form a block: half a megabyte of them, at least one."""
    return min(_ROWS_PER_BLOCK, max(1, _VALUES_PER_BLOCK // size))


def stream_of(words: Sequence[str], vectors: NDArray[Any], source: object = "") -> VectorStream:
    """Return words and vectors of floats [n_words, size], in memory or mapped, as a stream of views or copies.

    Errors name the source.
    """
    step = rows_per_block(vectors.shape[1])

    def blocks() -> Iterator[Block]:
        for start in range(0, len(words), step):
            with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite, and is reported as such
                rows = np.asarray(vectors[start : start + step], dtype=np.float32)
            yield list(words[start : start + step]), rows

    return checked(
        VectorStream(
            vectors.shape[1],
            len(words),
            blocks,
            lambda row: f"{source}, word {row + 1}" if source else f"vectors, row {row}",
        )
    )


def collected(stream: VectorStream) -> tuple[list[str], NDArray[np.float32]]:
    """Return all words and vectors [n_words, size] of a stream, which must have some.

    Memory grows with what arrives, not with ``stream.count``, which a damaged file may inflate.
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


def checked(stream: VectorStream) -> VectorStream:
    """Return the stream with every value and word checked as it passes, in 8 bytes of memory a word.

    Raises:
        InputError: (while iterating) a value is NaN or infinite, or a word comes twice; with the place of both.
    """
    return replace(stream, blocks=lambda: _checked_blocks(stream, None))


def tolerant(
    path: Path,
    size: int,
    count: int | None,
    blocks: Callable[[Oddities], Iterator[Block]],
    place: Callable[[int], str],
) -> VectorStream:
    """Return a stream from a file of others, which may hold oddities: one warning at its end counts them.

    Of a word that comes twice the first counts, as for gensim. (Words are known by a hash of 64 bits: of a million
    different ones, one is lost with a probability of 3e-8.)

    Raises:
        InputError: (while iterating) a value is NaN or infinite.
    """

    def read() -> Iterator[Block]:
        oddities = Oddities(str(path))
        stream = VectorStream(size, count, partial(blocks, oddities), place)
        try:
            yield from _checked_blocks(stream, oddities)
        except GeneratorExit:  # no more words are wanted
            oddities.warn()
            raise
        oddities.warn()

    return VectorStream(size, count, read, place)


def limited(stream: VectorStream, limit: int) -> VectorStream:
    """Return a stream of the first words alone."""

    def blocks() -> Iterator[Block]:
        left, rest = limit, stream.blocks()
        while left > 0 and (block := next(rest, None)) is not None:
            words, vectors = block
            yield words[:left], vectors[:left]
            left -= len(words)
        if hasattr(rest, "close"):
            rest.close()

    return replace(stream, blocks=blocks, count=None if stream.count is None else min(stream.count, limit))


def chosen(stream: VectorStream, vocabulary: Container[str], source: str) -> VectorStream:
    """Return a stream of the words alone that are in a vocabulary.

    Raises:
        InputError: (while iterating) there are none; names the source.
    """

    def blocks() -> Iterator[Block]:
        total, some = 0, False
        for words, vectors in stream.blocks():
            total += len(words)
            if rows := [row for row, word in enumerate(words) if word in vocabulary]:
                some = True
                yield [words[row] for row in rows], vectors[rows]
        if total and not some:
            raise InputError(f"{source}: none of its {total:,} words is in the vocabulary of the training text")

    return replace(stream, blocks=blocks, count=None)


def _checked_blocks(stream: VectorStream, oddities: Oddities | None) -> Iterator[Block]:
    seen = SeenWords()
    start = 0
    for words, vectors in stream.blocks():
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            row = int(np.flatnonzero(~finite)[0])
            raise InputError(
                f"{stream.place(start + row)}: a value of '{words[row]}' is NaN or beyond the range of float32"
            )
        again = seen.suspects(words)
        n_words = len(words)
        if oddities is None:
            for index in again:
                _confirm(stream, words[index], start + index)
        elif again:
            for index in again:
                oddities.add("words that come again, whose first vector counts", stream.place(start + index))
            kept = np.delete(np.arange(n_words), again)
            words, vectors = [words[index] for index in kept], vectors[kept]
        yield words, vectors
        start += n_words


def _confirm(stream: VectorStream, word: str, row: int) -> None:
    """Raise if an earlier row has the word: two words may by chance share a hash in `SeenWords`."""
    start = 0
    for words, _ in stream.blocks():
        first = start + words.index(word) if word in words else row
        if first < row:
            here, there = stream.place(first), stream.place(row)
            file, _, rest = here.rpartition(", ")
            earlier = f"on {rest}" if file and there.startswith(f"{file}, ") else f"at {here}"
            raise InputError(f"{there}: '{word}' again; it is also {earlier}")
        start += len(words)
        if start > row:
            return


class SeenWords:
    """Remembers words in 8 bytes each.

    Words are kept as 64-bit hashes in sorted runs, each more than twice as long as the next, so that adding a word
    costs few comparisons and moves.

    Example:
        >>> seen = SeenWords()
        >>> seen.suspects(["a", "b", "a"]), seen.suspects(["c", "b"])
        ([2], [1])
    """

    def __init__(self) -> None:
        self._runs: list[NDArray[np.int64]] = []

    def suspects(self, words: list[str]) -> list[int]:
        """Add words; return the indices of those that have probably come before.

        All repeated words are among them; any other word with probability 2**-64 for each pair of words.
        """
        hashes = np.fromiter(map(hash, words), np.int64, len(words))
        order = np.argsort(hashes, kind="stable")
        run = hashes[order]
        again = np.zeros(len(words), dtype=np.bool_)
        again[order[1:][run[1:] == run[:-1]]] = True
        for earlier in self._runs:
            at = np.minimum(np.searchsorted(earlier, hashes), len(earlier) - 1)
            again |= earlier[at] == hashes
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        if len(run):
            self._runs.append(run)
        return [int(index) for index in np.flatnonzero(again)]
