"""Sequences of tags that follow a scheme."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt2st.evaluation import Scheme, best_tags, scheme_of, spans

IOB2 = ("B-x", "B-y", "I-x", "I-y", "O")
IOBES = ("B-x", "E-x", "I-x", "O", "S-x")
BILOU = ("B-x", "B-y", "I-x", "L-x", "L-y", "O", "U-y")


def is_legal(tags: tuple[str, ...], scheme: Scheme) -> bool:
    """Whether tags follow a scheme, by the spans that they mark: each begins and ends as the scheme has it."""
    found = {at: span for span in spans(tags) for at in range(span.start, span.stop)}
    for at, tag in enumerate(tags):
        if tag == "O":
            continue
        span, prefix = found[at], {"L": "E", "U": "S"}.get(tag[0], tag[0])
        first, last = at == span.start, at == span.stop - 1
        expected = "B" if first else "I"
        if scheme == "iobes":
            expected = "S" if first and last else "B" if first else "E" if last else "I"
        if prefix != expected:
            return False
    return True


@pytest.mark.parametrize(("names", "scheme"), [(IOB2, "iob2"), (IOBES, "iobes"), (BILOU, "iobes")])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), lengths=st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_the_best_legal_sequence_is_that_of_all_sequences(
    names: tuple[str, ...], scheme: Scheme, seed: int, lengths: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(len(names)), sum(lengths)).astype(np.float32).reshape(-1, len(names))
    found = best_tags(probabilities, np.array(lengths), names, scheme)
    at = 0
    for length in lengths:
        scores = np.log(probabilities[at : at + length].astype(np.float64))
        legal = [
            path
            for path in product(range(len(names)), repeat=length)
            if is_legal(tuple(names[tag] for tag in path), scheme)
        ]
        best = max(legal, key=lambda path: sum(scores[word, tag] for word, tag in enumerate(path)))
        assert found[at : at + length].tolist() == list(best)
        at += length


@pytest.mark.parametrize("names", [IOB2, IOBES])
def test_without_a_scheme_each_word_has_its_most_probable_tag(names: tuple[str, ...]) -> None:
    probabilities = np.random.default_rng(1).random((50, len(names))).astype(np.float32)
    found = best_tags(probabilities, np.array([20, 30]), names, None)
    assert found.tolist() == probabilities.argmax(axis=1).tolist()


def test_a_tag_of_probability_zero_is_no_obstacle() -> None:
    probabilities = np.array([[0, 0, 0, 0, 1], [0, 0, 1, 0, 0]], dtype=np.float32)
    assert is_legal(tuple(IOB2[tag] for tag in best_tags(probabilities, np.array([2]), IOB2, "iob2")), "iob2")


def test_where_the_tags_leave_no_legal_sequence_one_with_the_fewest_breaks_is_found() -> None:
    found = best_tags(np.array([[0.2, 0.3, 0.5]], np.float32), np.array([1]), ("B-x", "E-x", "I-x"), "iobes")
    assert found.tolist() == [1], "E breaks the beginning alone, I the end too"


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ([["O", "B-x", "I-x"], ["B-x", "B-x"]], "iob2"),
        ([["O", "I-x", "I-x"], ["I-x", "B-x"]], None),
        ([["B-x", "I-x", "E-x"], ["S-x", "O"]], "iobes"),
        ([["B-x", "L-x"], ["U-y", "O"]], "iobes"),
        ([["I-x", "E-x"], ["E-x", "O"]], None),
        ([["B-x", "I-y"]], None),
        ([["NOUN", "VERB"]], None),
        ([["O"]], None),
        ([], None),
        ([["B-x", "I-x"]] * 19 + [["I-x"]], "iob2"),
        ([["O"]] * 100 + [["I-x"]] * 2 + [["B-x"]], None),
    ],
)
def test_the_scheme_is_read_off_the_tags(tags: list[list[str]], scheme: str | None) -> None:
    assert scheme_of(tags) == scheme
