"""The compiled code gives the tokens of the expressions, whatever the text, and numbers them by first appearance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mt2st.text import Tokeniser
from mt2st.text.token_table import Cutting, TokenTable

WORDS = Cutting.of(Tokeniser())

TRICKY = "aZéßİΣς09'\u2019.,-_<br/>\n \t\0\x1c\x85\u00a0\u2009\u0301\u0338\u200d\ufe0f\u2013€中好กิ한\U0001f44d"
nasty = st.text(st.sampled_from(TRICKY + "\U0001e900\ud800\U0010ffff"), max_size=30)
texts = st.lists(nasty | st.text(st.characters(exclude_categories=[])), max_size=5)
tokenisers = st.builds(Tokeniser, st.booleans(), st.booleans(), st.sampled_from(["words", "whitespace", "characters"]))


def tokens_of(documents: list[str], tokeniser: Tokeniser, known: list[str]) -> list[list[str]]:
    """The tokens of each document by compiled code, through a table that knows some of them before."""
    table = TokenTable(known)
    cut = table.cut(documents, Cutting.of(tokeniser), otherwise=-1)
    assert (cut.ids == -1).sum() == len(cut.unknown) == len(cut.unknown_tokens())
    table.add(cut)
    assert len(cut.lengths) == len(documents)
    found = np.array(table.tokens, dtype=object)[cut.ids].tolist() if len(cut.ids) else []
    ends = np.cumsum(cut.lengths).tolist()
    return [found[start:stop] for start, stop in zip([0, *ends], ends, strict=False)]


@given(texts, tokenisers, st.integers(0, 3))
@settings(max_examples=400, deadline=None)
@example(["z" * 99 + "5中6" + "é" * 250 + "1.5", "9" * 100 + "." + "9" * 101], Tokeniser(), 0)
@example(["x" * 2500, "ß" * 1500 + " a"], Tokeniser(tokens="whitespace"), 0)
@example(["</br<br>>", "<br>\u0338", "<br\u00a0/>x"], Tokeniser(), 0)
@example(["a\0b", "", "c"], Tokeniser(tokens="whitespace"), 0)
def test_they_are_those_of_the_expressions(documents: list[str], tokeniser: Tokeniser, n_known: int) -> None:
    expected = [tokeniser(text) for text in documents]
    known = list(dict.fromkeys(token for tokens in expected for token in tokens))[:n_known]
    assert tokens_of(documents, tokeniser, known) == expected


def test_every_character_is_of_its_kind() -> None:
    """Beyond these, no character is a letter or a mark but those of the ideographic planes, which end with 0x33FFF."""
    everything = [chr(code) for code in (*range(0x20100), *range(0x323A0, 0x32400), *range(0xE0000, 0xE0200))]
    documents = ["".join(everything[start : start + 5000]) for start in range(0, len(everything), 5000)]
    assert tokens_of(documents, Tokeniser(), []) == [Tokeniser()(text) for text in documents]


def test_tokens_are_numbered_by_first_appearance_and_found_again() -> None:
    table = TokenTable(["film"])
    for text, ids in (("a film", [1, 0]), ("a fine film", [1, 2, 0])):
        cut = table.cut([text], WORDS, otherwise=9)
        table.add(cut)
        assert cut.ids.tolist() == ids
    assert table.tokens == ["film", "a", "fine"]
    assert len(table) == 3


def test_a_table_grows_with_its_tokens() -> None:
    words = [f"w{number}" for number in range(300_000)]
    table = TokenTable()
    for start in range(0, len(words), 30_000):
        cut = table.cut([" ".join(words[start : start + 30_000])], WORDS, otherwise=-1)
        table.add(cut)
        assert np.array_equal(cut.ids, np.arange(start, start + 30_000))
    assert table.tokens == words


def test_those_who_cut_while_others_add_see_the_tokens_that_they_began_with() -> None:
    words = [f"w{number}" for number in range(60_000)]
    table = TokenTable(words[:1000])
    text = " ".join(words)

    def seen(_: int) -> Any:
        size = len(table)
        cut = table.cut([text], WORDS, otherwise=-1)
        known = cut.ids[cut.ids >= 0]
        assert np.array_equal(known, np.arange(len(known)))
        return size <= len(known)

    with ThreadPoolExecutor(2) as pool:
        going = pool.map(seen, range(60))
        for start in range(1000, 60_000, 1000):
            table.add(table.cut([" ".join(words[start : start + 1000])], WORDS, otherwise=-1))
        assert all(going)


def test_forgotten_tokens_are_unknown_and_the_others_move_up() -> None:
    table = TokenTable(["a", "b", "c"])
    before = table.cut(["a c"], WORDS, otherwise=-1)
    table.keep(np.array([True, False, True]))
    assert table.tokens == ["a", "c"]
    assert table.cut(["a b c"], WORDS, otherwise=-1).ids.tolist() == [0, -1, 1]
    with pytest.raises(AssertionError, match="numbers are others now"):
        table.add(before)
