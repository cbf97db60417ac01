"""The tokens that have an id, and how often each was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError

if TYPE_CHECKING:
    from mt2st.text.token_table import Cut, TokenTable

PAD = 0
"""The id of padding, ``<pad>``: fills up the shorter texts of a batch."""
UNK = 1
"""The id of every token that the vocabulary does not hold, ``<unk>``."""
SPECIALS = ("<pad>", "<unk>")

MOST_DIGITS = 18
"""A count of this many digits always fits in int64."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Tokens by id, with their counts. Ids 0 and 1 are always ``<pad>`` and ``<unk>``, whose counts are 0.

    `from_counts` sorts the tokens by falling count, ties by first appearance, so the ids depend on the text alone.

    Attributes:
        tokens: V tokens, the two specials first.
        counts: V counts, int64, read-only.

    Raises:
        InputError: the specials are not in their places, a token is empty, comes twice or holds a tab, a line feed or
            a NUL, or the counts are not as many as the tokens, or negative.

    Example:
        >>> vocabulary = Vocabulary.from_counts({"film": 7, "a": 9, "rare": 1}, min_count=5)
        >>> vocabulary.tokens
        ('<pad>', '<unk>', 'a', 'film')
        >>> vocabulary.encode(["a", "rare", "film"])
        array([2, 1, 3], dtype=int32)
        >>> vocabulary.decode([2, 1, 3])
        ['a', '<unk>', 'film']
    """

    tokens: tuple[str, ...]
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.tokens[: len(SPECIALS)] != SPECIALS:
            raise InputError(f"a vocabulary starts with the tokens {SPECIALS}, found {self.tokens[: len(SPECIALS)]}")
        counts = np.array(self.counts, dtype=np.int64)
        if counts.shape != (len(self.tokens),):
            raise InputError(f"a vocabulary of {len(self.tokens)} tokens needs as many counts, found {counts.shape}")
        if (counts < 0).any():
            raise InputError(f"counts cannot be negative, found {counts.min()} for {self.tokens[counts.argmin()]!r}")
        together = "".join(self.tokens)
        if not all(self.tokens) or any(sign in together for sign in "\t\n\0"):
            wrong = next(token for token in self.tokens if not token or any(sign in token for sign in "\t\n\0"))
            raise InputError(f"a token cannot be empty or hold a tab, a line feed or a NUL, found {wrong!r}")
        if len(self._ids) < len(self.tokens):
            twice = Counter(self.tokens).most_common(1)[0][0]
            raise InputError(f"a vocabulary holds each token once, found {twice!r} twice")
        counts.flags.writeable = False
        object.__setattr__(self, "counts", counts)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens)}

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], min_count: int = 5, max_size: int | None = None) -> Vocabulary:
        """Return the vocabulary of the tokens that were seen often enough.

        Args:
            counts: how often each token was seen. The names of the specials are passed over.
            min_count: tokens seen fewer times are left out, at least 1.
            max_size: keep at most so many of the most frequent tokens, the specials not counted; None for all.

        Raises:
            InputError: no token is left, or a parameter is out of range.
        """
        tokens = [token for token in counts if token not in SPECIALS]
        seen = np.fromiter((counts[token] for token in tokens), np.int64, len(tokens))
        return cls.ranked(tokens, seen, min_count=min_count, max_size=max_size)[0]

    @classmethod
    def ranked(
        cls, tokens: Sequence[str], counts: NDArray[np.int64], *, min_count: int, max_size: int | None
    ) -> tuple[Vocabulary, NDArray[np.int32]]:
        """Return the vocabulary of n numbered tokens, and the id of each number in it: int32 [n], `UNK` if left out.

        ``tokens`` are distinct, in the order of their first appearance; ``counts`` are int64 [n]. The specials among
        them, which text that is tokenised already may hold, are left out.
        The other arguments are those of `from_counts`.
        """
        if min_count < 1:
            raise InputError(f"min_count must be 1 or more, found {min_count}")
        if max_size is not None and max_size < 1:
            raise InputError(f"the largest size of a vocabulary must be 1 or more, found {max_size}")
        special = [number for number, token in enumerate(tokens) if token in SPECIALS]
        if special:
            counts = counts.copy()
            counts[special] = 0
        order = np.argsort(-counts, kind="stable")
        order = order[counts[order] >= min_count][:max_size]
        if not len(order):
            if not len(tokens):
                raise InputError("the vocabulary is empty: the text has no tokens")
            raise InputError(
                f"the vocabulary is empty: none of the {len(tokens):,} distinct tokens comes {min_count:,} times "
                f"(min_count); the most frequent comes {counts.max():,} times. Lower min_count"
            )
        ids = np.full(len(tokens), UNK, dtype=np.int32)
        ids[order] = np.arange(len(SPECIALS), len(SPECIALS) + len(order), dtype=np.int32)
        kept = (*SPECIALS, *map(tokens.__getitem__, order.tolist()))
        return cls(kept, np.concatenate([np.zeros(len(SPECIALS), dtype=np.int64), counts[order]])), ids

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self.tokens == other.tokens and bool(np.array_equal(self.counts, other.counts))

    def __hash__(self) -> int:
        return hash(self.tokens)

    def id_of(self, token: str) -> int:
        """Return the id of a token, `UNK` when the vocabulary does not hold it."""
        return self._ids.get(token, UNK)

    def encode(self, tokens: Sequence[str]) -> NDArray[np.int32]:
        """Return the ids of tokens, int32, with `UNK` for those the vocabulary does not hold."""
        return np.fromiter(map(self._ids.get, tokens, repeat(UNK)), np.int32, len(tokens))

    @cached_property
    def table(self) -> TokenTable:
        """The tokens for compiled code (`mt2st.text.numbering.Numbering`)."""
        from mt2st.text.token_table import TokenTable

        return TokenTable(self.tokens)

    def complete(self, cut: Cut) -> None:
        """Leave the tokens that the vocabulary does not hold unknown."""

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of ids; an id outside the vocabulary is an `IndexError`."""
        chosen = [int(number) for number in ids]
        if chosen and min(chosen) < 0:
            raise IndexError(f"ids run from 0 to {len(self) - 1}, found {min(chosen)}")
        return [self.tokens[number] for number in chosen]

    def save(self, path: str | Path) -> None:
        """Write the vocabulary as UTF-8 text: one token, a tab and its count per line, in the order of the ids.

        The file appears whole or not at all, and replaces an earlier one.

        Raises:
            InputError: the folder does not exist or cannot be written.
        """
        from mt2st._files import complete_file

        lines = "".join(f"{token}\t{count}\n" for token, count in zip(self.tokens, self.counts, strict=True))
        try:
            content = lines.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                f"{path}: a token holds half of a surrogate pair, which is no character: {error}"
            ) from error
        with complete_file(Path(path), overwrite=True) as file:
            file.write(content)

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Read a vocabulary that `save` wrote.

        Raises:
            InputError: the file cannot be read or is no vocabulary; names the file and the line.
        """
        from mt2st.text.lines import read_lines

        path = Path(path)
        with suppress(OSError, ValueError, OverflowError):  # what is wrong, and in which line, is found below
            if path.is_file():
                return cls(*_columns(path.read_bytes()))
        numbers: dict[str, int] = {}
        counts: list[int] = []
        for line, content in enumerate(read_lines(path), 1):
            token, tab, count = content.removesuffix("\n").partition("\t")
            if not (token and tab and count.isascii() and count.isdigit() and len(count) <= MOST_DIGITS):
                raise InputError(f"{path}, line {line}: expected a token, a tab and its count, found {content!r}")
            if line <= len(SPECIALS) and (token != SPECIALS[line - 1] or int(count) != 0):
                raise InputError(
                    f"{path}, line {line}: expected the special token {SPECIALS[line - 1]!r} with count 0, "
                    f"found {content!r}"
                )
            if numbers.setdefault(token, line) != line:
                raise InputError(f"{path}, line {line}: the token {token!r} stands on line {numbers[token]} already")
            counts.append(int(count))
        if len(counts) < len(SPECIALS):
            raise InputError(f"{path}: is no vocabulary: its first lines must hold the tokens {SPECIALS}")
        return cls(tuple(numbers), np.array(counts, dtype=np.int64))


def _columns(content: bytes) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the tokens and counts of a vocabulary's file, in a third of the time that a look at each line takes."""
    content = content.removesuffix(b"\n")
    fields = content.decode().replace("\n", "\t").split("\t")
    counts = np.array(list(map(int, fields[1::2])), dtype=np.int64)
    signs, digits = np.frombuffer(content, dtype=np.uint8), "".join(fields[1::2])
    between = signs[(signs == ord("\t")) | (signs == ord("\n"))]
    in_turn = (between[::2] == ord("\t")).all() and (between[1::2] == ord("\n")).all()
    whole = digits.isascii() and digits.isdigit() and counts.max() < 10**MOST_DIGITS
    if not in_turn or not whole or counts[: len(SPECIALS)].any():
        raise ValueError
    return tuple(fields[::2]), counts


