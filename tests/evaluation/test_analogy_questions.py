"""Files of analogy questions: the formats in use, tables of pairs, and files that are none."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.evaluation import packaged_analogies, questions_of_pairs, read_analogies

ATHENS = ("athens", "greece", "rome", "italy")
GOOD = b": capital\nathens greece rome italy\n: gram1-plural\ncat cats dog dogs\n# a note\n\nant ants bee bees\n"


def complaint(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_analogies(path)
    return str(raised.value)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_sections_come_from_headers(tmp_path: Path, compressed: bool, ends: bytes) -> None:
    raw = b"\xef\xbb\xbf" + GOOD.replace(b"\n", ends)
    path = tmp_path / ("questions.txt.gz" if compressed else "questions.txt")
    path.write_bytes(gzip.compress(raw) if compressed else raw)
    capital, plural = read_analogies(path)
    assert (capital.name, capital.kind, capital.questions) == ("capital", "semantic", (ATHENS,))
    assert (plural.name, plural.kind) == ("gram1-plural", "syntactic")
    assert plural.questions == (("cat", "cats", "dog", "dogs"), ("ant", "ants", "bee", "bees"))


def test_without_a_header_the_file_names_the_section(tmp_path: Path) -> None:
    path = tmp_path / "gram2-opposite.txt"
    path.write_text("sure unsure\tfair  unfair\n", encoding="utf-8")
    (section,) = read_analogies(path)
    assert (section.name, section.kind) == ("gram2-opposite", "syntactic")
    assert section.questions == (("sure", "unsure", "fair", "unfair"),)


def test_pairs_make_questions(tmp_path: Path) -> None:
    path = tmp_path / "young.txt"
    path.write_text("cat kitten\ndog puppy\n", encoding="utf-8")
    (section,) = read_analogies(path)
    assert set(section.questions) == {("cat", "kitten", "dog", "puppy"), ("dog", "puppy", "cat", "kitten")}


@given(st.integers(2, 90), st.integers(1, 40))
def test_each_pair_is_asked_with_as_many_others(n: int, partners: int) -> None:
    pairs = [(f"a{i}", f"b{i}") for i in range(n)]
    questions = questions_of_pairs(pairs, partners)
    assert len(set(questions)) == len(questions) == n * min(partners, n - 1)
    for pair in pairs:
        assert sum(question[:2] == pair for question in questions) == min(partners, n - 1)
        assert sum(question[2:] == pair for question in questions) == min(partners, n - 1)


def test_no_word_stands_twice_in_a_composed_question() -> None:
    pairs = [("france", "euro"), ("italy", "euro"), ("japan", "yen"), ("japan", "yen"), ("france", "franc")]
    questions = questions_of_pairs(pairs)
    assert questions
    assert all(len(set(question)) == 4 for question in questions)


def test_the_packaged_tables_are_good_tables() -> None:
    sections = packaged_analogies()
    kinds = [section.kind for section in sections]
    assert len(sections) >= 12
    assert kinds == sorted(kinds)
    assert kinds.count("semantic") >= 4
    questions = [question for section in sections for question in section.questions]
    assert len(questions) > 15_000
    assert len(set(questions)) == len(questions)
    assert all(word.isascii() and word.islower() and word.isalpha() for question in questions for word in question)
    for section in sections:
        pairs = {question[:2] for question in section.questions}
        assert len(pairs) >= 20
        assert len({first for first, _ in pairs}) == len(pairs)  # one answer to each question


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "has no questions"),
        (b": capital\n\n: currency\n", "has no questions"),
        (b"a b c d\na b c\n", "line 2: the section has lines of 4 words; found 3 words: 'a b c'"),
        (b"a b c d\na b\n", "line 2: the section has lines of 4 words; found 2 words"),
        (b": x\na b c d e\n", "line 2: a question has four words, a pair has two; found 5 words"),
        (b"a " * 100_000, "line 1: a question has four words, a pair has two; found more than 8 words: 'a a a"),
        (b"a b c d\n: \na b c d\n", "line 2: a section needs a name"),
        (b": young\ncat kitten\n", "line 1: the 1 pairs of 'young' make no question"),
        (b"a b c d\na b \xff d\n", "line 2, byte 5: found 0xff, which is not UTF-8"),
        (b"a b c d\n\0\0\0\n", "line 2, byte 1: found a NUL byte"),
    ],
)
def test_files_that_are_none_are_named_with_the_line(tmp_path: Path, content: bytes, expected: str) -> None:
    message = complaint(tmp_path / "questions.txt", content)
    assert "questions.txt" in message
    assert expected in message
    assert len(message) < 400


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_analogies(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_mangled_bytes_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
    path = tmp_path / "questions.txt"
    path.write_bytes(raw)
    try:
        sections = read_analogies(path)
    except InputError as error:
        assert "questions.txt" in str(error)  # noqa: PT017  # both ends are right
    else:
        assert all(len(question) == 4 and all(question) for each in sections for question in each.questions)
