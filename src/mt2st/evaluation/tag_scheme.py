"""Schemes of tags that mark spans, and the best sequence of tags that follows one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mt2st.evaluation.entities import OUTSIDE, letters_of, parsed_tags

Scheme = Literal["iob2", "iobes"]
LEGAL_SHARE = 0.9
"""Share of the sentences with spans that must follow a scheme: some files have a few wrong tags, and files of another
scheme break it in nearly all sentences."""
ILLEGAL = -1e4
"""Log-probability of a step that breaks the scheme: below that of any legal sequence, and finite, since a set of tags
may leave a sentence no legal one."""

_Parsed = tuple[str, str]
_EDGE: _Parsed = (OUTSIDE, "")
"""What stands before and behind a sentence."""


def scheme_of(sentences: Iterable[Sequence[str]]) -> Scheme | None:
    """Return the scheme that the tags of sentences follow.

    - ``"iob2"``: B begins a span, I goes on.
    - ``"iobes"``: B begins a span of several words, I goes on, E ends it; S is a span of one word. BILOU and
      BMES are the same with other letters.

    None if the tags mark no spans, or if more than a tenth of the sentences with spans follow neither (IOB1, IOE).

    Example:
        >>> scheme_of([["B-place", "I-place", "O"]]), scheme_of([["U-place", "O"]]), scheme_of([["I-place", "O"]])
        ('iob2', 'iobes', None)
    """
    given = [list(tags) for tags in sentences]
    parsed = parsed_tags(tag for tags in given for tag in tags)
    if parsed is None:
        return None
    scheme: Scheme = "iobes" if any(prefix in "ES" for prefix, _ in parsed.values()) else "iob2"
    with_spans = [[_EDGE, *(parsed[tag] for tag in tags), _EDGE] for tags in given if set(tags) - {OUTSIDE}]
    legal = sum(all(_follows(scheme, one, two) for one, two in pairwise(tags)) for tags in with_spans)
    return scheme if legal >= LEGAL_SHARE * len(with_spans) else None


def scheme_told(sentences: Iterable[Sequence[str]]) -> str:
    """Return by what tags are judged, in a line.

    Example:
        >>> scheme_told([["B-PER", "L-PER", "O"]]), scheme_told([["PER-B", "PER-I"]]), scheme_told([["NOUN"]])
        ('entities in BILOU', 'entities in IOB2', 'tags of single words, which mark no entities')
    """
    given = [list(tags) for tags in sentences]
    names = {tag for tags in given for tag in tags}
    if parsed_tags(names) is None:
        return "tags of single words, which mark no entities"
    letters = letters_of(names)
    known = (("LU", "BILOU"), ("W", "BMEWO"), ("M", "BMES"))
    found = next((name for some, name in known if letters & set(some)), None)
    if found is None and letters & set("ES"):
        found = "BIOES" if "B" in letters or "S" in letters else "IOE"
    if found is None:
        found = "IO" if "B" not in letters else "IOB2" if scheme_of(given) else "IOB1"
    return f"entities in {found}"


def best_tags(
    probabilities: NDArray[np.float32], n_words: NDArray[np.int64], names: Sequence[str], scheme: Scheme | None
) -> NDArray[np.int64]:
    """Return for each word the number of its tag in the most probable sequence that follows a scheme.

    The words count as independent: a sequence's probability is the product of its tags' (Viterbi's algorithm). Where
    the most probable tags follow the scheme, they are the answer.

    Args:
        probabilities: ``[n, n_tags]`` of each tag for each word.
        n_words: ``[n_sentences]`` number of words of each sentence; they sum to n.
        names: names of the tags.
        scheme: the scheme; None takes the most probable tag of each word.

    Returns:
        ``[n]`` numbers of tags.

    Example:
        >>> names, likely = ["B-x", "I-x", "O"], np.array([[0.3, 0.3, 0.4], [0.1, 0.8, 0.1]], dtype=np.float32)
        >>> best_tags(likely, np.array([2]), names, "iob2").tolist(), best_tags(likely, np.array([2]), names, None).tolist()
        ([0, 1], [2, 1])
    """  # noqa: E501
    found: NDArray[np.int64] = probabilities.argmax(axis=1)
    if scheme is None or not len(found):
        return found
    table = parsed_tags(names) or {}
    parsed = [table[name] for name in names]
    begins = np.array([_follows(scheme, _EDGE, tag) for tag in parsed])
    ends = np.array([_follows(scheme, tag, _EDGE) for tag in parsed])
    follows = np.array([[_follows(scheme, one, two) for two in parsed] for one in parsed])
    firsts, lasts = np.zeros((2, len(found)), dtype=np.bool_)
    stops = np.cumsum(n_words)
    some = n_words > 0
    firsts[(stops - n_words)[some]], lasts[stops[some] - 1] = True, True
    wrong = (firsts & ~begins[found]) | (lasts & ~ends[found])
    wrong[1:] |= ~firsts[1:] & ~follows[found[:-1], found[1:]]
    scores = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny), dtype=np.float64)
    sentence = np.repeat(np.arange(len(n_words)), n_words)
    for number in np.unique(sentence[wrong]):
        start, stop = stops[number] - n_words[number], stops[number]
        found[start:stop] = _viterbi(
            scores[start:stop], *(np.where(each, 0, ILLEGAL) for each in (begins, follows, ends))
        )
    return found


def _viterbi(
    scores: NDArray[np.float64], begins: NDArray[np.float64], follows: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.int64]:
    best = begins + scores[0]
    before = np.empty(scores.shape, dtype=np.int64)
    for at in range(1, len(scores)):
        through = best[:, np.newaxis] + follows
        before[at] = through.argmax(axis=0)
        best = through.max(axis=0) + scores[at]
    path = [int((best + ends).argmax())]
    for at in range(len(scores) - 1, 0, -1):
        path.append(int(before[at, path[-1]]))
    return np.array(path[::-1])


def _follows(scheme: Scheme, one: _Parsed, two: _Parsed) -> bool:
    """Return whether a tag, or the end of a sentence, may stand behind another one or the beginning."""
    (before, type_before), (prefix, kind) = one, two
    if scheme == "iob2":
        return prefix != "I" or (before in "BI" and kind == type_before)
    inside = before in "BI"
    return prefix in "IE" and kind == type_before if inside else prefix not in "IE"
