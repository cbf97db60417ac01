"""Tagged spans (entities): precision, recall and F1 of whole spans, exactly as seqeval's default.

seqeval, unmaintained since 2020, is no dependency; the tests hold this against it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
