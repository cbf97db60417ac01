"""Texts as a network reads them."""

from __future__ import annotations

import pytest

from mt2st.models.mean import TextReader
from mt2st.text import Tokeniser, Vocabulary

VOCABULARY = Vocabulary.from_counts(dict.fromkeys("abcdefgh", 9))


@pytest.mark.parametrize(
    ("max_length", "truncation", "read"),
    [
        (9, "middle", ["abcdefgh", "", "ab", "", "abcde"]),
        (4, "middle", ["abgh", "", "ab", "", "abde"]),
        (3, "middle", ["abh", "", "ab", "", "abe"]),
        (3, "end", ["abc", "", "ab", "", "abc"]),
        (1, "middle", ["a", "", "a", "", "a"]),
    ],
)
def test_long_texts_lose_a_part_and_a_text_without_a_word_has_an_unknown_one(
    max_length: int, truncation: str, read: list[str]
) -> None:
    reader = TextReader(VOCABULARY, Tokeniser(), False, max_length, truncation)
    found = reader.read(["a b c d e f g h", "", "a b", "\n", "a b c d e"])
    ids = [found.ids[start:stop].tolist() for start, stop in zip(found.ends[:-1], found.ends[1:], strict=True)]
    assert ["".join(VOCABULARY.decode(each)).replace("<unk>", "") for each in ids] == read
    assert [len(each) for each in ids] == [max(1, len(each)) for each in read]
    assert found.known.tolist() == [True, False, True, False, True]


def test_words_that_the_vocabulary_lacks_have_ids_of_their_own_if_they_are_made_of_n_grams() -> None:
    found = TextReader(VOCABULARY, Tokeniser(), True, 9, "end").read(["x a y x", "a"])
    assert found.further == ["x", "y"]
    assert found.ids.tolist() == [10, 2, 11, 10, 2]
    assert TextReader(VOCABULARY, Tokeniser(), False, 9, "end").read(["x"]).known.tolist() == [False]
