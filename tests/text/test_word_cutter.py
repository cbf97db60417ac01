"""Raw text cut as the words of a corpus."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt2st.text.words import WordCutter

TREEBANK = WordCutter.of(
    [["It", "'s", "n't", "'ll", "Mr.", "U.S.", "well-made", "-", "...", "!", ".", "(", ")", "@ann", "@bob", ":-)"]] * 2
)
UNCUT = WordCutter.of([["it's", "don't", "-", "."]] * 2)
FRENCH = WordCutter.of([["l'", "qu'", "aujourd'hui", "."]] * 2)


@pytest.mark.parametrize(
    ("cutter", "text", "words"),
    [
        (TREEBANK, "it's raining.", ["it", "'s", "raining", "."]),
        (TREEBANK, "I don't; they\u2019ll!", ["I", "do", "n't", ";", "they", "\u2019ll", "!"]),
        (TREEBANK, "Mr. Lee (of the U.S.)...", ["Mr.", "Lee", "(", "of", "the", "U.S.", ")", "..."]),
        (TREEBANK, "a self-made man", ["a", "self-made", "man"]),
        (TREEBANK, "@carl $5 :-)", ["@carl", "$", "5", ":-)"]),
        (TREEBANK, "it 's cut already .", ["it", "'s", "cut", "already", "."]),
        (TREEBANK, "http://t.co/x, 3.14", ["http://t.co/x", ",", "3.14"]),
        (UNCUT, "it's what's his-and-hers.", ["it's", "what's", "his", "-", "and", "-", "hers", "."]),
        (FRENCH, "L'homme qu'aujourd'hui.", ["L'", "homme", "qu'", "aujourd'hui", "."]),
        (WordCutter(), "Yes, 'it's' it.", ["Yes", ",", "'", "it's", "'", "it", "."]),
        (TREEBANK, " \n ", []),
        (TREEBANK, "'s", ["'s"]),
    ],
)
def test_text_is_cut_as_the_corpus_is(cutter: WordCutter, text: str, words: list[str]) -> None:
    assert cutter(text) == words


@pytest.mark.parametrize("cutter", [TREEBANK, UNCUT, FRENCH, WordCutter()])
@given(text=st.text(alphabet="aB1 '-.@:()!\u2019n\u00e9\u4e2d\n", max_size=30) | st.text(max_size=30))
def test_no_letter_is_lost_and_no_word_is_empty(cutter: WordCutter, text: str) -> None:
    words = cutter(text)
    assert "".join(words) == "".join(text.split())
    assert all(words)


def test_what_comes_once_is_taken_for_chance() -> None:
    assert WordCutter.of([["Yahoo!"]])("Yahoo!") == ["Yahoo", "!"]
    assert WordCutter.of([["Yahoo!", "yahoo!"]])("Yahoo!") == ["Yahoo!"]
