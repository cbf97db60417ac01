"""Tagged spans (entities): their scores, exactly as seqeval's default, their schemes, and the best tags of a scheme.

seqeval, unmaintained since 2020, is no dependency; the tests hold this against it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError

OUTSIDE = "O"

_PREFIXED = re.compile(r"([BIESLUMW]|[biesluwm](?=[-_]))(?:[-_](?P<type>.+))?", re.DOTALL)
_SUFFIXED = re.compile(r"(?P<type>.+)[-_]([BIESLUMWbieslumw])", re.DOTALL)
_SAME_AS = {"L": "E", "U": "S", "M": "I", "W": "S"}
"""The last and unit words of BILOU, the middle ones of BMES and the whole ones of BMEWO are those of IOBES."""


class Span(NamedTuple):
    """A run of words under one type.

    Attributes:
        type: what it is, ``"person"``; ``"_"`` where tags have no type.
        start: its first word, from 0.
        stop: the word behind its last.
    """

    type: str
    start: int
    stop: int


@dataclass(frozen=True)
class SpanScore:
    """How well spans are found, each metric in [0, 1]; 0 where the denominator is 0.

    Attributes:
        precision: share of the predicted spans that are true ones: same type, same first and last word.
        recall: share of the true spans that are predicted.
        f1: their harmonic mean.
        support: number of true spans.
    """

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class SpanReport:
    """How well spans are found, over all and by type.

    Attributes:
        micro: all spans counted together: the figure that papers call F1.
        macro: the plain mean over types.
        weighted: the mean over types, weighted by their number of true spans.
        types: each type that occurs, true or predicted.
    """

    micro: SpanScore
    macro: SpanScore
    weighted: SpanScore
    types: Mapping[str, SpanScore]


def has_spans(tags: Iterable[str]) -> bool:
    """Return whether tags mark spans.

    They do if most are ``O`` or have a prefix, ``B- I- E- S- L- U- M- W-`` (``-`` or ``_``, capital or not), or all
    such a letter as a suffix (``PER-B``). At most one different tag may be something else for two that mark spans.

    Example:
        >>> has_spans(["O", "B-person", "I-person"]), has_spans(["NOUN", "VERB"]), has_spans(["O"])
        (True, False, False)
        >>> has_spans(["O", "PER-B", "PER-I"]), has_spans(["B-PER", "I-PER", "X"])
        (True, True)
    """
    return parsed_tags(tags) is not None


def stray_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags that mark no span where the others do, sorted; they count as ``O``.

    Example:
        >>> stray_tags(["O", "B-PER", "I-PER", "X"]), stray_tags(["NOUN", "VERB"])
        (['X'], [])
    """
    names = {*tags} - {OUTSIDE, OUTSIDE.lower()}
    return sorted(names - _matches(names).keys()) if has_spans(names) else []


def half_marked(tags: Iterable[str]) -> tuple[str, str] | None:
    """Return a tag that begins a span and one that marks none, of tags that are too mixed to mark spans; else None.

    Example:
        >>> half_marked(["B-PER", "I-PER", "O", "NOUN", "VERB"]), half_marked(["NOUN", "B-PER"])
        (('B-PER', 'NOUN'), None)
    """
    names = {*tags} - {OUTSIDE, OUTSIDE.lower()}
    found = _matches(names)
    begins = sorted(name for name in found if name.startswith("B-"))
    if has_spans(names) or not begins or not any(name.startswith("I-") for name in found):
        return None
    return begins[0], min(names - found.keys())


def letters_of(tags: Iterable[str]) -> set[str]:
    """Return the letters of tags that mark spans, as they are written but in capitals: ``{"B", "L", "U"}``."""
    return {(match[1] if match.re is _PREFIXED else match[2]).upper() for match in _matches({*tags}).values()}


def parsed_tags(tags: Iterable[str]) -> dict[str, tuple[str, str]] | None:
    """Return the prefix, in the letters of IOBES, and the type of each tag; None if the tags mark no spans."""
    names = {*tags}
    found = _matches(names - {OUTSIDE, OUTSIDE.lower()})
    stray = len(names - {OUTSIDE, OUTSIDE.lower()}) - len(found)
    if not found or stray * 2 > len(found) or (stray and not any(match["type"] for match in found.values())):
        return None
    parsed = dict.fromkeys(names, (OUTSIDE, ""))
    for name, match in found.items():
        letter = (match[1] if match.re is _PREFIXED else match[2]).upper()
        parsed[name] = _SAME_AS.get(letter, letter), match["type"] or "_"
    return parsed


