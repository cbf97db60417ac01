"""The two things that no block can tell by itself or that every format must: no NaN, no word twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.formats.stream import Block, VectorStream
from mt2st.errors import InputError


def checked(stream: VectorStream) -> VectorStream:
    """Return the stream with every value and word checked as it passes.

    Takes 8 bytes of memory a word, so that a vocabulary of millions passes too.

    Raises:
        InputError: (while going through the blocks) a value that is NaN or infinite, or a word that came before; with
            the place of both.
    """
    return replace(stream, blocks=lambda: _checked_blocks(stream))


def _checked_blocks(stream: VectorStream) -> Iterator[Block]:
    seen = SeenWords()
    start = 0
    for words, vectors in stream.blocks():
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            row = int(np.flatnonzero(~finite)[0])
            raise InputError(
                f"{stream.place(start + row)}: a value of '{words[row]}' is NaN or beyond the range of float32"
            )
        for index in seen.suspects(words):
            _confirm(stream, words[index], start + index)
        yield words, vectors
        start += len(words)


def _confirm(stream: VectorStream, word: str, row: int) -> None:
    """Raise if the word stands in an earlier row; two words may by chance only look the same to `SeenWords`."""
    start = 0
    for words, _ in stream.blocks():
        first = start + words.index(word) if word in words else row
        if first < row:
            raise InputError(f"{stream.place(row)}: '{word}' again; it is also {_shortened(stream.place, first, row)}")
        start += len(words)
        if start > row:
            return


def _shortened(place: Callable[[int], str], row: int, beside: int) -> str:
    """Return the place of a row, without the file where that is the same as the other's."""
    here, there = place(row), place(beside)
    file, _, rest = here.rpartition(", ")
    return f"on {rest}" if file and there.startswith(f"{file}, ") else f"at {here}"


class SeenWords:
    """Remembers which words came, in 8 bytes each.

    Words are kept as 64-bit hash values in sorted runs, each more than twice as long as the next, so that a word costs
    few comparisons and is moved few times.

    Example:
        >>> seen = SeenWords()
        >>> seen.suspects(["a", "b", "a"]), seen.suspects(["c", "b"])
        ([2], [1])
    """

    def __init__(self) -> None:
        self._runs: list[NDArray[np.int64]] = []

    def suspects(self, words: list[str]) -> list[int]:
        """Add words; return which of them have probably come before, as indices.

        All that came before are among them. Any other is with a probability of 1 to 2**64 for each pair of words.
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
