"""Spans and their scores, against seqeval on random tags."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.evaluation.entities import has_spans, span_report, spans

TYPES = ["a", "b", "c-d"]


def tags(prefixes: str) -> st.SearchStrategy[str]:
    typed = st.builds(lambda prefix, kind: f"{prefix}-{kind}", st.sampled_from(prefixes), st.sampled_from(TYPES))
    return st.one_of(st.just("O"), typed)


def sentences(prefixes: str) -> st.SearchStrategy[list[list[tuple[str, str]]]]:
    """Sentences of pairs: a true and a predicted tag."""
    return st.lists(st.lists(st.tuples(tags(prefixes), tags(prefixes)), max_size=10), min_size=1, max_size=6)


def both(pairs: list[list[tuple[str, str]]]) -> tuple[list[list[str]], list[list[str]]]:
    return [[pair[0] for pair in sentence] for sentence in pairs], [
        [pair[1] for pair in sentence] for sentence in pairs
    ]


def check_against(reference: Any, pairs: list[list[tuple[str, str]]]) -> None:
    true, predicted = both(pairs)
    report = span_report(true, predicted)
    if report.types:  # the means over no type at all are NaN, with a warning, there, and 0 here
        for average in ("micro", "macro", "weighted"):
            expected = reference(true, predicted, average=average, zero_division=0)
            found = getattr(report, average)
            assert (found.precision, found.recall, found.f1) == pytest.approx(expected[:3], abs=1e-12)
            assert found.support == expected[3]
    precision, recall, f1, support = reference(true, predicted, average=None, zero_division=0)
    rows = [(each.precision, each.recall, each.f1, each.support) for _, each in sorted(report.types.items())]
    assert len(rows) == len(support)
    for row, expected in zip(rows, zip(precision, recall, f1, support, strict=True), strict=True):
        assert row == pytest.approx(expected, abs=1e-12)


@given(sentences("BIES"))
def test_scores_are_seqevals_default_ones(pairs: list[list[tuple[str, str]]]) -> None:
    reference = pytest.importorskip("seqeval.metrics.sequence_labeling")
    check_against(reference.precision_recall_fscore_support, pairs)


def test_the_documented_example_of_seqeval() -> None:
    true = [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    predicted = [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    report = span_report(true, predicted)
    assert report.micro.f1 == report.macro.f1 == report.weighted.f1 == 0.5
    assert {name: score.f1 for name, score in report.types.items()} == {"MISC": 0.0, "PER": 1.0}


@given(st.lists(tags("BI"), max_size=15))
def test_well_formed_spans_are_the_same_in_all_schemes(ragged: list[str]) -> None:
    """Spans of IOB2 tags, written as IOBES and BILOU, are these spans again."""
    found = spans(ragged)
    for single, end in ("BI", "SE", "UL"):
        written = ["O"] * len(ragged)
        for kind, start, stop in found:
            inside = ["B", *"I" * (stop - start - 2), end] if stop - start > 1 else [single]
            written[start:stop] = [f"{prefix}-{kind}" for prefix in inside]
        assert spans(written) == found


def test_tags_without_a_type_are_spans_too() -> None:
    assert [tuple(span) for span in spans(["B", "I", "O", "B"])] == [("_", 0, 2), ("_", 3, 4)]
    assert has_spans(["B", "I", "O"])


@pytest.mark.parametrize("true", [["B-a", "I-a", "O"], ["O", "B-a", "E-a"], ["O", "U-a", "O"]])
def test_a_perfect_prediction_scores_one_and_an_empty_one_zero(true: list[str]) -> None:
    assert span_report([true], [true]).micro.f1 == 1.0
    nothing = span_report([true], [["O"] * 3])
    assert (nothing.micro.precision, nothing.micro.recall, nothing.macro.f1) == (0.0, 0.0, 0.0)


def test_no_span_at_all_scores_zero() -> None:
    report = span_report([["O"]], [["O"]])
    assert (report.micro.f1, report.macro.f1, report.weighted.f1, report.types) == (0.0, 0.0, 0.0, {})


def test_a_tag_that_marks_no_span_is_refused() -> None:
    with pytest.raises(InputError, match=r"the tag 'NOUN' marks no span: .* B-, I-, E-, S-, L-, U-"):
        spans(["O", "NOUN"])
    with pytest.raises(ValueError, match="as many predicted tags"):
        span_report([["O"]], [["O", "O"]])