def _matches(names: set[str]) -> dict[str, re.Match[str]]:
    """Return the tags that mark spans, by the notation that fits more of them."""
    found = [
        {name: match for name in names if (match := notation.fullmatch(name))} for notation in (_PREFIXED, _SUFFIXED)
    ]
    return max(found, key=len)


def spans(tags: Sequence[str]) -> list[Span]:
    """Return the spans in a sentence's tags.

    A span need not be well formed. It starts at B or S, behind ``O``, E or S, and where the type changes; it ends
    before the next one starts, at E or S, and before ``O``. So IO, IOB1, IOB2, IOE and IOBES tags are read alike.
    BILOU's L and U count as E and S, and BMES's M as I, which seqeval does not know.

    Args:
        tags: the tags of one sentence.

    Raises:
        InputError: a tag is not ``O`` and has no prefix.

    Example:
        >>> spans(["I-place", "I-place", "O", "B-place", "I-person"])
        [Span(type='place', start=0, stop=2), Span(type='place', start=3, stop=4), Span(type='person', start=4, stop=5)]
    """
    return _spans(tags, _parsed_or_refused(tags))


def _parsed_or_refused(tags: Iterable[str]) -> dict[str, tuple[str, str]]:
    names = sorted({*tags})
    parsed = parsed_tags(names)
    if parsed is None:
        wrong = next((name for name in names if name not in (OUTSIDE, OUTSIDE.lower())), None)
        if wrong is not None:
            raise InputError(
                f"the tag '{wrong}' marks no span: spans need O or one of the prefixes B-, I-, E-, S-, L-, U-, M-, W-"
            )
        return dict.fromkeys(names, (OUTSIDE, ""))
    return parsed


def _spans(tags: Sequence[str], parsed: Mapping[str, tuple[str, str]]) -> list[Span]:
    found: list[Span] = []
    start = -1  # of the open span, if any
    before, type_before = OUTSIDE, ""
    for at, (prefix, kind) in enumerate([*(parsed[tag] for tag in tags), (OUTSIDE, "")]):
        goes_on = start >= 0 and prefix in "IE" and before in "BI" and kind == type_before
        if not goes_on:
            if start >= 0:
                found.append(Span(type_before, start, at))
            start = -1 if prefix == OUTSIDE else at
        before, type_before = prefix, kind
    return found


def span_report(true: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]]) -> SpanReport:
    """Compare predicted with true spans.

    Args:
        true: the true tags of each sentence.
        predicted: the predicted ones, as many.

    Raises:
        InputError: as `spans` does. A few tags of another kind count as ``O`` (`stray_tags`).
        ValueError: sentences differ in number, or tags of a sentence do.

    Example:
        >>> report = span_report([["O", "B-person", "I-person"]], [["O", "B-person", "O"]])
        >>> report.micro.f1, report.types["person"].support
        (0.0, 1)
    """
    true, predicted = list(true), list(predicted)
    parsed = _parsed_or_refused(tag for tags in (*true, *predicted) for tag in tags)
    hits: Counter[str] = Counter()
    n_true: Counter[str] = Counter()
    n_predicted: Counter[str] = Counter()
    for truth, guess in zip(true, predicted, strict=True):
        if len(truth) != len(guess):
            raise ValueError(f"need as many predicted tags as true ones, found {len(guess)} and {len(truth)}")
        of_truth, of_guess = set(_spans(truth, parsed)), set(_spans(guess, parsed))
        n_true.update(span.type for span in of_truth)
        n_predicted.update(span.type for span in of_guess)
        hits.update(span.type for span in of_truth & of_guess)
    names = sorted(n_true | n_predicted)
    types = {name: _score(hits[name], n_predicted[name], n_true[name]) for name in names}
    return SpanReport(
        micro=_score(hits.total(), n_predicted.total(), n_true.total()),
        macro=_mean(types, dict.fromkeys(names, 1)),
        weighted=_mean(types, n_true),
        types=types,
    )


def _score(hits: int, predicted: int, true: int) -> SpanScore:
    precision, recall = hits / predicted if predicted else 0.0, hits / true if true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return SpanScore(precision, recall, f1, true)


def _mean(types: Mapping[str, SpanScore], weights: Mapping[str, int]) -> SpanScore:
    total = sum(weights[name] for name in types)

    def mean(metric: str) -> float:
        if not total:
            return 0.0
        return float(sum(weights[name] * getattr(score, metric) for name, score in types.items()) / total)

    support = sum(score.support for score in types.values())
    return SpanScore(mean("precision"), mean("recall"), mean("f1"), support)


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