class OpenVocabulary:
    """Gives each word outside a vocabulary an id of its own after the vocabulary's, in order of appearance.

    For models that make vectors of unseen words. It grows with every new word: make one for a bounded amount of text.

    Example:
        >>> known = Vocabulary.from_counts({"film": 7, "a": 9}, min_count=5)
        >>> words = OpenVocabulary(known)
        >>> words.encode(["a", "rare", "film", "rarest", "rare"]).tolist(), words.further
        ([2, 4, 3, 5, 4], ['rare', 'rarest'])
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._further: dict[str, int] = {}

    @property
    def further(self) -> list[str]:
        """The words outside the vocabulary; the first has the id V."""
        return list(self._further)

    @property
    def table(self) -> TokenTable:
        """The vocabulary's tokens for compiled code."""
        return self.vocabulary.table

    def complete(self, cut: Cut) -> None:
        """Give the other words their ids."""
        if len(cut.unknown):
            cut.ids[cut.unknown[:, 0]] = self.encode(cut.unknown_tokens())

    def encode(self, tokens: Sequence[str]) -> NDArray[np.int32]:
        """Return the ids of tokens, int32."""
        ids = self.vocabulary.encode(tokens)
        first = len(self.vocabulary)
        for at in np.flatnonzero(ids == UNK).tolist():
            if tokens[at] != SPECIALS[UNK]:
                ids[at] = self._further.setdefault(tokens[at], first + len(self._further))
        return ids
