"""Parts of labelled data: seeded splits, stratified by label or at random, and texts that two parts share."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol, Self, TypeVar

import numpy as np

from mt2st.errors import InputError, in_brief
from mt2st.text.labelled import LabelledText

LARGEST_SEED = 2**32 - 1
"""NumPy's random generators of the old kind, which scikit-learn's splits draw from, take no larger one."""


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
            rows), an int is a number of rows.
        seed: of the random choice, at least 0.

    Returns:
        The rest and the part.

    Raises:
        InputError: the fraction, count or seed is out of range, or one of the two sides would be empty.
    """
    if seed < 0:
        raise InputError(f"the seed of a split must be at least 0, found {seed}")
    size = _part_size(len(rows), fraction_or_count)
    if not 0 < size < len(rows):
        raise InputError(
            f"{rows.source}: a split of {len(rows):,} rows by {fraction_or_count} leaves nothing on one side; "
            f"choose another size or give more rows"
        )
    order = np.random.default_rng(seed).permutation(len(rows))
    return rows.select(np.sort(order[size:])), rows.select(np.sort(order[:size]))


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
    size = _part_size(len(labelled), fraction_or_count)
    source = labelled.source or "the labelled data"
    counts = Counter(labelled.labels)
    rare = sorted(name for name, count in counts.items() if count < 2)
    if rare:
        raise InputError(
            f"{source}: a split needs two rows of each class, found one only of {in_brief(rare)}; add rows or "
            "remove the class"
        )
    for side, rows in (("the part split off", size), ("what is left", len(labelled) - size)):
        if rows < len(counts):
            raise InputError(
                f"{source}: a split of {len(labelled):,} rows by {fraction_or_count} leaves {max(rows, 0):,} "
                f"row{'' if rows == 1 else 's'} for {side}, fewer than its {len(counts):,} classes "
                f"({in_brief(sorted(counts))}); choose another size or give more rows"
            )
    # Imported here because scikit-learn takes a second to load and only a split needs it.
    from sklearn.model_selection import train_test_split

    rest, part = train_test_split(np.arange(len(labelled)), test_size=size, stratify=labelled.labels, random_state=seed)
    return labelled.select(np.sort(rest)), labelled.select(np.sort(part))


def split_to_choose_by(labelled: LabelledText, fraction: float, *, seed: int) -> tuple[LabelledText, LabelledText]:
    """Split a part off to choose a model by, stratified as far as that is possible.

    Each class has a row that is left; where there are too few rows for `split_labelled`, some have none in the part.

    Raises:
        InputError: the fraction or the seed is out of range, or there is no row to split off.
    """
    size, counts = _part_size(len(labelled), fraction), Counter(labelled.labels)
    if min(counts.values()) > 1 and len(counts) <= min(size, len(labelled) - size):
        return split_labelled(labelled, fraction, seed=seed)
    order = np.random.default_rng(seed).permutation(len(labelled))
    _, first = np.unique(np.array(labelled.labels)[order], return_index=True)
    others = np.delete(order, first)
    if not len(others):
        raise InputError(
            f"{labelled.source or 'the labelled data'}: there is no row to choose by, as each of the {len(counts):,} "
            "classes has one row; add rows"
        )
    part = np.sort(others[:size])
    return labelled.select(np.setdiff1d(order, part)), labelled.select(part)


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
