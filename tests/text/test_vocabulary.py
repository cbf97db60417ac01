from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.text import PAD, SPECIALS, UNK, Vocabulary

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\0"), min_size=1, max_size=8)
counted = st.dictionaries(words.filter(lambda word: word not in SPECIALS), st.integers(1, 10**12), min_size=1)


@given(counted)
@settings(max_examples=50, deadline=None)
def test_tokens_decode_to_what_was_encoded(counts: dict[str, int]) -> None:
    vocabulary = Vocabulary.from_counts(counts, min_count=1)
    ids = vocabulary.encode(list(counts))
    assert ids.dtype == np.int32
    assert vocabulary.decode(ids) == list(counts)
    assert vocabulary.counts[ids].tolist() == list(counts.values())
    assert [vocabulary.id_of(token) for token in counts] == ids.tolist()


@given(counted)
@settings(max_examples=50, deadline=None)
def test_saving_and_loading_changes_nothing(tmp_path_factory: pytest.TempPathFactory, counts: dict[str, int]) -> None:
    path = tmp_path_factory.mktemp("vocabulary") / "vocabulary.txt"
    vocabulary = Vocabulary.from_counts(counts, min_count=1)
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_specials_come_first_with_count_zero() -> None:
    vocabulary = Vocabulary.from_counts({"a": 2, "<unk>": 7}, min_count=1)
    assert (vocabulary.id_of("<pad>"), vocabulary.id_of("<unk>")) == (PAD, UNK) == (0, 1)
    assert vocabulary.tokens == ("<pad>", "<unk>", "a")
    assert vocabulary.counts.tolist() == [0, 0, 2]
    assert vocabulary.counts.dtype == np.int64


def test_tokens_stand_by_count_and_then_by_first_appearance() -> None:
    vocabulary = Vocabulary.from_counts({"z": 5, "rare": 4, "a": 5, "top": 9}, min_count=5)
    assert vocabulary.tokens[2:] == ("top", "z", "a")


def test_the_largest_size_keeps_the_most_frequent() -> None:
    vocabulary = Vocabulary.from_counts({"a": 1, "b": 3, "c": 2}, min_count=1, max_size=2)
    assert vocabulary.tokens[2:] == ("b", "c")
    assert len(vocabulary) == 4


def test_unknown_tokens_are_encoded_as_unk() -> None:
    vocabulary = Vocabulary.from_counts({"a": 5})
    assert vocabulary.encode(["a", "b"]).tolist() == [2, UNK]
    assert vocabulary.id_of("b") == UNK
    assert "a" in vocabulary
    assert "b" not in vocabulary


def test_ids_outside_are_refused_by_decode() -> None:
    vocabulary = Vocabulary.from_counts({"a": 5})
    for number in (-1, 3):
        with pytest.raises(IndexError):
            vocabulary.decode([number])


def test_counts_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Vocabulary.from_counts({"a": 5}).counts[0] = 1


def test_a_vocabulary_equals_only_the_same_tokens_and_counts() -> None:
    assert Vocabulary.from_counts({"a": 5}) == Vocabulary.from_counts({"a": 5})
    assert hash(Vocabulary.from_counts({"a": 5})) == hash(Vocabulary.from_counts({"a": 5}))
    assert Vocabulary.from_counts({"a": 5}) != Vocabulary.from_counts({"a": 6})
    assert Vocabulary.from_counts({"a": 5}) != "a"


def test_a_vocabulary_left_empty_tells_what_there_was() -> None:
    with pytest.raises(
        InputError, match=r"none of the 2 distinct tokens comes 5 times .* comes 4 times. Lower min_count"
    ):
        Vocabulary.from_counts({"a": 4, "b": 1})
    with pytest.raises(InputError, match="no tokens"):
        Vocabulary.from_counts({})


@pytest.mark.parametrize(
    ("limits", "message"),
    [({"min_count": 0}, "min_count must be 1 or more, found 0"), ({"max_size": 0}, "must be 1 or more, found 0")],
)
def test_limits_out_of_range_are_refused(limits: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Vocabulary.from_counts({"a": 9}, **limits)


@pytest.mark.parametrize(
    ("tokens", "counts", "message"),
    [
        (("a",), [1], "starts with the tokens"),
        ((*SPECIALS, "a"), [0, 0], "needs as many counts"),
        ((*SPECIALS, "a"), [0, 0, -1], "cannot be negative, found -1 for 'a'"),
        ((*SPECIALS, "a\tb"), [0, 0, 1], "hold a tab"),
        ((*SPECIALS, "a\n"), [0, 0, 1], "line feed"),
        ((*SPECIALS, "a\0"), [0, 0, 1], "NUL"),
        ((*SPECIALS, ""), [0, 0, 1], "cannot be empty"),
        ((*SPECIALS, "a", "a"), [0, 0, 1, 1], "found 'a' twice"),
    ],
)
def test_what_is_no_vocabulary_is_refused(tokens: tuple[str, ...], counts: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Vocabulary(tokens, np.array(counts))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "first lines must hold"),
        ("<pad>\t0\n", "first lines must hold"),
        ("a\t1\n", "line 1: expected the special token '<pad>'"),
        ("<pad>\t0\n<unk>\t3\n", "line 2: expected the special token '<unk>' with count 0"),
        ("<pad>\t0\n<unk>\t0\na 1\n", r"line 3: expected a token, a tab and its count, found 'a 1\\n'"),
        ("<pad>\t0\n<unk>\t0\na\t-1\n", "line 3: expected a token"),
        ("<pad>\t0\n<unk>\t0\na\t1\tb\n", "line 3: expected a token"),
        ("<pad>\t0\n<unk>\t0\na\t" + "9" * 30, "line 3: expected a token"),
        ("<pad>\t0\n<unk>\t0\na\t2\nb\t1\na\t1\n", "line 5: the token 'a' stands on line 3"),
    ],
)
def test_a_bad_file_is_reported_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "vocabulary.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message) as raised:
        Vocabulary.load(path)
    assert str(path) in str(raised.value)


def test_a_missing_file_or_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing.txt: cannot be read"):
        Vocabulary.load(tmp_path / "nothing.txt")
    with pytest.raises(InputError, match="cannot write"):
        Vocabulary.from_counts({"a": 5}).save(tmp_path / "nowhere" / "vocabulary.txt")


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    vocabulary = Vocabulary.from_counts({"a": 5})
    vocabulary.save(path)
    with pytest.raises(InputError, match="surrogate"):
        Vocabulary.from_counts({"\ud800": 5}).save(path)
    assert Vocabulary.load(path) == vocabulary
    assert list(tmp_path.iterdir()) == [path]
