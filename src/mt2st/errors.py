"""The errors a user can cause, told apart from our own faults.

Everything a user can get wrong raises `InputError` (or a subclass); the command line prints its message without a
traceback and exits with code 2. Any other exception is a fault of this package.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """What the user gave cannot be used: the message says what was wrong, where, what was found and what to do."""


class MissingExtraError(InputError):
    """An optional dependency that the request needs is not installed.

    Args:
        purpose: what needs it, as the start of a sentence: ``"reading Parquet files"``.
        extra: the name of the extra that installs it: ``"parquet"``.
    """

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs the extra '{extra}': pip install 'mt2st[{extra}]'")


class FewRowsWarning(UserWarning):
    """So little of a file can be used that it teaches little, and that what is measured on it is mostly chance."""


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest candidate, or an empty string when none is near.

    Example:
        >>> suggestion("reveiw", ["id", "review"])
        " Did you mean 'review'?"
        >>> suggestion("zzz", ["id", "review"])
        ''
    """
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    near = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean '{by_lower[near[0]]}'?" if near else ""


def listed(names: Iterable[str]) -> str:
    """Return names as a quoted, comma-separated list for an error message.

    Example:
        >>> listed(["a", "b"])
        "'a', 'b'"
    """
    return ", ".join(f"'{name}'" for name in names)
