"""From a text to its tokens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Literal

from mt2st.errors import InputError, listed, suggestion

LONGEST_RUN = 100
"""Letters. A longer unbroken run (base64, a row of z's) is cut, as word2vec does: nobody's word, but much memory."""

LONGEST_TOKEN = 1000
"""Characters between two spaces, in text that is tokenised already. A longer run is cut."""

Tokens = Literal["words", "whitespace", "characters"]
"""Where a text is cut: into words, numbers and signs; at white space alone; or as words, with characters of scripts
that set no spaces between words as tokens of their own."""

_BREAK = re.compile(r"</?br\s*/?>", re.IGNORECASE)
_JOINERS = "\u200c\u200d"
"""The zero-width (non-)joiner, which stands inside words of Persian, Hindi and their neighbours."""
LETTER = r"[^\W_]"
"""A letter or a digit of any script."""
BETWEEN = r"\s\x00-\x1f\x7f-\x9f\u200b\ufeff"
"""White space, control characters and zero-width spaces, which only stand between tokens."""
SPACES = r" \t\n\r\f\v\0"
"""What stands between the tokens of text that is tokenised already."""
_SYMBOL = f"[^{BETWEEN}]"


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
    Chinese, Japanese and Thai text must be segmented before, with spaces between the words, or be read by
    ``tokens="characters"``. Words are cut after `LONGEST_RUN` letters.

    Attributes:
        lowercase: bring letters to lower case.
        remove_breaks: remove HTML line breaks, ``<br />`` and ``<br>``.
        tokens: where text is cut: ``"words"`` as above; ``"whitespace"``: at ASCII white space alone, for text that is
            tokenised already, and nothing but the case is changed; ``"characters"``: as words, and characters of
            Chinese, Japanese, Thai, Lao, Khmer and Burmese are tokens.

    Example:
        >>> tokenise = Tokeniser()
        >>> tokenise("It's 3.5 stars!<br />Don't miss it.")
        ["it's", '3.5', 'stars', '!', "don't", 'miss', 'it', '.']
        >>> Tokeniser(tokens="whitespace")("New_York film|NOUN c++"), Tokeniser(tokens="characters")("好看!")
        (['new_york', 'film|noun', 'c++'], ['好', '看', '!'])
        >>> Tokeniser.from_dict(tokenise.to_dict()) == tokenise
        True
    """

    lowercase: bool = True
    remove_breaks: bool = True
    tokens: Tokens = "words"

    def __call__(self, text: str) -> list[str]:
        """Return the tokens of a text."""
        text = self.prepared(text)
        if self.tokens == "whitespace":
            return _BETWEEN_SPACES.findall(text)
        return (_ASCII_TOKEN if text.isascii() else _unicode_token()).findall(text)

    def prepared(self, text: str) -> str:
        """Return a text in the form that is cut into tokens: case, line breaks and Unicode's form are settled."""
        if self.lowercase:
            text = text.lower()
        if self.remove_breaks and "<" in text:
            text = _BREAK.sub(" ", text)
        if self.tokens == "whitespace" or text.isascii():
            return text
        text = unicodedata.normalize("NFC", text).replace("\u2019", "'")
        return _unspaced_character().sub(r" \g<0> ", text) if self.tokens == "characters" else text

    def to_dict(self) -> dict[str, bool | str]:
        """Return the settings as a plain dict, for a configuration file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, object]) -> Tokeniser:
        """Return the tokeniser with the settings that `to_dict` gave.

        Raises:
            InputError: a setting that does not exist or has a wrong value.
        """
        from mt2st._settings import checked  # pydantic, which reading text does not need

        names = [entry.name for entry in fields(cls)]
        for name in settings:
            if name not in names:
                raise InputError(
                    f"a tokeniser has no setting '{name}'; its settings are {listed(names)}.{suggestion(name, names)}"
                )
        return cls(**checked(cls, **settings))


JOINED_SHARE = 4
"""One word with inner signs in so many is no chance."""
_JOINED = re.compile(r"[^\W_]+(?:[_|][^\W_]+)+")
_BETWEEN_SPACES = re.compile(f"[^{SPACES}]{{1,{LONGEST_TOKEN}}}")

_CJK = (
    r"\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_SOUTH_EAST = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
UNSPACED = f"{_CJK}{_SOUTH_EAST}"
"""Characters of scripts without spaces between words, as ranges of a character class."""
_UNSPACED = (("Chinese or Japanese", _CJK, 4), ("Thai, Lao, Khmer or Burmese", _SOUTH_EAST, 8))
"""Scripts without spaces between words, and the mean characters between two other ones in text that is segmented, at
most: words have two on average, and four."""


def unsegmented(texts: Iterable[str]) -> str | None:
    """Return the script of texts that set no spaces between their words, None for all others.

    Example:
        >>> unsegmented(["这部电影好看"]), unsegmented(["这 部 电影 好看"]), unsegmented(["a film"])
        ('Chinese or Japanese', None, None)
    """
    text = "\n".join(texts)
    if text.isascii():
        return None
    letters = sum(map(str.isalpha, text))
    for script, characters, longest in _UNSPACED:
        runs = re.findall(f"[{characters}]+", text)
        total = sum(map(len, runs))
        if total > letters / 2 and total > longest * len(runs):
            return script
    return None


def joined_words(texts: Iterable[str]) -> str | None:
    """Return the first of the words with inner ``_`` or ``|``, if a quarter of the words are such ones; else None.

    Example:
        >>> joined_words(["he|PRON likes|VERB it|PRON", "new_york"]), joined_words(["a film by new_york"] * 3)
        ('he|PRON', None)
    """
    chunks = [chunk for text in texts for chunk in text.split()]
    joined = [chunk for chunk in chunks if _JOINED.fullmatch(chunk)]
    return joined[0] if len(joined) > max(2, len(chunks) // JOINED_SHARE) else None


@cache
def _unspaced_character() -> re.Pattern[str]:
    return re.compile(f"[{UNSPACED}][{_combining_marks()}]*")


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
    # The range tells most characters from a mark in one comparison, before the look-up in three hundred ranges.
    high, is_mark = r"\u0300-\U000e01ef", rf"(?<=[{_combining_marks()}])"
    return re.compile(
        rf"{LETTER}{{1,{LONGEST_RUN}}}"
        rf"(?:['.,{high}](?:(?<=')(?={LETTER})|(?<=[0-9].)(?=[0-9])|{is_mark}){LETTER}{{0,{LONGEST_RUN}}})*"
        rf"|{_SYMBOL}(?:[{high}]{is_mark})*"
    )


def _combining_marks() -> str:
    """Unicode's combining marks and the zero-width joiners, as ranges of a character class."""
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in mark_ranges())


@cache
def mark_ranges() -> list[tuple[int, int]]:
    """Return the code points of Unicode's combining marks and the zero-width joiners: first and last of each range."""
    # All marks lie in these two blocks; looking elsewhere would take five times as long.
    blocks = (*range(0x300, 0x1F000), *range(0xE0100, 0xE01F0))
    ranges: list[tuple[int, int]] = []
    for code in blocks:
        character = chr(code)
        if unicodedata.category(character)[0] != "M" and character not in _JOINERS:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = ranges[-1][0], code
        else:
            ranges.append((code, code))
    return ranges
