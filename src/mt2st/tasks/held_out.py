"""Relations between words held out by word: what is measured on shares no word with what is learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.tasks.relations import Links, Relations

RelationsT = TypeVar("RelationsT", bound=Relations)

FEW = 50
"""Usable rows below which a task teaches little and its measures are mostly chance."""

HANDFUL = 5
"""Held-out rows below which what is measured on them is an anecdote."""


@dataclass(frozen=True)
class HeldOut(Generic[RelationsT]):
    """Relations in parts: no word of what is held out is in what is learned from.

    Attributes:
        train: rows to learn from.
        held_out: rows to measure on; None where nothing was held out.
        straddling: rows of neither, because they have words of both.
    """

    train: RelationsT
    held_out: RelationsT | None
    straddling: RelationsT

    @property
    def dropped(self) -> int:
        """How many rows are in neither part."""
        return len(self.straddling)


@dataclass(frozen=True)
class Coverage:
    """How much of a task's data can be used, and how.

    Attributes:
        task: name of the task.
        what: what the rows are, in words.
        total: rows that were read.
        usable: different rows whose words are all in the vocabulary.
        train: rows to learn from.
        held_out: rows to measure on.
        kinds: where rows of several kinds are there, ``usable``, ``train`` and ``held_out`` of each by its name.
    """

    task: str
    what: str
    total: int
    usable: int
    train: int
    held_out: int
    kinds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, task: str, what: str, total: int, parts: HeldOut[RelationsT]) -> Coverage:
        """Return the coverage of split relations."""
        train, held_out = len(parts.train), len(parts.held_out) if parts.held_out is not None else 0
        kinds = {}
        for kind in parts.train.kinds():
            in_train, in_held_out, between = (
                0 if part is None else int(part.kinds()[kind].sum())
                for part in (parts.train, parts.held_out, parts.straddling)
            )
            if usable := in_train + in_held_out + between:
                kinds[kind] = {"usable": usable, "train": in_train, "held_out": in_held_out}
        return cls(
            task, what, total, train + held_out + parts.dropped, train, held_out, kinds if len(kinds) > 1 else {}
        )

    @property
    def few(self) -> bool:
        """Whether so few rows can be used that they teach little."""
        return self.usable < FEW

    def __str__(self) -> str:
        where = _where(self.usable, self.train, self.held_out)
        kinds = "".join(
            f"; {kind}: {_where(counts['usable'], counts['train'], counts['held_out'])}"
            for kind, counts in self.kinds.items()
        )
        return (
            f"{self.task}: {self.usable:,} different of {self.total:,} {self.what} have all their words in the "
            f"vocabulary: {where}{kinds}"
        )


def _where(usable: int, train: int, held_out: int) -> str:
    parts = [f"{train:,} to learn from", f"{held_out:,} held out"]
    if dropped := usable - train - held_out:
        parts.append(f"{dropped:,} left out, which have words of both")
    return ", ".join(parts)


def hold_out(relations: RelationsT, share: float, *, seed: int = 0) -> HeldOut[RelationsT]:
    """Split relations by word: **no word of a held-out row occurs in a training row**.

    For relations that are learned from together with others, find the words of all of them by `held_out_words` and
    split each by `divide`: held out from one, a word must not be learned from another.

    Args:
        relations: the rows.
        share: of the rows that shall be held out, in [0, 1); at least so many are, or none.
        seed: decides which words are.

    Raises:
        InputError: the share is out of range.
    """
    return divide(relations, held_out_words([relations], share, seed=seed))


def divide(relations: RelationsT, words: NDArray[np.int64]) -> HeldOut[RelationsT]:
    """Split relations into rows of held-out words alone, rows without any, and rows that have words of both.

    Args:
        relations: the rows.
        words: ids of the words that are held out.
    """
    inside = np.isin(relations.ids, words)
    held_out: NDArray[np.bool_] = np.asarray(inside.all(axis=1))
    train: NDArray[np.bool_] = ~np.asarray(inside.any(axis=1))
    return HeldOut(
        relations.take(train),
        relations.take(held_out) if held_out.any() else None,
        relations.take(~held_out & ~train),
    )


def held_out_words(relations: Sequence[Relations], share: float, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the words to hold out from **all** the relations, so that each has its share of rows among them.

    Rows that have words of both sides ("straddle") can neither be learned from nor measured on. Where all words are
    entangled, as in sets of judged pairs, that is many rows: with a share ``s`` held out about
    ``2 sqrt(s) (1 - sqrt(s))`` of them, 35 % for 5 %. So that fewer straddle, words that are linked (a with b and c
    with d in a question, the two words of a pair) move together, unless the rows among all words linked with each other
    exceed the share of any relations.

    All words stand in one random order. Each of the relations, and each kind of its rows, holds out its own first words
    until its share of rows is complete. Where the rows are so few or so entangled that none would be left to learn
    from, none of their words is held out, by the others neither.

    Args:
        relations: all that is learned from together.
        share: of the rows of each that shall be held out, in [0, 1).
        seed: decides which words are.

    Returns:
        Ids ``[m]``, rising.

    Raises:
        InputError: the share is out of range.
    """
    if not 0 <= share < 1:
        raise InputError(f"the share held out must be at least 0 and below 1, found {share!r}")
    strata = [(each.ids[rows], each.links) for each in relations for rows in each.strata() if rows.any()]
    if share == 0 or not strata:
        return np.empty(0, dtype=np.int64)
    words = np.unique(np.concatenate([ids.ravel() for ids, _ in strata]))
    rows_of = [np.searchsorted(words, ids) for ids, _ in strata]
    units = _units(rows_of, [links for _, links in strata], len(words), share)
    place = np.random.default_rng(seed).permutation(units.max() + 1)[units].astype(np.float64)
    spared: set[int] = set()
    while True:
        for number in spared:
            place[np.isin(units, units[rows_of[number]])] = np.inf
        held_out, entangled = _first_words(place, units, rows_of, share, spared)
        if entangled is None:
            found: NDArray[np.int64] = words[held_out]
            return found
        spared.add(entangled)


