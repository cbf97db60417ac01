"""Hold-out by word: rows of word relations to measure on share no word with rows to learn from."""

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
"""With fewer usable rows, a task teaches little and its metrics are mostly chance."""

HANDFUL = 5
"""With fewer held-out rows, metrics on them mean little."""


@dataclass(frozen=True)
class HeldOut(Generic[RelationsT]):
    """Relations in parts: no held-out row shares a word with a training row.

    Attributes:
        train: rows to learn from.
        held_out: rows to measure on; None if nothing was held out.
        straddling: rows with words of both parts, which are used for neither.
    """

    train: RelationsT
    held_out: RelationsT | None
    straddling: RelationsT


@dataclass(frozen=True)
class Coverage:
    """Numbers of usable rows in a task's data.

    Attributes:
        task: name of the task.
        what: description of the rows, such as "analogy questions".
        total: rows that were read.
        usable: different rows whose words are all in the vocabulary.
        train: rows to learn from.
        held_out: rows to measure on.
        kinds: for rows of several kinds, ``usable``, ``train`` and ``held_out`` of each kind by name.
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
            if of_kind := in_train + in_held_out + between:
                kinds[kind] = {"usable": of_kind, "train": in_train, "held_out": in_held_out}
        usable = train + held_out + len(parts.straddling)
        return cls(task, what, total, usable, train, held_out, kinds if len(kinds) > 1 else {})

    @property
    def few(self) -> bool:
        """Whether too few rows are usable to teach much."""
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


def divide(relations: RelationsT, words: NDArray[np.int64]) -> HeldOut[RelationsT]:
    """Split relations by word, into rows of held-out words only, rows without any, and rows with words of both.

    **No word of a held-out row occurs in a training row**. Of relations that are learned together, find the words of
    all with `held_out_words`: a word held out from one must not be learned from another.

    Args:
        relations: the rows.
        words: ids of the held-out words.
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
    """Return the words to hold out from **all** the relations, such that each has its share of held-out rows.

    Rows with words of both sides ("straddling" rows) can neither be learned from nor measured on. Where all words are
    connected, as in sets of judged pairs, these are many: with a share ``s`` held out, about
    ``2 sqrt(s) (1 - sqrt(s))`` of the rows, 35 % for 5 %. To reduce them, linked words (a with b and c with d in a
    question, the two words of a pair) are held out together, unless the rows among a group of linked words exceed the
    share of any of the relations.

    All words are put in one random order. Each of the relations, and each kind of its rows, holds out its first words
    until it has its share of rows. If no row would be left to learn from, because rows are too few or too connected,
    none of their words is held out, by the other relations either.

    Args:
        relations: all relations that are learned together.
        share: share of the rows of each to hold out, in [0, 1).
        seed: seed of the order of words.

    Returns:
        Ids ``[m]`` in rising order.

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
    """Return which words are held out, and the number of the rows to spare first, if any must be.

    ``place`` is the position of each word in the random order, infinite for words that are not held out; ``units`` the
    number of the group of words that it is held out with; ``rows_of`` are positions of words ``[n, k]`` by set of rows.
    Sets in ``spared`` need not have their share.
    """
    held_out = np.zeros(len(place), dtype=np.bool_)
    for number, rows in enumerate(rows_of):
        if number in spared:
            continue
        last = np.sort(place[rows].max(axis=1))[ceil(share * len(rows)) - 1]
        if np.isinf(last) or not (place[rows].min(axis=1) > last).any():
            return held_out, number
        held_out |= np.isin(units, units[rows]) & (place <= last)
    # Sets that the others leave nothing to learn from: the smallest first, which spares the fewest words.
    emptied = [number for number, rows in enumerate(rows_of) if held_out[rows].any(axis=1).all()]
    return held_out, min(emptied, key=lambda number: len(rows_of[number]), default=None)


def _units(
    rows_of: Sequence[NDArray[np.int64]], links_of: Sequence[Links], n_words: int, share: float
) -> NDArray[np.int64]:
    """Return for each word the number of its group, ``[n_words]``: the words linked with it, or the word alone.

    Links are added for one set of rows after another, the widest rows first, since they straddle most easily. Links
    that would join more than the share of any set are left out.
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
