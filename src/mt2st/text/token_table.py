"""Tokens by number for compiled code, which cuts text and finds the numbers without Python's objects in between."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mt2st._native import I32, I64, U8, U64
from mt2st.text import scanner
from mt2st.text.scanner import fill_slots, number_unknown, scan
from mt2st.text.tokeniser import BETWEEN, LETTER, LONGEST_RUN, LONGEST_TOKEN, SPACES, Tokeniser, mark_ranges

_FEWEST_SLOTS, _LEAST_ROOM = 1 << 12, 1 << 16
_ASCII, _LAST_LETTER = 0x80, 0x34000
"""Code points beyond which no character is ASCII, or a letter."""


@dataclass(frozen=True)
class Cutting:
    """How text is cut for compiled code.

    Attributes:
        prepare: brings text to the form that is cut.
        separators: characters between tokens, as in a class of a regular expression; None cuts words as a `Tokeniser`.
        longest: characters of the longest token between separators.
    """

    prepare: Callable[[str], str]
    separators: str | None = None
    longest: int = LONGEST_TOKEN

    @classmethod
    def of(cls, tokeniser: Tokeniser) -> Cutting:
        """Return how a tokeniser cuts."""
        return cls(tokeniser.prepared, SPACES if tokeniser.tokens == "whitespace" else None)


@dataclass(frozen=True)
class Cut:
    """Documents as a table knew their tokens.

    Attributes:
        text: ``[n_bytes]`` in the form that is cut, a NUL byte after each document.
        ids: ``[n_tokens]``.
        lengths: ``[n_documents]`` number of tokens.
        unknown: ``[n_unknown, 3]``: of each unknown token the place among the ids, start and end in the text.
        generation: of the table.
    """

    text: U8
    ids: I32
    lengths: I64
    unknown: I64
    generation: int

    def unknown_tokens(self) -> list[str]:
        """Return the unknown tokens in the order of the text."""
        text = self.text.tobytes()
        return [text[start:stop].decode("utf-8", "surrogatepass") for _, start, stop in self.unknown.tolist()]


@dataclass(frozen=True)
class _State:
    """A table as readers see it: those who have an earlier one go on with it while tokens are added."""

    slots: U64
    letters: U8
    starts: I64
    size: int
    generation: int


class TokenTable:
    """Tokens, numbered by first appearance.

    Several threads may `cut` while one adds tokens.

    Args:
        tokens: the first ones; none holds a NUL.

    Example:
        >>> table = TokenTable(["a", "film"])
        >>> cut = table.cut(["A fine film.", "Fine!"], Cutting.of(Tokeniser()), otherwise=-1)
        >>> cut.ids.tolist(), cut.lengths.tolist(), cut.unknown_tokens()
        ([0, -1, 1, -1, -1, -1], [4, 2], ['fine', '.', 'fine', '!'])
        >>> table.add(cut)
        >>> cut.ids.tolist(), table.tokens
        ([0, 2, 1, 3, 2, 4], ['a', 'film', 'fine', '.', '!'])
    """

    def __init__(self, tokens: Iterable[str] = ()) -> None:
        letters = np.frombuffer(_encoded("".join(f"{token}\0" for token in tokens)), np.uint8)
        starts = np.concatenate([[0], np.flatnonzero(letters == 0) + 1]).astype(np.int64)
        self._state = _filled(letters, starts, generation=0)

    def __len__(self) -> int:
        return self._state.size

    @property
    def tokens(self) -> list[str]:
        """The tokens by number."""
        state = self._state
        letters = state.letters[: state.starts[state.size]].tobytes()
        return letters.decode("utf-8", "surrogatepass").split("\0")[:-1]

    def cut(self, documents: Sequence[str], cutting: Cutting, *, otherwise: int) -> Cut:
        """Cut documents into tokens and look up those known by now; the others have the id ``otherwise``."""
        prepared = _encoded(_joined(documents, cutting.prepare))
        return self.cut_bytes(prepared, len(documents), cutting, otherwise=otherwise)

    def cut_bytes(self, documents: bytes, n_documents: int, cutting: Cutting, *, otherwise: int) -> Cut:
        """Cut documents that are prepared already: UTF-8, a NUL after each."""
        state, text = self._state, np.frombuffer(documents, np.uint8)
        ids, lengths = np.empty(len(text), np.int32), np.empty(n_documents, np.int64)
        unknown = np.empty(3 * len(text), np.int64)
        n_unknown = scan(
            text,
            len(text),
            _flags(cutting.separators, only_ascii=documents.isascii()),
            LONGEST_RUN,
            0 if cutting.separators is None else cutting.longest,
            state.slots,
            len(state.slots),
            state.letters,
            state.starts,
            state.size,
            ids,
            lengths,
            otherwise,
            unknown,
        )
        found = unknown[: 3 * n_unknown].reshape(-1, 3).copy()
        return Cut(text, ids[: lengths.sum()].copy(), lengths, found, state.generation)

    def add(self, cut: Cut) -> None:
        """Number the tokens that are still unknown, and write their ids to the cut."""
        assert cut.generation == self._state.generation, "the table's numbers are others now"
        self._make_room(cut.unknown)
        state = self._state
        size = number_unknown(
            cut.text,
            cut.unknown,
            len(cut.unknown),
            cut.ids,
            state.slots,
            len(state.slots),
            state.letters,
            state.starts,
            state.size,
        )
        self._state = _State(state.slots, state.letters, state.starts, size, state.generation)

    @property
    def letters(self) -> tuple[U8, I64]:
        """The bytes of the tokens, a NUL after each, and where each begins."""
        return self._state.letters, self._state.starts

    @property
    def generation(self) -> int:
        """Number of times that tokens were numbered again."""
        return self._state.generation

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Forget the other tokens, and number those that are kept again in their order."""
        state = self._state
        lengths = np.diff(state.starts[: state.size + 1])
        letters = state.letters[: state.starts[state.size]][np.repeat(kept, lengths)]
        starts = np.concatenate([[0], np.cumsum(lengths[kept])])
        self._state = _filled(letters, starts, generation=state.generation + 1)

    def _make_room(self, unknown: I64) -> None:
        """Take larger arrays if all unknown tokens may not fit; who reads the former ones goes on with them."""
        state = self._state
        most = state.size + len(unknown)
        n_letters = int(state.starts[state.size] + (unknown[:, 2] - unknown[:, 1] + 1).sum())
        slots, letters, starts = state.slots, state.letters, state.starts
        if 2 * most > len(slots):
            slots = _slots(most, letters, starts, state.size)
        if n_letters > len(letters):
            letters = np.concatenate([letters, np.empty(n_letters + _LEAST_ROOM, np.uint8)])
        if most >= len(starts):
            starts = np.concatenate([starts, np.empty(most + _LEAST_ROOM, np.int64)])
        self._state = _State(slots, letters, starts, state.size, state.generation)


