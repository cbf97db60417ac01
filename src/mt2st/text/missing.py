"""Values of a user's data that are missing, or no text that a file can hold."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mt2st.errors import InputError

POSITIONS_SHOWN = 5


def is_missing(value: object) -> bool:
    """Return whether a value is None, NaN of any kind (float, numpy, Decimal, pandas' NaT) or pandas.NA.

    Example:
        >>> [is_missing(value) for value in (None, float("nan"), "nan", 0, "")]
        [True, True, False, False, False]
    """
    if value is None:
        return True
    if isinstance(value, str):
        return False
    # NaN alone differs from itself; pandas.NA compares to pandas.NA.
    different = value != value
    return bool(different) if isinstance(different, bool | np.bool_) else different is value


def check_present(values: Iterable[object], what: str, source: str) -> None:
    """Raise `InputError` if a value is missing, with the number of missing values and the first positions, from 0.

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


def has_lone_surrogate(text: str) -> bool:
    """Return whether a text holds half of a surrogate pair, which is no character and cannot be saved."""
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
