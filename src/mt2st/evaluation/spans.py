"""How well tagged spans (entities) are found: precision, recall and F1 of whole spans, by seqeval's conventions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mt2st.errors import InputError, listed, suggestion

Scheme = Literal["lenient", "iob2", "iobes", "bilou"]
SCHEMES: tuple[Scheme, ...] = ("lenient", "iob2", "iobes", "bilou")
OUTSIDE = "O"

_TAG = re.compile(r"([BIESLU])(?:-(.+))?", re.DOTALL)
_SAME_AS = {"L": "E", "U": "S"}
"""BILOU's last and unit words are IOBES's end and single ones."""


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
    """How well spans are found, each measure in [0, 1]; 0 where nothing is there to divide by.

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
    """Return whether tags mark spans: all are ``O`` or have one of the prefixes ``B- I- E- S- L- U-``.

    Example:
        >>> has_spans(["O", "B-person", "I-person"]), has_spans(["NOUN", "VERB"]), has_spans(["O"])
        (True, False, False)
    """
    names = set(tags) - {OUTSIDE}
    return bool(names) and all(_TAG.fullmatch(name) for name in names)


def spans(tags: Sequence[str], *, scheme: Scheme = "lenient") -> list[Span]:
    """Return the spans in a sentence's tags.

    - ``"lenient"``, seqeval's default and conlleval's way: a span need not be well formed. It starts at B or S, behind
      ``O``, E or S, and where the type changes; it ends before the next one starts, at E or S, and before ``O``. So it
      reads IOB1, IOB2, IOE and IOBES tags alike.
    - ``"iob2"``, ``"iobes"``, ``"bilou"``, seqeval's strict mode: only what the scheme allows is a span: B, then I of
      the same type; with IOBES a single S, or B, I and E; with BILOU the same, E and S being called L and U.

    The lenient reading takes L and U for E and S, which seqeval's does not know.

    Args:
        tags: of the words of one sentence.
        scheme: how they are to be read.

    Raises:
        InputError: a tag that is no ``O`` and has no prefix, or one that the scheme has not; or an unknown scheme.

    Example:
        >>> spans(["I-place", "I-place", "O", "B-place", "I-person"])
        [Span(type='place', start=0, stop=2), Span(type='place', start=3, stop=4), Span(type='person', start=4, stop=5)]
        >>> spans(["I-place", "I-place", "O", "B-place", "I-person"], scheme="iob2")
        [Span(type='place', start=3, stop=4)]
    """
    if scheme not in SCHEMES:
        raise InputError(f"unknown scheme '{scheme}'.{suggestion(scheme, SCHEMES)} Known: {listed(SCHEMES)}")
    parsed = [_parsed(tag, scheme) for tag in tags]
    if scheme == "lenient":
        return list(_lenient(parsed))
    return list(_strict(parsed, closed=scheme != "iob2"))


_ALLOWED = {"lenient": "BIESLU", "iob2": "BI", "iobes": "BIES", "bilou": "BILU"}


def _parsed(tag: str, scheme: Scheme) -> tuple[str, str]:
    """Return a tag's prefix, in the letters of IOBES, and its type."""
    if tag == OUTSIDE:
        return OUTSIDE, ""
    match = _TAG.fullmatch(tag)
    if match is None or match[1] not in _ALLOWED[scheme]:
        prefixes = ", ".join(f"{letter}-" for letter in _ALLOWED[scheme])
        raise InputError(f"the tag '{tag}' marks no span: spans need O or one of the prefixes {prefixes} ({scheme})")
    return _SAME_AS.get(match[1], match[1]), match[2] or "_"


def _lenient(tags: Sequence[tuple[str, str]]) -> Iterator[Span]:
    start = -1  # of the open span, if any
    before, type_before = OUTSIDE, ""
    for at, (prefix, kind) in enumerate([*tags, (OUTSIDE, "")]):
        goes_on = start >= 0 and prefix in "IE" and before in "BI" and kind == type_before
        if not goes_on:
            if start >= 0:
                yield Span(type_before, start, at)
            start = -1 if prefix == OUTSIDE else at
        before, type_before = prefix, kind


def _strict(tags: Sequence[tuple[str, str]], *, closed: bool) -> Iterator[Span]:
    at = 0
    while at < len(tags):
        start, (prefix, kind) = at, tags[at]
        at += 1
        if prefix == "B":
            while at < len(tags) and tags[at] == ("I", kind):
                at += 1
            if closed:
                if at == len(tags) or tags[at] != ("E", kind):
                    continue
                at += 1
            yield Span(kind, start, at)
        elif prefix == "S":
            yield Span(kind, start, at)


def span_report(
    true: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]], *, scheme: Scheme = "lenient"
) -> SpanReport:
    """Compare predicted with true spans.

    Args:
        true: the true tags of each sentence.
        predicted: the predicted ones, as many.
        scheme: how tags are read, as for `spans`.

    Raises:
        InputError: as `spans` does.
        ValueError: when a sentence has not as many predicted as true tags, or there are not as many sentences.

    Example:
        >>> report = span_report([["O", "B-person", "I-person"]], [["O", "B-person", "O"]])
        >>> report.micro.f1, report.types["person"].support
        (0.0, 1)
    """
    hits: Counter[str] = Counter()
    n_true: Counter[str] = Counter()
    n_predicted: Counter[str] = Counter()
    for truth, guess in zip(true, predicted, strict=True):
        if len(truth) != len(guess):
            raise ValueError(f"need as many predicted tags as true ones, found {len(guess)} and {len(truth)}")
        of_truth, of_guess = set(spans(truth, scheme=scheme)), set(spans(guess, scheme=scheme))
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

    def mean(measure: str) -> float:
        if not total:
            return 0.0
        return float(sum(weights[name] * getattr(score, measure) for name, score in types.items()) / total)

    support = sum(score.support for score in types.values())
    return SpanScore(mean("precision"), mean("recall"), mean("f1"), support)