def _filled(letters: U8, starts: I64, *, generation: int) -> _State:
    size = len(starts) - 1
    return _State(_slots(size, letters, starts, size), letters, starts, size, generation)


def _slots(most: int, letters: U8, starts: I64, size: int) -> U64:
    """Return slots for so many tokens, at least twice as many, filled with the first ones."""
    slots = np.zeros(max(_FEWEST_SLOTS, 1 << (2 * most).bit_length()), np.uint64)
    fill_slots(slots, len(slots), letters, starts, size)
    return slots


def _joined(documents: Sequence[str], prepare: Callable[[str], str]) -> str:
    """Return documents in the form that is cut, a NUL after each; those in them become spaces, which separate, too."""
    whole = "\0".join([*documents, ""])
    if whole.count("\0") != len(documents):
        return "".join(prepare(each).replace("\0", " ") + "\0" for each in documents)
    # Beyond ASCII, all is slower. So few such texts are prepared apart from the others.
    apart = [] if whole.isascii() else [number for number, each in enumerate(documents) if not each.isascii()]
    if 2 * len(apart) > len(documents) or not apart:
        return prepare(whole)
    plain = list(documents)
    for number in apart:
        plain[number] = ""
    parts = prepare("\0".join([*plain, ""])).split("\0")
    for number in apart:
        parts[number] = prepare(documents[number])
    return "\0".join(parts)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@cache
def _flags(separators: str | None, *, only_ascii: bool) -> U8:
    """Return the kinds of the characters up to the last that can come, from the tokeniser's own expressions."""
    flags = np.zeros(_ASCII if only_ascii else sys.maxunicode + 1, np.uint8)
    characters = np.arange(min(len(flags), _LAST_LETTER), dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    kinds = {LETTER: scanner.LETTER, f"[{BETWEEN}]": scanner.SEPARATOR, "[0-9]": scanner.DIGIT}
    for kind, flag in kinds.items() if separators is None else [(f"[{separators}]", scanner.SEPARATOR)]:
        for run in re.finditer(f"{kind}+", characters):
            flags[run.start() : run.end()] |= flag
    if not only_ascii and separators is None:
        for first, last in mark_ranges():
            flags[first : last + 1] |= scanner.MARK
    return flags
