"""Word vectors that several processes train together, each on its share of the text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError, LostProcessError
from mt2st.text import SPECIALS, Corpus, Vocabulary

ValueT = TypeVar("ValueT")

WORDS_A_ROW, FEWEST_ROUNDS, FEWEST_WORDS = 50, 50, 50_000
"""Words that a process trains on between two joins of the tables, for each of their rows: then the joins take about a
tenth of the time on one machine. But there are some joins in each training, unless so few words would be left."""
_ROUNDS_A_PROCESS = 5
"""Least joins of a training for each process: with more processes the momentum needs more joins to take effect."""
_ROWS_AT_ONCE = 1 << 12
_IDS_AT_ONCE = 1 << 20


class Together(Protocol):
    """What processes that train together need of each other; `mt2st.training.connected` gives it.

    Attributes:
        rank: number of this process, from 0.
        count: number of processes.
        on_machine: how many of them share this machine's memory.
    """

    rank: int
    count: int
    on_machine: int

    def sums(self, values: Sequence[float]) -> list[float]:
        """Return each number summed over the processes."""

    def of_first(self, compute: Callable[[], ValueT]) -> ValueT:
        """Return what the first process computes."""

    def from_each(self, value: ValueT) -> list[ValueT]:
        """Return the values of all processes in the first one; an empty list in the others."""

    def average(self, tables: Iterable[NDArray[np.float32]]) -> None:
        """Replace tables by their mean over the processes, in place."""


class Rounds:
    r"""The rounds of a training: at the end of each, the processes join what they have made of the tables.

    Each process trains for a round from tables :math:`\theta` that all have, on its own text at the usual rate, and
    arrives at :math:`\theta + \delta_i`. With the mean :math:`\bar\delta` over the :math:`n` processes,

    .. math:: v \leftarrow \mu v + \bar\delta, \qquad \theta \leftarrow \theta + \bar\delta + \mu v,
              \qquad \mu = 1 - 1/n

    (Nesterov's momentum on the joined steps: Wang et al. 2020, SlowMo, arXiv 1910.00643; Douillard et al. 2023, DiLoCo,
    arXiv 2311.08105). A mean alone takes the steps of one process for the text of all, and learns :math:`n` times too
    little of it; a sum overshoots where frequent words are moved alike by all. The momentum gives what goes one way
    over the rounds its :math:`n`-fold length, and is stable.

    Args:
        together: the processes.
        words: words of this process's text, over all epochs.
        tables: what they train, float32; alike in all processes.
        frozen: rows of the first table that do not change; of size 0 for none.

    Attributes:
        total: words of all processes.

    Raises:
        InputError: a process has no text.
    """

    def __init__(
        self, together: Together, words: int, tables: Sequence[NDArray[np.float32]], frozen: NDArray[np.bool_]
    ) -> None:
        own = [float(words) if rank == together.rank else 0.0 for rank in range(together.count)]
        shares = together.sums(own)
        if not all(shares):
            raise InputError(
                f"{together.count} processes, but only {sum(map(bool, shares))} of them have text with words of the "
                "vocabulary: start fewer, or give more text"
            )
        self.total, largest = round(sum(shares)), round(max(shares))
        rows = sum(map(len, tables)) / len(tables)
        # With more, rounds would end between which no process has trained: the momentum alone would move the tables.
        most = max(1, largest // FEWEST_WORDS)
        self._count = min(
            most, max(FEWEST_ROUNDS, _ROUNDS_A_PROCESS * together.count, round(largest / (WORDS_A_ROW * rows)))
        )
        self._together, self._words, self._tables, self._frozen = together, words, tables, frozen
        self._starts: list[NDArray[np.float32]] = []
        self._momenta: list[NDArray[np.float32]] = []
        self._first = self._joined = 0

    def begin(self, done: int) -> None:
        """Begin with the tables as the first process has them, after so many of the words of all."""
        if done:  # from a checkpoint, which the first process has read
            for table in self._tables:
                for first in range(0, len(table), _ROWS_AT_ONCE):
                    rows = table[first : first + _ROWS_AT_ONCE]
                    rows[:] = self._together.of_first(lambda rows=rows: rows)  # type: ignore[misc]
        self._first = self._joined = done * self._count // self.total
        self._starts = [table.copy() for table in self._tables]
        self._momenta = [np.zeros_like(table) for table in self._tables]

    def is_over(self, words: int) -> bool:
        """Return whether this process's text up to so many words was done before it began."""
        return words * self._count // self._words < self._first

    def due(self, words: int) -> int:
        """Return how many rounds have ended and were not joined when this process has done so many words."""
        return words * self._count // self._words - self._joined

    def join(self) -> None:
        """End a round.

        Raises:
            LostProcessError: another process has ended. The tables are those of the last round's end.
        """
        self._joined += 1
        momentum = 1 - 1 / self._together.count
        kept = self._tables[0][self._frozen] if self._frozen.size else None
        try:
            self._together.average(self._tables)
        except LostProcessError:  # halfway: some rows are sums
            for table, start in zip(self._tables, self._starts, strict=True):
                table[:] = start
            raise
        for table, start, velocity in zip(self._tables, self._starts, self._momenta, strict=True):
            for first in range(0, len(table), _ROWS_AT_ONCE):
                rows = slice(first, first + _ROWS_AT_ONCE)
                step = table[rows] - start[rows]
                velocity[rows] *= momentum
                velocity[rows] += step
                table[rows] += momentum * velocity[rows]
                start[rows] = table[rows]
        if kept is not None:
            self._tables[0][self._frozen] = kept


def joined_corpus(own: Corpus, together: Together, *, min_count: int, directory: Path) -> Corpus:
    """Return a process's share of a corpus in the vocabulary of all of it.

    Args:
        own: the share, with the vocabulary of all its words (``min_count=1``).
        together: the processes.
        min_count: tokens seen fewer times in all shares become ``<unk>``.
        directory: an existing folder for the ids.

    Raises:
        InputError: no word is left, or the folder cannot be written to.
    """
    counted = together.from_each((own.vocabulary.tokens, own.vocabulary.counts))
    vocabulary = together.of_first(lambda: _merged(counted, min_count))
    numbers = vocabulary.encode(own.vocabulary.tokens)
    path = directory / "ids.bin"
    try:
        with path.open("wb") as file:
            for first in range(0, len(own.ids), _IDS_AT_ONCE):
                file.write(numbers[own.ids[first : first + _IDS_AT_ONCE]].data)
    except OSError as error:
        raise InputError(f"{path}: the corpus cannot be written: {error.strerror or error}") from error
    ids: NDArray[np.int32] = np.memmap(path, np.int32, mode="r") if len(own.ids) else own.ids
    return Corpus(ids, own.offsets, vocabulary, own.tokeniser)


def _merged(counted: Iterable[tuple[Sequence[str], NDArray[np.int64]]], min_count: int) -> Vocabulary:
    """Return the vocabulary of all shares; tokens of one count in the order of the alphabet, whoever has seen them."""
    counts: dict[str, int] = {}
    for tokens, numbers in counted:
        for token, number in zip(tokens[len(SPECIALS) :], numbers[len(SPECIALS) :].tolist(), strict=True):
            counts[token] = counts.get(token, 0) + number
    return Vocabulary.from_counts({token: counts[token] for token in sorted(counts)}, min_count)
