"""Tokenises text once and writes the ids to files, in flat memory.

The final ids depend on counts that are known only at the end. So the text is written with provisional ids, numbered by
first appearance, which are replaced in place afterwards, block by block.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import chain, count, islice
from typing import IO, TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import DataWarning
from mt2st.text.numbering import numbered
from mt2st.text.tokeniser import Tokeniser, joined_words, unsegmented
from mt2st.text.vocabulary import UNK, OpenVocabulary, Vocabulary

if TYPE_CHECKING:
    from mt2st.text.token_table import Cut, TokenTable

IDS_TYPE = np.dtype("<i4")
OFFSETS_TYPE = np.dtype("<i8")

IDS_PER_BLOCK = 1 << 20
"""Ids read, replaced and written back at a time: 4 MB."""
MOST_TYPES = 1_000_000
"""Distinct tokens counted at a time: about 150 MB of dictionary. Past it the rarest are forgotten."""
TEXTS_TRIED, CHARACTERS_TRIED = 100, 1 << 14
"""By so many texts, and characters of each, it is found whether they are cut into words."""
TYPES_AFTER_PRUNING = MOST_TYPES // 2


def write_known(
    texts: Iterable[str],
    tokeniser: Tokeniser,
    vocabulary: Vocabulary | OpenVocabulary,
    ids: BinaryIO,
    offsets: BinaryIO,
    *,
    workers: int = 1,
) -> None:
    """Write the texts in the ids of a vocabulary (`IDS_TYPE`), and the documents' offsets (`OFFSETS_TYPE`)."""
    for part, ends in numbered(texts, tokeniser, vocabulary, workers):
        ids.write(part.astype(IDS_TYPE, copy=False).data)
        offsets.write(ends.astype(OFFSETS_TYPE, copy=False).data)


def write_texts(
    texts: Iterable[str],
    tokeniser: Tokeniser,
    vocabulary: Vocabulary | None,
    ids: BinaryIO,
    offsets: BinaryIO,
    *,
    min_count: int,
    max_size: int | None,
    workers: int = 1,
) -> Vocabulary:
    """Write the texts in the ids of a vocabulary, else of the one that they make, and return it.

    Whenever more than `MOST_TYPES` distinct tokens are counted, the rarest are dropped until at most
    `TYPES_AFTER_PRUNING` are left, as in word2vec: their occurrences so far become `UNK`, and their count starts from 0
    again. With fewer distinct tokens all counts are exact. ``ids`` must be open for reading and writing.
    """
    if vocabulary is not None:
        write_known(texts, tokeniser, vocabulary, ids, offsets, workers=workers)
        return vocabulary
    from tempfile import TemporaryFile

    table = _ProvisionalIds()
    if tokeniser.tokens == "words":
        texts = _segmented(texts)
    with ExitStack() as files:
        # Between two prunings a provisional id means one token: the number of ids up to each, and its new numbers.
        prunings: list[tuple[int, IO[bytes]]] = []
        n_ids = 0
        for part, ends in numbered(texts, tokeniser, table, workers):
            ids.write(part.astype(IDS_TYPE, copy=False).data)
            offsets.write(ends.astype(OFFSETS_TYPE, copy=False).data)
            n_ids += len(part)
            if len(table) > MOST_TYPES:
                prunings.append((n_ids, files.enter_context(TemporaryFile())))
                np.save(prunings[-1][1], table.prune())
        vocabulary, final = table.vocabulary(min_count, max_size)
        ids.flush()
        stop = n_ids
        for end, file in reversed(prunings):
            _replace(ids, end, stop, final)
            file.seek(0)
            # One entry more, so that the number -1 of a forgotten token finds it.
            final, stop = np.append(final, np.int32(UNK))[np.load(file)], end
        _replace(ids, 0, stop, final)
    return vocabulary


