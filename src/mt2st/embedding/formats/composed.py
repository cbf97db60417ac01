"""Words that are made of n-grams, as a stream: each the mean of its own row and those of its n-grams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mt2st.embedding.formats.stream import Block
from mt2st.embedding.subwords import SubwordRows, SubwordSettings
from mt2st.errors import InputError

_MOST_NGRAMS = 1 << 18  # of one word: 65,536 characters in lengths of 3 to 6
_MOST_NGRAMS_PER_WORD = 1_000  # on average; words of a text have about 20


def composed_blocks(
    words: Sequence[str], own: Iterable[NDArray[np.float32]], ngrams: NDArray[np.float32], settings: SubwordSettings
) -> Iterator[Block]:
    """Yield words with their composed vectors, in the blocks in which their own rows come.

    Args:
        words: V words.
        own: their own rows, in float32 blocks [n, D].
        ngrams: the rows of the n-grams, float32 [bucket, D]; mapped ones are read only where a word needs them.
        settings: which n-grams.
    """
    start = 0
    for rows_of_words in own:
        block = words[start : start + len(rows_of_words)]
        rows = SubwordRows.of(block, settings)
        # Only the n-grams' rows that the block needs; its own rows come first, as every word has one.
        needed, places = np.unique(rows.rows, return_inverse=True)
        table = np.concatenate([rows_of_words, ngrams[needed[len(block) :] - len(block)]])
        with np.errstate(over="ignore", invalid="ignore"):  # reported as not finite
            vectors = SubwordRows(rows.offsets, places.astype(np.int32), len(table) - len(block)).composed(table)
        yield list(block), vectors
        start += len(block)


def check_ngrams(words: Sequence[str], settings: SubwordSettings) -> None:
    """Raise if a file's words would have so many n-grams that the file is damaged: they take memory that it does not.

    Raises:
        InputError: with the number of n-grams that there would be.
    """
    length = np.fromiter(map(len, words), np.int64, len(words)) + 2  # with the boundaries
    most = np.minimum(length, settings.max_n)
    kinds = np.maximum(most - settings.min_n + 1, 0)
    # Of n characters there are length - n + 1: an arithmetic series from min_n to most.
    ngrams = int((kinds * (2 * (length + 1) - settings.min_n - most) // 2).sum())
    if ngrams > max(_MOST_NGRAMS, _MOST_NGRAMS_PER_WORD * len(words)):
        raise InputError(
            f"{len(words):,} words, the longest of {int(length.max()) - 2:,} characters, would have {ngrams:,} n-grams "
            f"of {settings.min_n} to {settings.max_n}: damaged"
        )
