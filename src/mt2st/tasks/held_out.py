"""Relations between words held out by word: what is measured on shares no word with what is learned from."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError
from mt2st.tasks.relations import Links, Relations

RelationsT = TypeVar("RelationsT", bound=Relations)

FEW = 50
"""Usable rows below which a task teaches little and its measures are mostly chance."""


@dataclass(frozen=True)
class HeldOut(Generic[RelationsT]):
    """Relations in two parts without a common word.

    Attributes:
        train: rows to learn from.
        held_out: rows to measure on; None where nothing was held out.
        dropped: rows in neither part, because they have words of both.
    """

    train: RelationsT
    held_out: RelationsT | None
    dropped: int


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
    """

    task: str
    what: str
    total: int
    usable: int
    train: int
    held_out: int

    @classmethod
    def of(cls, task: str, what: str, total: int, parts: HeldOut[RelationsT]) -> Coverage:
        """Return the coverage of split relations."""
        train, held_out = len(parts.train), len(parts.held_out) if parts.held_out is not None else 0
        return cls(task, what, total, train + held_out + parts.dropped, train, held_out)

    @property
    def few(self) -> bool:
        """Whether so few rows can be used that they teach little."""
        return self.usable < FEW

    def __str__(self) -> str:
        parts = [f"{self.train:,} to learn from", f"{self.held_out:,} held out"]
        if dropped := self.usable - self.train - self.held_out:
            parts.append(f"{dropped:,} left out, which have words of both")
        return (
            f"{self.task}: {self.usable:,} different of {self.total:,} {self.what} have all their words in the "
            f"vocabulary: {', '.join(parts)}"
        )


def hold_out(relations: RelationsT, share: float, *, seed: int = 0) -> HeldOut[RelationsT]:
    """Split relations by word: **no word of a held-out row occurs in a training row**.

    Rows that have words of both parts ("straddle") belong to neither and are dropped. Where all words are entangled, as
    in sets of judged pairs, that is many rows: with a share ``s`` held out about ``2 sqrt(s) (1 - sqrt(s))`` of them,
    35 % for 5 %. So that fewer straddle, words that are linked (a with b and c with d in a question, the two words of
    a pair) move together, unless the rows among all words linked with each other exceed the share.

    Where the rows are so few or so entangled that none would be left to learn from, nothing is held out.

    Args:
        relations: the rows.
        share: of the rows that shall be held out, in [0, 1); at least so many are.
        seed: decides which words are.

    Raises:
        InputError: the share is out of range.
    """
    held_out, train = split_by_word(relations.ids, share, links=relations.links, seed=seed)
    return HeldOut(
        relations.take(train),
        relations.take(held_out) if held_out.any() else None,
        len(relations) - int(train.sum()) - int(held_out.sum()),
    )


def split_by_word(
    ids: NDArray[np.int64], share: float, *, links: Links, seed: int = 0
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are held out, and which are to learn from; `hold_out` says how.

    Args:
        ids: ``[n, k]`` rows of words.
        share: of the rows, in [0, 1).
        links: columns whose words move together.
        seed: decides which words.

    Returns:
        Two arrays of booleans ``[n]``; rows that are in neither straddle.
    """
    if not 0 <= share < 1:
        raise InputError(f"the share held out must be at least 0 and below 1, found {share!r}")
    none, all_rows = np.zeros(len(ids), dtype=np.bool_), np.ones(len(ids), dtype=np.bool_)
    if share == 0 or not len(ids):
        return none, all_rows
    # Words, as units that move together, join the held-out side in random order until enough rows are whole there.
    units = _units(ids, share, links)
    place = np.random.default_rng(seed).permutation(units.max() + 1)[units]
    complete = place.max(axis=1)
    last = np.sort(complete)[ceil(share * len(ids)) - 1]
    held_out = complete <= last
    train = place.min(axis=1) > last
    return (held_out, train) if train.any() else (none, all_rows)


def _units(ids: NDArray[np.int64], share: float, links: Links) -> NDArray[np.int64]:
    """Return the number ``[n, k]`` of the unit that each word belongs to: the words linked with it, or itself alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    words, flat = np.unique(ids, return_inverse=True)
    rows = flat.reshape(ids.shape)
    pairs = np.concatenate([rows[:, link] for link in links])
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), tuple(pairs.T)), shape=(len(words), len(words)))
    n_components, component = connected_components(graph, directed=False)
    component = component.astype(np.int64)
    whole = (component[rows] == component[rows[:, :1]]).all(axis=1)
    inside = np.bincount(component[rows[whole, 0]], minlength=n_components)
    alone = inside[component] > max(1.0, share * len(ids))
    unit_of_word = np.where(alone, n_components + np.arange(len(words)), component)
    units: NDArray[np.int64] = np.unique(unit_of_word, return_inverse=True)[1][rows]
    return units
