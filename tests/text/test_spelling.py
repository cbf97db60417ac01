"""Features of spelling: affixes and shapes, and words numbered as they are spelled."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt2st.text import SPECIALS, OpenVocabulary, Tokeniser, Vocabulary
from mt2st.text.spelling import (
    LONGEST_AFFIX,
    LONGEST_SHAPE,
    OpenSpellings,
    shape_of,
    spelling_of,
    spelling_rows,
)
from mt2st.text.vocabulary import UNK

WORDS = st.text(min_size=1, max_size=30)
KNOWN = Vocabulary.from_counts({"the": 9, "well": 8, "\ufffd": 7, "dog": 6}, min_count=1)


def test_a_word_has_its_affixes_in_lower_case_and_its_shape() -> None:
    assert spelling_of("Running") == ["<r", "<ru", "<run", "<runn", "g>", "ng>", "ing>", "ning>", "=Xxx"]
    assert spelling_of("-") == ["<-", "->", "=-"]


def test_a_prefix_is_another_feature_than_the_suffix_of_the_same_letters() -> None:
    assert set(spelling_of("anna")) & set(spelling_of("banana")) == {"a>", "na>", "=xx"}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Paris", "London", True),
        ("paris", "London", False),
        ("NATO", "London", False),
        ("1987", "2001", True),
        ("1987", "3.14", False),
        ("OK", "UN", True),
        ("eBay", "iPad", True),
    ],
)
def test_the_shape_tells_capitals_and_digits_apart_but_not_letters(one: str, other: str, alike: bool) -> None:
    assert (shape_of(one) == shape_of(other)) is alike


@given(WORDS)
def test_every_word_has_few_features_and_always_the_same(word: str) -> None:
    found = spelling_of(word)
    assert 3 <= len(found) <= 2 * LONGEST_AFFIX + 1
    assert len(set(found)) == len(found)
    assert len(shape_of(word)) <= LONGEST_SHAPE
    rows = spelling_rows(word, 50)
    assert rows == spelling_rows(word, 50)
    assert all(0 <= row < 50 for row in rows)


def test_rows_are_the_same_in_every_process() -> None:
    """A saved table is read by them."""
    assert spelling_rows("Oslo", 16_384) == [6089, 4616, 4958, 2980, 14396, 405, 2281, 116, 2712]


@given(st.lists(WORDS, max_size=20))
def test_each_spelling_has_one_id_after_those_of_the_vocabulary(words: list[str]) -> None:
    numbering = OpenSpellings(KNOWN, Tokeniser())
    ids = numbering.encode(words).tolist()
    assert ids == numbering.encode(words).tolist()
    first = len(KNOWN)
    assert dict(zip(words, ids, strict=True)) == {word: first + at for at, word in enumerate(dict.fromkeys(words))}
    spelled = numbering.spelled(1000)
    assert len(spelled.words) == len(spelled.offsets) - 1 == len(set(words))
    for word, (start, stop) in zip(dict.fromkeys(words), pairwise(spelled.offsets), strict=True):
        assert spelled.rows[start:stop].tolist() == spelling_rows(word, 1000)


def test_a_word_stands_in_the_vocabulary_as_its_first_token_in_lower_case() -> None:
    numbering = OpenSpellings(KNOWN, Tokeniser())
    numbering.encode(["The", "the", "well-made", "DOG", "cat", "\u200b"])
    known = [KNOWN.tokens[number] for number in numbering.spelled(10).words]
    assert known == ["the", "the", "well", "dog", SPECIALS[UNK], "\ufffd"]


def test_words_that_an_open_vocabulary_adds_keep_their_ids() -> None:
    words = OpenVocabulary(KNOWN)
    numbering = OpenSpellings(words, Tokeniser())
    assert numbering.encode(["Cat", "dog", "cat"]).tolist() == [6, 7, 8]
    assert numbering.spelled(10).words.tolist() == [6, 5, 6]
    assert words.further == ["cat"]
