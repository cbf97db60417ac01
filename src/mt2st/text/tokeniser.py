"""From a text to its tokens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache

from mt2st._settings import checked
from mt2st.errors import InputError, listed, suggestion

LONGEST_RUN = 100
"""Letters. A longer unbroken run (base64, a row of z's) is cut, as word2vec does: nobody's word, but much memory."""

_BREAK = re.compile(r"</?br\s*/?>", re.IGNORECASE)
_JOINERS = "\u200c\u200d"
"""The zero-width (non-)joiner, which stands inside words of Persian, Hindi and their neighbours."""
_SYMBOL = r"[^\s\x00-\x1f\x7f-\x9f\u200b\ufeff]"
"""Neither white space nor a control character nor a zero-width space: what may stand as a token by itself."""


@dataclass(frozen=True)
class Tokeniser:
    """Cuts text into words, numbers and single punctuation marks, in any script that sets spaces between words.

    - A *word* is a run of letters and digits with their combining marks. Inner apostrophes belong to it (``don't``,
      ``o'clock`` are one token each), hyphens and underscores do not (``well-made`` is three tokens).
    - A *number* keeps its inner points and commas: ``3.14``, ``1,000,000``.
    - Every other character is a token by itself, with the marks that follow it; white space, control characters and
      zero-width spaces only separate.
    - Text is brought to Unicode's form NFC, and the curly apostrophe to the straight one, so that what reads the same
      is the same token.

    No token is empty or holds white space; tokenising the tokens, joined by spaces, gives the same tokens again.
    Chinese, Japanese and Thai text must be segmented before, with spaces between the words. Words are cut after
    `LONGEST_RUN` letters.

    Attributes:
        lowercase: bring letters to lower case.
        remove_breaks: remove HTML line breaks, ``<br />`` and ``<br>``.

    Example:
        >>> tokenise = Tokeniser()
        >>> tokenise("It's 3.5 stars!<br />Don't miss it.")
        ["it's", '3.5', 'stars', '!', "don't", 'miss', 'it', '.']
        >>> Tokeniser.from_dict(tokenise.to_dict()) == tokenise
        True
    """

    lowercase: bool = True
    remove_breaks: bool = True

    def __call__(self, text: str) -> list[str]:
        """Return the tokens of a text."""
        if self.lowercase:
            text = text.lower()
        if self.remove_breaks and "<" in text:
            text = _BREAK.sub(" ", text)
        if text.isascii():
            return _ASCII_TOKEN.findall(text)
        return _unicode_token().findall(unicodedata.normalize("NFC", text).replace("\u2019", "'"))

    def to_dict(self) -> dict[str, bool]:
        """Return the settings as a plain dict, for a configuration file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, object]) -> Tokeniser:
        """Return the tokeniser with the settings that `to_dict` gave.

        Raises:
            InputError: a setting that does not exist or is not a boolean.
        """
        names = [entry.name for entry in fields(cls)]
        for name in settings:
            if name not in names:
                raise InputError(
                    f"a tokeniser has no setting '{name}'; its settings are {listed(names)}.{suggestion(name, names)}"
                )
        return cls(**checked(cls, **settings))


# A match takes a run of letters and digits first. Then, as long as the next character is one that may stand inside a
# word (one test, which most words fail at once), the word goes on if what surrounds that character allows it.
_ASCII_TOKEN = re.compile(
    rf"[A-Za-z0-9]{{1,{LONGEST_RUN}}}"
    rf"(?:['.,](?:(?<=')(?=[A-Za-z0-9])|(?<=[0-9].)(?=[0-9]))[A-Za-z0-9]{{0,{LONGEST_RUN}}})*"
    rf"|{_SYMBOL}"
)
"""What `_unicode_token` matches, for text that is ASCII: half as long to run."""


@cache
def _unicode_token() -> re.Pattern[str]:
    r"""The expression that matches one token.

    It is built on first use, because listing Unicode's combining marks (which ``\w`` leaves out) takes 40 ms.
    """
    letter = r"[^\W_]"
    # The range tells most characters from a mark in one comparison, before the look-up in three hundred ranges.
    high, is_mark = r"\u0300-\U000e01ef", rf"(?<=[{_combining_marks()}])"
    return re.compile(
        rf"{letter}{{1,{LONGEST_RUN}}}"
        rf"(?:['.,{high}](?:(?<=')(?={letter})|(?<=[0-9].)(?=[0-9])|{is_mark}){letter}{{0,{LONGEST_RUN}}})*"
        rf"|{_SYMBOL}(?:[{high}]{is_mark})*"
    )


def _combining_marks() -> str:
    """Unicode's combining marks and the zero-width joiners, as ranges of a character class."""
    # All marks lie in these two blocks; looking elsewhere would take five times as long.
    blocks = (*range(0x300, 0x1F000), *range(0xE0100, 0xE01F0))
    ranges: list[list[int]] = []
    for code in blocks:
        character = chr(code)
        if unicodedata.category(character)[0] != "M" and character not in _JOINERS:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
