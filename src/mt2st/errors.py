"""The errors a user can cause, told apart from our own faults.

Everything a user can get wrong raises `InputError` (or a subclass); the command line prints its message without a
traceback and exits with code 2. Any other exception is a fault of this package.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it: this is loaded with the package, whose import takes a moment only
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NAME, _LINE = 40, 160
"""Characters of a name, and of a list of names, in an error message. What should be a column's name or a label may be
a whole text: of a file without a header, or of another column."""


MOST = 1e12
"""Largest number that a user may give: far from where the squares of float32 overflow, and beyond all use."""
MOST_CHARACTERS = 2000
"""Of an error message; the middle of a longer one is left out."""
_KEPT_AT_THE_END = 500


def printable(text: str) -> str:
    r"""Return a text with control characters spelled out, apart from line ends: data must not steer a terminal.

    Example:
        >>> printable("caf\x1b[31m\u202e\udce9\n")
        'caf\\x1b[31m\\u202e\\udce9\n'
    """
    if text.isprintable():
        return text
    return "".join(each.encode("unicode_escape").decode() if _is_control(each) else each for each in text)


def _is_control(character: str) -> bool:
    code = ord(character)
    return (
        (code < 0x20 and character != "\n")
        or 0x7F <= code < 0xA0
        or 0xD800 <= code < 0xE000
        or character in "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


class InputError(ValueError):
    """What the user gave cannot be used: the message says what was wrong, where, what was found and what to do."""

    def __init__(self, message: object = "") -> None:
        text = printable(str(message))
        if len(text) > MOST_CHARACTERS:
            end = text[-_KEPT_AT_THE_END:]
            left_out = f" [{len(text) - MOST_CHARACTERS:,} characters and more are left out] "
            text = text[: MOST_CHARACTERS - len(end) - len(left_out)] + left_out + end
        super().__init__(text)


class NotWrittenError(InputError):
    """The disk refuses a result. What was to be written is still in memory, and what was there before is unchanged."""


class NoContextError(InputError):
    """No two words of a text come together: there is nothing to learn word vectors from."""


class DivergedError(InputError):
    """A training has diverged: its loss is not finite, or far above that of an untrained model.

    Attributes:
        found: what shows it.
        task: name of the task whose loss shows it; empty if none does.
    """

    def __init__(self, message: object = "", *, found: str = "", task: str = "") -> None:
        super().__init__(message)
        self.found, self.task = found or str(message), task


class LostProcessError(InputError):
    """Another process of a training in several ones has ended, or does not answer."""


class MissingExtraError(InputError):
    """An optional dependency that the request needs is not installed.

    Args:
        purpose: what needs it, as the start of a sentence: ``"reading Parquet files"``.
        extra: the name of the extra that installs it: ``"parquet"``.
    """

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs the extra '{extra}': pip install 'mt2st[{extra}]'")


class NotKeptWarning(UserWarning):
    """The disk refuses a checkpoint or the log; the training goes on, and tries again later."""


class FewRowsWarning(UserWarning):
    """So little of a file can be used that it teaches little, and that what is measured on it is mostly chance."""


class DataWarning(UserWarning):
    """Something in the data is not as it should be and was passed over: what, how often, and where first."""


class DivergenceWarning(UserWarning):
    """A training has diverged and went back to its last good state, with lower rates."""


class ScheduleWarning(UserWarning):
    """The training ends before the strategy's transition to single-task training."""


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest candidate, or an empty string when none is near.

    The first candidate of which the name is a part between hyphens comes before all others.

    Example:
        >>> suggestion("fasttext", ["skipgram-fasttext", "cbow-fasttext"])
        " Did you mean 'skipgram-fasttext'?"
        >>> suggestion("reveiw", ["id", "review"])
        " Did you mean 'review'?"
        >>> suggestion("zzz", ["id", "review"])
        ''
    """
    from difflib import get_close_matches

    by_lower = {candidate.lower(): candidate for candidate in candidates}
    near = [each for each in by_lower if name.lower() in each.split("-")]
    near = near or get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean '{by_lower[near[0]]}'?" if near else ""


def listed(names: Iterable[str]) -> str:
    """Return names as a quoted, comma-separated list for an error message.

    Example:
        >>> listed(["a", "b"])
        "'a', 'b'"
    """
    return ", ".join(f"'{name}'" for name in names)


def shortened(name: str) -> str:
    r"""Return a name on one line of at most 40 characters.

    Example:
        >>> shortened("The film begins\nslowly, and then it does not get any better.")
        'The film begins slowly, and then it d...'
    """
    line = " ".join(name[: 4 * _NAME].split())
    return line if len(line) <= _NAME else f"{line[: _NAME - 3]}..."


def unknown_labels(unknown: Sequence[str], classes: Sequence[str]) -> str:
    """Return what is wrong with labels that a model does not know, and what to do.

    Example:
        >>> unknown_labels(["ok"], ["bad", "good"])
        "the label 'ok' does not occur in the training part, whose classes are 'bad', 'good'. Correct it, ..."
        >>> unknown_labels(["0"], ["0.0", "1.0"])
        "the label '0' does not occur ... '0.0', '1.0'. '0' and '0.0' are one number in two spellings: ..."
    """
    one = len(unknown) == 1
    what = f"label {in_brief(unknown)} does" if one else f"labels {in_brief(unknown)} do"
    known = {meaning_of(old): old for old in classes}
    equal = next(((new, known[meaning_of(new)]) for new in unknown if meaning_of(new) in known), None)
    alike = ""
    if equal:
        alike = f" '{equal[0]}' and '{equal[1]}' are one {kind_of(equal[0])} in two spellings: write both alike."
    return (
        f"the {what} not occur in the training part, whose classes are {in_brief(classes)}.{alike} Correct "
        f"{'it' if one else 'them'}, leave these rows out, or take the labels from another column"
    )


def meaning_of(label: str) -> object:
    """Return what all spellings of a label share: a number's value, else its letters without case and hidden signs.

    Example:
        >>> meaning_of("1") == meaning_of("1.0"), meaning_of("Film  noir") == meaning_of("film noir")
        (True, True)
    """
    import unicodedata
    from decimal import Decimal

    if kind_of(label) == "number":
        return Decimal(label)  # exact: no two whole numbers are one
    seen = "".join(each for each in unicodedata.normalize("NFKC", label) if unicodedata.category(each) != "Cf")
    return " ".join(seen.split()).casefold()


def kind_of(label: str) -> str:
    """Return ``"number"``, ``"truth value"`` or ``"label"``, as pandas reads a column of such texts."""
    import re

    if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", label):
        return "number"
    return "truth value" if label in ("True", "TRUE", "true", "False", "FALSE", "false") else "label"


def in_brief(names: Sequence[str]) -> str:
    """Return as many names as fit on a line, as `listed` does, and how many more there are.

    Example:
        >>> in_brief(["id", "text"])
        "'id', 'text'"
        >>> in_brief(["a column of a table"] * 50)[-33:]
        "'a column of a table' and 43 more"
    """
    shown = [shortened(name) for name in names[:_LINE]]
    while len(listed(shown)) > _LINE:
        shown.pop()
    left = len(names) - len(shown)
    return f"{listed(shown)} and {left:,} more" if left else listed(shown)
