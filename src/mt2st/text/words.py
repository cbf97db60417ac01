"""Sentences that come as words, in the tokens that a `Tokeniser` makes of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
