"""Texts as numbers of their tokens: by Python alone for little text, by compiled code on several cores for much."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.text.tokeniser import Tokeniser

if TYPE_CHECKING:
    from mt2st.text.token_table import Cut, TokenTable

WORTH_COMPILED = 1 << 19
"""Characters from which on compiled code is loaded: Python cuts them in the time that the loading takes."""
CHARACTERS_PER_BATCH = 1 << 19
"""Characters whose tokens are held at a time: about a hundred thousand tokens."""
DOCUMENTS_PER_BATCH = 1 << 16
"""Documents held at a time; they may be empty."""
CHARACTERS_PER_PIECE = 1 << 20
"""A longer document is tokenised in pieces, cut at spaces."""
_UNKNOWN = 1
"""The id of a token that the table lacks, until `Numbering.complete` gives it another one."""


def pays(characters: int, worth: int = WORTH_COMPILED) -> bool:
    """Return whether to use compiled code for so much text.

    The amount alone decides, whatever a process has loaded before: where sums of compiled code have other last digits,
    the same texts have the same probabilities in every process.
    """
    if characters < worth:
        return False
    from mt2st._native import available

    return available()


def _loaded() -> bool:
    """Return whether compiled code that cuts text is there already; its tokens are those of Python."""
    scan = getattr(sys.modules.get("mt2st.text.scanner"), "scan", None)  # none while another thread imports it
    return scan is not None and scan.loaded


class Numbering(Protocol):
    """What gives tokens their ids."""

    def encode(self, tokens: list[str]) -> NDArray[np.int32]:
        """Return the ids of tokens."""

    @property
    def table(self) -> TokenTable:
        """The tokens known by now, for compiled code."""

    def complete(self, cut: Cut) -> None:
        """Write the ids of the tokens that the table lacked."""


@dataclass(frozen=True)
class _Batch:
    """Documents, the longest in pieces."""

    pieces: list[str]
    unfinished: list[int]
    characters: int


def numbered(
    texts: Iterable[str], tokeniser: Tokeniser, numbering: Numbering, workers: int = 1
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """Yield the ids of all texts part by part, and the ends of the documents, counted in ids; first the end 0.

    The result does not depend on ``workers``, the number of threads.
    """
    if isinstance(texts, str):
        raise InputError("a corpus is built from many texts, found a single string; put it into a list")
    n_ids = 0
    yield np.empty(0, np.int32), np.zeros(1, np.int64)
    for batch, ids, lengths in _parts(_batches(texts), tokeniser, numbering, workers):
        ends = np.cumsum(lengths) + n_ids
        n_ids += len(ids)
        yield ids, np.delete(ends, batch.unfinished) if batch.unfinished else ends


def encoded(
    texts: Iterable[str], tokeniser: Tokeniser, numbering: Numbering, workers: int = 1
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the ids of all texts ``[n_tokens]``, and where each ends ``[n_texts + 1]``, first 0."""
    ids, ends = zip(*numbered(texts, tokeniser, numbering, workers), strict=True)
    return np.concatenate(ids), np.concatenate(ends)


def _parts(
    batches: Iterator[_Batch], tokeniser: Tokeniser, numbering: Numbering, workers: int
) -> Iterator[tuple[_Batch, NDArray[np.int32], NDArray[np.int64]]]:
    characters = 0
    for batch in batches:
        characters += batch.characters
        if _loaded() or pays(characters):
            break
        tokens: list[str] = []
        lengths = np.empty(len(batch.pieces), np.int64)
        for number, piece in enumerate(batch.pieces):
            before = len(tokens)
            tokens += tokeniser(piece)
            lengths[number] = len(tokens) - before
        yield batch, numbering.encode(tokens), lengths
    else:
        return
    from mt2st._workers import results
    from mt2st.text.token_table import Cutting

    table, cutting = numbering.table, Cutting.of(tokeniser)

    def cut_of(some: _Batch) -> tuple[_Batch, Cut]:
        return some, table.cut(some.pieces, cutting, otherwise=_UNKNOWN)

    for some, early in results(cut_of, chain([batch], batches), workers, in_order=True):
        cut = early if early.generation == table.generation else cut_of(some)[1]
        numbering.complete(cut)
        yield some, cut.ids, cut.lengths


def in_parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield texts in parts of bounded length, a longer text by itself."""
    before = np.cumsum([0, *map(len, texts)])
    first = 0
    while first < len(texts):
        end = int(np.searchsorted(before, before[first] + CHARACTERS_PER_BATCH, side="right")) - 1
        yield texts[first : max(end, first + 1)]
        first = max(end, first + 1)


def _batches(texts: Iterable[str]) -> Iterator[_Batch]:
    pieces: list[str] = []
    unfinished: list[int] = []
    characters = 0
    for text in texts:
        for piece in (text,) if len(text) <= CHARACTERS_PER_PIECE else _pieces(text):
            if characters >= CHARACTERS_PER_BATCH or len(pieces) >= DOCUMENTS_PER_BATCH:
                yield _Batch(pieces, unfinished, characters)
                pieces, unfinished, characters = [], [], 0
            if piece is not text:
                unfinished.append(len(pieces))
            pieces.append(piece)
            characters += len(piece)
        if piece is not text:
            unfinished.pop()  # the document ends with its last piece
    yield _Batch(pieces, unfinished, characters)


def _pieces(text: str) -> Iterator[str]:
    """Yield a long document in pieces that give the same tokens one by one as together."""
    start = 0
    while len(text) - start > CHARACTERS_PER_PIECE:
        cut = text.rfind(" ", start, start + CHARACTERS_PER_PIECE)
        # "<br />" holds a space at which it must not be cut.
        while cut > start and text[max(start, cut - 8) : cut].rstrip().lower().endswith(("<br", "</br")):
            cut = text.rfind(" ", start, cut)
        if cut <= start:
            cut = start + CHARACTERS_PER_PIECE
        yield text[start:cut]
        start = cut
    yield text[start:]
