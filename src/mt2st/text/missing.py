"""Missing values as Python and data frames have them: never a text, never a label."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mt2st.errors import InputError

POSITIONS_SHOWN = 5


def is_missing(value: object) -> bool:
    """Return whether a value stands for none: None, NaN of any kind (float, numpy, Decimal, pandas' NaT), pandas.NA.

    Example:
        >>> [is_missing(value) for value in (None, float("nan"), "nan", 0, "")]
        [True, True, False, False, False]
    """
    if value is None:
        return True
    if isinstance(value, str):
        return False
    # NaN alone differs from itself; whether pandas.NA does is not known, and that again is pandas.NA.
    different = value != value
    return bool(different) if isinstance(different, bool | np.bool_) else different is value


def check_present(values: Iterable[object], what: str, source: str) -> None:
    """Raise if a value is missing.

    Args:
        values: what must be there.
        what: their name in the plural: ``"labels"``.
        source: where they come from.

    Raises:
        InputError: with the number of missing values and the positions of the first, from 0.

    Example:
        >>> check_present(["+", None, "-"], "labels", "reviews")
        Traceback (most recent call last):
        mt2st.errors.InputError: reviews: 1 of 3 labels is missing (None or NaN): number 1, counted from 0. ...
    """
    total, missing = 0, []
    for value in values:
        if is_missing(value):
            missing.append(total)
        total += 1
    if missing:
        shown = ", ".join(map(str, missing[:POSITIONS_SHOWN])) + (", ..." if len(missing) > POSITIONS_SHOWN else "")
        raise InputError(
            f"{source}: {len(missing):,} of {total:,} {what} {'is' if len(missing) == 1 else 'are'} missing (None or "
            f"NaN): number{'s' if len(missing) > 1 else ''} {shown}, counted from 0. Leave these rows out, or fill them"
        )
