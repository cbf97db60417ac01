"""Raw text in words, cut as the sentences of a corpus are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

LEAST_COUNT = 2
"""Words with signs that come less often are taken for chance."""
MOST_WORDS = 2000
"""Words with signs that are kept, the most frequent first."""
CLITIC_LETTERS = 2
"""Most letters of a clitic: ``'s``, ``n't``, ``'ll``, ``l'``, ``qu'``."""


@dataclass(frozen=True)
class WordCutter:
    """Cuts raw text into words: at spaces, before and behind signs, and where a corpus cuts off clitics.

    A corpus may have ``it's`` as one word or as two, and ``U.S.``, ``@home`` or ``:-)`` as one. What it has whole stays
    whole; else signs at the ends of a word are words of their own.

    Attributes:
        whole: the corpus's words that are not of letters and digits alone, in lower case, the most frequent first.
        at_spaces: cut at spaces alone, for text that is tokenised already.

    Example:
        >>> cut = WordCutter.of([["It", "'s", "me", ",", "do", "n't", "shout", "!"], ["Mr.", "X", "!"]] * 2)
        >>> cut("Isn't it Mr. Lee's dog?")
        ['Is', "n't", 'it', 'Mr.', 'Lee', "'s", 'dog', '?']
    """

    whole: tuple[str, ...] = ()
    at_spaces: bool = False

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]], *, at_spaces: bool = False) -> WordCutter:
        """Return the cutter that cuts as these sentences are cut."""
        counts = Counter(_plain(word) for words in sentences for word in words if not word.isalnum())
        return cls(tuple(word for word, count in counts.most_common(MOST_WORDS) if count >= LEAST_COUNT), at_spaces)

    def __call__(self, text: str) -> list[str]:
        """Return the words of a text; joined, they are the text without its spaces."""
        chunks = text.split()
        return chunks if self.at_spaces else [word for chunk in chunks for word in self._cut(chunk)]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.whole)

    @cached_property
    def _clitics(self) -> list[str]:
        short = [word for word in self.whole if "'" in word and 0 < sum(map(str.isalpha, word)) <= CLITIC_LETTERS]
        return sorted((word for word in short if word.replace("'", "").isalpha()), key=len, reverse=True)

    @cached_property
    def _heads(self) -> frozenset[str]:
        """Signs that begin several words of the corpus, such as those of user names and hashtags."""
        heads = Counter(
            word[0] for word in self.whole if word[1:].isalnum() and word[0] != "'" and not word[0].isalnum()
        )
        return frozenset(sign for sign, count in heads.items() if count > 1)

    @cached_property
    def _cuts_hyphens(self) -> bool:
        return "-" in self._known and not any("-" in word[1:-1] for word in self.whole)

    def _cut(self, chunk: str) -> Iterator[str]:
        before, behind = [], []
        while chunk and not chunk.isalnum() and (small := _plain(chunk)) not in self._known:
            if not chunk[0].isalnum() and not (chunk[0] in self._heads and chunk[1:2].isalnum()):
                size = self._run(small)
                before.append(chunk[:size])
                chunk = chunk[size:]
            elif not chunk[-1].isalnum():
                size = self._run(small[::-1])
                behind.append(chunk[len(chunk) - size :])
                chunk = chunk[: len(chunk) - size]
            elif clitic := next((each for each in self._clitics if small.endswith(each)), None):
                behind.append(chunk[-len(clitic) :])
                chunk = chunk[: -len(clitic)]
            elif clitic := next((each for each in self._clitics if each[-1] == "'" and small.startswith(each)), None):
                before.append(chunk[: len(clitic)])
                chunk = chunk[len(clitic) :]
            else:
                break
        yield from before
        parts = [chunk]
        if self._cuts_hyphens and "-" in chunk[1:-1]:
            parts = [part for one in chunk.split("-") for part in (one, "-")][:-1]
        yield from (part for part in parts if part)
        yield from reversed(behind)

    @staticmethod
    def _run(text: str) -> int:
        """Return how often the first sign is repeated: an ellipsis is one word."""
        return len(text) - len(text.lstrip(text[0]))


def _plain(word: str) -> str:
    return word.lower().replace("\u2019", "'")
