from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.text import Tokeniser
from mt2st.text import tokeniser as module

tokenise = Tokeniser()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A good film.", ["a", "good", "film", "."]),
        ("don't it's o'clock", ["don't", "it's", "o'clock"]),
        ("'quoted' dogs'", ["'", "quoted", "'", "dogs", "'"]),
        ("rock''n", ["rock", "'", "'", "n"]),
        ("3.14 1,000,000.5 v1.2", ["3.14", "1,000,000.5", "v1.2"]),
        ("end.Begin 5. a,b ,5", ["end", ".", "begin", "5", ".", "a", ",", "b", ",", "5"]),
        ("well-made snake_case", ["well", "-", "made", "snake", "_", "case"]),
        ("Wow!!! :-)", ["wow", "!", "!", "!", ":", "-", ")"]),
        ("a\x00b\x07c\x7fd", ["a", "b", "c", "d"]),
        ("3rd 80s", ["3rd", "80s"]),
        ("", []),
        (" \t\n\u00a0\u2028", []),
    ],
)
def test_words_numbers_and_marks_are_tokens(text: str, tokens: list[str]) -> None:
    assert tokenise(text) == tokens
    # The same through the expression for all of Unicode, which an accent anywhere in the text brings in.
    assert tokenise(text + " é") == [*tokens, "é"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Straße ÉTÉ", ["straße", "été"]),
        ("हिन्दी की फ़िल्म", ["हिन्दी", "की", unicodedata.normalize("NFC", "फ़िल्म")]),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]),
        ("don\u2019t", ["don't"]),
        ("“été”", ["“", "été", "”"]),
        ("zero\u200bwidth\ufeff caf\x85e", ["zero", "width", "caf", "e"]),
        ("❤\ufe0f 👍", ["❤\ufe0f", "👍"]),
        ("١٢٣", ["١٢٣"]),
        ("\U0001e900\U0001e944", ["\U0001e922\U0001e944"]),  # Adlam, whose marks lie beyond the basic plane
    ],
)
def test_words_of_other_scripts_keep_their_marks(text: str, tokens: list[str]) -> None:
    assert tokenise(text) == tokens


def test_composed_and_decomposed_letters_are_the_same_token() -> None:
    assert tokenise("café") == tokenise(unicodedata.normalize("NFD", "café")) == ["café"]


def test_case_is_kept_when_asked() -> None:
    assert Tokeniser(lowercase=False)("A Film") == ["A", "Film"]


@pytest.mark.parametrize("line_break", ["<br />", "<br>", "<br/>", "<BR />", "</br>", "<br  />"])
def test_html_breaks_are_removed_unless_they_are_kept(line_break: str) -> None:
    assert Tokeniser(lowercase=False)(f"one{line_break}two") == ["one", "two"]
    assert "<" in Tokeniser(remove_breaks=False)(f"one{line_break}two")


def test_other_tags_stay() -> None:
    assert tokenise("<b>x") == ["<", "b", ">", "x"]


@pytest.mark.parametrize("letter", ["z", "é"])
def test_an_endless_word_is_cut(letter: str) -> None:
    assert [len(token) for token in tokenise(letter * 250)] == [100, 100, 50]


def test_every_combining_mark_is_known() -> None:
    marks = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "M"]
    assert all(module._unicode_token().fullmatch("a" + mark) for mark in marks)


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_tokens_hold_no_space_and_tokenise_to_themselves(text: str) -> None:
    tokens = tokenise(text)
    assert all(token and not any(map(str.isspace, token)) for token in tokens)
    assert tokenise(" ".join(tokens)) == tokens


@given(st.text(alphabet="aZ09'\u2019., _-<br />\u0301é"))
@settings(max_examples=200, deadline=None)
def test_nothing_but_white_space_is_lost(text: str) -> None:
    kept = "".join(Tokeniser(lowercase=False, remove_breaks=False)(text))
    expected = unicodedata.normalize("NFC", text).replace("\u2019", "'")
    assert kept == "".join(expected.split())


@given(st.text(alphabet=st.characters(max_codepoint=127)))
@settings(max_examples=200, deadline=None)
def test_the_ascii_expression_agrees_with_the_one_for_unicode(text: str) -> None:
    assert module._ASCII_TOKEN.findall(text) == module._unicode_token().findall(text)


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("remove_breaks", [True, False])
def test_settings_survive_a_round_trip(lowercase: bool, remove_breaks: bool) -> None:
    tokeniser = Tokeniser(lowercase, remove_breaks)
    assert Tokeniser.from_dict(tokeniser.to_dict()) == tokeniser


def test_unknown_and_wrong_settings_are_named() -> None:
    with pytest.raises(InputError, match=r"no setting 'lower_case'.*Did you mean 'lowercase'\?"):
        Tokeniser.from_dict({"lower_case": True})
    with pytest.raises(InputError, match="lowercase should be a valid boolean, found 'yes'"):
        Tokeniser.from_dict({"lowercase": "yes"})