def _segmented(texts: Iterable[str]) -> Iterable[str]:
    """Pass texts on, and warn if the first ones should be cut in another way."""
    if isinstance(texts, str):
        return texts
    rest = iter(texts)
    first: list[str] = []
    for text in islice(rest, TEXTS_TRIED):
        first.append(text)
        if len(text) > CHARACTERS_TRIED:
            break
    sample = [text[:CHARACTERS_TRIED] for text in first]
    advice = ""
    if (script := unsegmented(sample)) is not None:
        advice = (
            f"the texts are in a script that sets no spaces between words ({script}), so most of their words are "
            f"unknown: cut them into words first and give --tokens whitespace (tokens='whitespace'), or read single "
            f"characters by --tokens characters (tokens='characters')"
        )
    elif (joined := joined_words(sample)) is not None:
        advice = (
            f"words such as '{joined}' are cut at their signs: if the texts are tokenised already, give --tokens "
            f"whitespace (tokens='whitespace')"
        )
    if advice:
        warnings.warn(advice, DataWarning, stacklevel=2)
    return chain(first, rest)


class _ProvisionalIds:
    """Numbers tokens by first appearance and counts them: in a dictionary, then in a table for compiled code."""

    def __init__(self) -> None:
        self._ids: defaultdict[str, int] = defaultdict(count().__next__)
        self._table: TokenTable | None = None
        self._counts = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ids if self._table is None else self._table)

    def encode(self, tokens: list[str]) -> NDArray[np.int32]:
        ids = np.fromiter(map(self._ids.__getitem__, tokens), np.int32, len(tokens))
        self._count(ids)
        return ids

    @property
    def table(self) -> TokenTable:
        if self._table is None:
            from mt2st.text.token_table import TokenTable

            self._table = TokenTable(self._ids)
            self._ids.clear()
        return self._table

    def complete(self, cut: Cut) -> None:
        self.table.add(cut)
        self._count(cut.ids)

    def prune(self) -> NDArray[np.int32]:
        """Drop the rarest tokens; return the new number of each old one, -1 for those dropped."""
        by_count = np.sort(self._counts)
        most_of_the_rare = by_count[len(by_count) - TYPES_AFTER_PRUNING - 1]
        kept = self._counts > most_of_the_rare
        numbers = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
        self._counts = self._counts[kept]
        if self._table is not None:
            self._table.keep(kept)
            return numbers
        names = [token for token, keep in zip(self._ids, kept.tolist(), strict=True) if keep]
        self._ids.clear()
        self._ids.update(zip(names, count(), strict=False))
        self._ids.default_factory = count(len(names)).__next__
        return numbers

    def vocabulary(self, min_count: int, max_size: int | None) -> tuple[Vocabulary, NDArray[np.int32]]:
        """Return the vocabulary and the final id of each number; empties the table to make room."""
        names = list(self._ids) if self._table is None else self._table.tokens
        self._ids.clear()
        self._table = None
        return Vocabulary.ranked(names, self._counts, min_count=min_count, max_size=max_size)

    def _count(self, ids: NDArray[np.int32]) -> None:
        if len(self) > len(self._counts):
            room = np.zeros(len(self) - len(self._counts), dtype=np.int64)
            self._counts = np.concatenate([self._counts, room])
        np.add.at(self._counts, ids, 1)


def _replace(file: BinaryIO, start: int, stop: int, final: NDArray[np.int32]) -> None:
    """Replace the provisional ids from `start` to `stop`, by reads and writes: mapped pages would count as memory."""
    for first in range(start, stop, IDS_PER_BLOCK):
        size = min(IDS_PER_BLOCK, stop - first) * IDS_TYPE.itemsize
        file.seek(first * IDS_TYPE.itemsize)
        block = np.frombuffer(file.read(size), dtype=IDS_TYPE)
        file.seek(first * IDS_TYPE.itemsize)
        file.write(final[block].astype(IDS_TYPE, copy=False).data)
    file.flush()
