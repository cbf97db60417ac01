"""Parts of labelled data: seeded splits, stratified by label or at random, and texts that two parts share."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError, in_brief
from mt2st.text.labelled import LabelledText

LARGEST_SEED = 2**32 - 1
"""NumPy's random generators of the old kind, which scikit-learn's splits draw from, take no larger one."""
LEAST_DIFFERENT = 50
"""Different texts from which on copies stay together. A share of a handful would be all that there is of a kind."""


class _Rows(Protocol):
    """What can be split: `LabelledText`, `TaggedText`, `MultiLabelledText`."""

    @property
    def source(self) -> str: ...

    @property
    def texts(self) -> Sequence[str]: ...

    def __len__(self) -> int: ...

    def select(self, indices: Iterable[int]) -> Self: ...


RowsT = TypeVar("RowsT", bound=_Rows)


def split_at_random(rows: RowsT, fraction_or_count: float, *, seed: int) -> tuple[RowsT, RowsT]:
    """Split a part off by chance alone, for data in which a row has no one label.

    Both sides keep the order of the source. The same data and seed give the same split.

    Args:
        rows: the rows to split.
        fraction_or_count: the size of the part: a float strictly between 0 and 1 is a fraction (rounded up to whole
            rows), an int is a number of rows. A fraction is one of the different texts, whose copies stay together: who
            learns from one knows the others.
        seed: of the random choice, at least 0.

    Returns:
        The rest and the part.

    Raises:
        InputError: the fraction, count or seed is out of range, or one of the two sides would be empty.
    """
    if seed < 0:
        raise InputError(f"the seed of a split must be at least 0, found {seed}")
    homes = _homes(rows, fraction_or_count)
    drawn_from = np.unique(homes)
    size = _part_size(len(drawn_from), fraction_or_count)
    if not 0 < size < len(drawn_from):
        raise InputError(
            f"{rows.source}: a split of {len(rows):,} rows by {fraction_or_count} leaves nothing on one side; "
            f"choose another size or give more rows"
        )
    return _parted(rows, homes, np.random.default_rng(seed).permutation(drawn_from)[:size])


def split_labelled(labelled: LabelledText, fraction_or_count: float, *, seed: int) -> tuple[LabelledText, LabelledText]:
    """Split a part off, with the classes in the same proportions as in the whole.

    Parameters and result are those of `split_at_random`; the seed is at most 2 ** 32 - 1.

    Raises:
        InputError: the fraction, count or seed is out of range, a class has fewer than two rows, or one of the two
            sides would have fewer rows than there are classes.

    Example:
        >>> data = LabelledText(list("abcdefgh"), ["x", "y"] * 4)
        >>> rest, part = split_labelled(data, 0.25, seed=1)
        >>> len(rest), sorted(part.labels)
        (6, ['x', 'y'])
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise InputError(f"the seed of a split must be 0 to {LARGEST_SEED}, found {seed}")
    homes = _homes(labelled, fraction_or_count)
    drawn_from = np.unique(homes)
    labels = [labelled.labels[number] for number in drawn_from]
    size = _part_size(len(labels), fraction_or_count)
    source = labelled.source or "the labelled data"
    counts = Counter(labels)
    rare = sorted(name for name, count in counts.items() if count < 2)
    if rare:
        raise InputError(
            f"{source}: a split needs two rows of each class, found one only of {in_brief(rare)}; add rows or "
            "remove the class"
        )
    for side, rows in (("the part split off", size), ("what is left", len(labels) - size)):
        if rows < len(counts):
            raise InputError(
                f"{source}: a split of {len(labelled):,} rows by {fraction_or_count} leaves {max(rows, 0):,} "
                f"row{'' if rows == 1 else 's'} for {side}, fewer than its {len(counts):,} classes "
                f"({in_brief(sorted(counts))}); choose another size or give more rows"
            )
    # Imported here because scikit-learn takes a second to load and only a split needs it.
    from sklearn.model_selection import train_test_split

    _, part = train_test_split(drawn_from, test_size=size, stratify=labels, random_state=seed)
    return _parted(labelled, homes, part)


def split_to_choose_by(labelled: LabelledText, fraction: float, *, seed: int) -> tuple[LabelledText, LabelledText]:
    """Split a part off to choose a model by, stratified as far as that is possible.

    Each class has a row that is left; where there are too few rows for `split_labelled`, some have none in the part.

    Raises:
        InputError: the fraction or the seed is out of range, or there is no row to split off.
    """
    homes = _homes(labelled, fraction)
    order = np.random.default_rng(seed).permutation(np.unique(homes))
    labels = np.array(labelled.labels)[order]
    size, counts = _part_size(len(order), fraction), Counter(labels.tolist())
    if min(counts.values()) > 1 and len(counts) <= min(size, len(order) - size):
        return split_labelled(labelled, fraction, seed=seed)
    _, first = np.unique(labels, return_index=True)
    others = np.delete(order, first)
    if not len(others):
        raise InputError(
            f"{labelled.source or 'the labelled data'}: there is no row to choose by, as each of the {len(counts):,} "
            "classes has one row; add rows"
        )
    return _parted(labelled, homes, others[:size])


def _homes(rows: _Rows, fraction_or_count: float) -> NDArray[np.int64]:
    """Return ``[n]`` for each row the one that it goes with: the first with the same text, or itself."""
    every = np.arange(len(rows))
    if isinstance(fraction_or_count, int | np.integer):
        return every
    first: dict[str, int] = {}
    homes = np.array([first.setdefault(text, number) for number, text in enumerate(rows.texts)], dtype=np.int64)
    if len(first) < LEAST_DIFFERENT:
        return every
    if isinstance(rows, LabelledText):  # a class needs two rows that can be on different sides
        counts = Counter(rows.labels[number] for number in first.values())
        alone = np.array([counts[label] < 2 for label in rows.labels])
        homes[alone] = every[alone]
    return homes


def _parted(rows: RowsT, homes: NDArray[np.int64], part: NDArray[np.int64]) -> tuple[RowsT, RowsT]:
    """Return the rest and the part: the rows that go with one of these."""
    inside = np.isin(homes, part)
    return rows.select(np.flatnonzero(~inside)), rows.select(np.flatnonzero(inside))


def _part_size(rows: int, fraction_or_count: float) -> int:
    if isinstance(fraction_or_count, bool) or not isinstance(fraction_or_count, int | float | np.integer | np.floating):
        raise InputError(f"a split takes a fraction or a number of rows, found {fraction_or_count!r}")
    if isinstance(fraction_or_count, int | np.integer):
        if not 0 < fraction_or_count < rows:
            raise InputError(
                f"a split by a number of rows takes 1 to {rows - 1} of these {rows} rows, found {fraction_or_count}"
            )
        return int(fraction_or_count)
    if not 0.0 < fraction_or_count < 1.0:
        raise InputError(f"a split fraction lies strictly between 0 and 1, found {fraction_or_count}")
    return math.ceil(rows * fraction_or_count)


def shared_texts(part: _Rows, other: _Rows) -> int:
    """Return how many texts of a part are also in another one, letter by letter: metrics on them say little.

    Example:
        >>> test, train = LabelledText(["a", "b", "a"], ["+", "-", "+"]), LabelledText(["a", "c"], ["+", "-"])
        >>> shared_texts(test, train), shared_texts(train, test)
        (2, 1)
    """
    known = set(other.texts)
    return sum(text in known for text in part.texts)
