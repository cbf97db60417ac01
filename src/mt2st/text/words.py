"""Words and tokens: sentences of words in a `Tokeniser`'s tokens, and raw text in words, as those of a corpus are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mt2st.text.tokeniser import Tokeniser

NO_TOKEN = "\ufffd"
"""The token of a word in which the tokeniser finds none (a zero-width space): Unicode's replacement character."""


def cut_words(words: Sequence[str], tokeniser: Tokeniser) -> tuple[list[str], list[bool]]:
    """Return the tokens of a sentence's words, at least one of each, and which of them start a word.

    A word of a tagged corpus (``3-year``, ``http://t.co``) may be several tokens to the tokeniser. It keeps one tag,
    which belongs to its first token.

    Example:
        >>> cut_words(["A", "well-made", "film"], Tokeniser())
        (['a', 'well', '-', 'made', 'film'], [True, True, False, False, True])
    """
    tokens: list[str] = []
    starts: list[bool] = []
    for word in words:
        found = tokeniser(word) or [NO_TOKEN]
        tokens += found
        starts += [True] + [False] * (len(found) - 1)
    return tokens, starts


@dataclass(frozen=True)
class CutSentences:
    """Sentences of words as texts that can be encoded.

    Attributes:
        texts: the tokens of each sentence between spaces; a long sentence is several texts, one without words is none.
        starts: true at the first token of each word, for the tokens of all texts in order, bool [n_tokens].
        n_words: words of each sentence, int64 [n_sentences].
        words: the words of each text.
    """

    texts: list[str]
    starts: NDArray[np.bool_]
    n_words: NDArray[np.int64]
    words: list[Sequence[str]]


def cut_sentences(sentences: Iterable[Sequence[str]], tokeniser: Tokeniser, *, max_length: int) -> CutSentences:
    """Return sentences of words as texts of at most ``max_length`` tokens, so that an encoder reads every word.

    A text is longer only if a single word is: after the first token of such a word, no other word is lost.

    Example:
        >>> cut = cut_sentences([["It", "is", "well-made"], [], ["Yes"]], Tokeniser(), max_length=3)
        >>> cut.texts, cut.starts.tolist(), cut.n_words.tolist()
        (['it is', 'well - made', 'yes'], [True, True, True, False, False, True], [3, 0, 1])
    """
    texts: list[str] = []
    of_texts: list[Sequence[str]] = []
    all_starts: list[bool] = []
    n_words: list[int] = []
    for words in sentences:
        tokens, starts = cut_words(words, tokeniser)
        n_words.append(len(words))
        all_starts += starts
        word_starts = [at for at, start in enumerate(starts) if start]
        begin, end, first = 0, 0, 0
        for number, stop in enumerate([*word_starts[1:], len(tokens)] if tokens else []):
            if stop - begin > max_length and end > begin:
                texts.append(" ".join(tokens[begin:end]))
                of_texts.append(words[first:number])
                begin, first = end, number
            end = stop
        if tokens:
            texts.append(" ".join(tokens[begin:]))
            of_texts.append(words[first:])
    return CutSentences(texts, np.array(all_starts, dtype=np.bool_), np.array(n_words, dtype=np.int64), of_texts)


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
