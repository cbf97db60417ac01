"""A corpus in chunks for the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHUNK_WORDS = 50_000
"""Words of one kernel call: a tenth of a second of work or less between two reports, and nothing lost in between."""
_USUAL_SIZE = 300
_FEWEST_WORDS = 1_000


def chunk_words(vector_size: int) -> int:
    """Return the words of one kernel call: fewer for vectors larger than usual.

    Example:
        >>> chunk_words(100), chunk_words(300), chunk_words(3_000), chunk_words(1_000_000)
        (50000, 50000, 5000, 1000)
    """
    return max(_FEWEST_WORDS, CHUNK_WORDS * _USUAL_SIZE // max(_USUAL_SIZE, vector_size))


@dataclass(frozen=True)
class Chunk:
    """A slice of a corpus for one kernel call.

    Attributes:
        number: counts the chunks over all epochs: the stream of their random numbers.
        words_before: words of all earlier chunks, earlier epochs included.
        offsets: bounds of the (parts of) documents, int64.
    """

    number: int
    words_before: int
    offsets: NDArray[np.int64]

    @property
    def words(self) -> int:
        """Words of the chunk."""
        return int(self.offsets[-1] - self.offsets[0])


def chunks(offsets: NDArray[np.int64], epochs: int, chunk_words: int = CHUNK_WORDS) -> Iterator[Chunk]:
    """Cut a corpus into chunks of whole documents, at most ``chunk_words`` words each, ``epochs`` times over.

    Only a document longer than that is itself cut.

    Example:
        >>> [chunk.offsets.tolist() for chunk in chunks(np.array([0, 3, 5, 14]), epochs=1, chunk_words=6)]
        [[0, 3, 5], [5, 11], [11, 14]]
    """
    number = words_before = 0
    for _ in range(epochs):
        document, position = 0, int(offsets[0])
        while position < offsets[-1]:
            # The last document end within reach, or a cut where there is none.
            end = int(np.searchsorted(offsets, position + chunk_words, side="right")) - 1
            if end > document:
                bounds = offsets[document : end + 1].copy()
                bounds[0] = position
                document = end
            else:
                bounds = np.array([position, position + chunk_words], dtype=np.int64)
            yield Chunk(number, words_before, bounds)
            number, words_before, position = number + 1, words_before + int(bounds[-1]) - position, int(bounds[-1])