def _first_words(
    place: NDArray[np.float64],
    units: NDArray[np.int64],
    rows_of: Sequence[NDArray[np.int64]],
    share: float,
    spared: set[int],
) -> tuple[NDArray[np.bool_], int | None]:
    """Return which words are held out, and the number of the rows that must be spared first, if some must.

    Args:
        place: ``[w]`` of each word in the random order; infinite for those that are not held out.
        units: ``[w]`` number of the words that it moves with.
        rows_of: ``[n, k]`` places of words, by number.
        share: of the rows.
        spared: numbers of those that need not have their share.
    """
    held_out = np.zeros(len(place), dtype=np.bool_)
    for number, rows in enumerate(rows_of):
        if number in spared:
            continue
        last = np.sort(place[rows].max(axis=1))[ceil(share * len(rows)) - 1]
        if np.isinf(last) or not (place[rows].min(axis=1) > last).any():
            return held_out, number
        held_out |= np.isin(units, units[rows]) & (place <= last)
    # Those that others leave nothing to learn from: the smallest first, for that spares the fewest words.
    emptied = [number for number, rows in enumerate(rows_of) if held_out[rows].any(axis=1).all()]
    return held_out, min(emptied, key=lambda number: len(rows_of[number]), default=None)


def _units(
    rows_of: Sequence[NDArray[np.int64]], links_of: Sequence[Links], n_words: int, share: float
) -> NDArray[np.int64]:
    """Return the number ``[n_words]`` of the unit that each word belongs to: words linked with it, or itself alone.

    Links are added rows by rows, the widest first, which straddle most easily. Where they would chain together more
    than the share of any rows, they are not.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    units = np.arange(n_words)
    for number in sorted(range(len(rows_of)), key=lambda number: -rows_of[number].shape[1]):
        rows = units[rows_of[number]]
        pairs = np.concatenate([rows[:, link] for link in links_of[number]])
        graph = coo_array((np.ones(len(pairs), dtype=np.int8), tuple(pairs.T)), shape=(n_words, n_words))
        n_components, component = connected_components(graph, directed=False)
        joined = component.astype(np.int64)[units]
        too_large = np.zeros(n_components, dtype=np.bool_)
        for each in rows_of:
            parts = joined[each]
            whole = (parts == parts[:, :1]).all(axis=1)
            too_large |= np.bincount(parts[whole, 0], minlength=n_components) > max(1.0, share * len(each))
        units = np.unique(np.where(too_large[joined], n_components + units, joined), return_inverse=True)[1]
    return units
