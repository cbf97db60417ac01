"""Files of judged pairs: the formats in use, and files that are none."""

from __future__ import annotations

import gzip
import math
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.evaluation import SimilaritySet, gensim_similarity_files, read_similarity

GOOD = b"# WordSim\ntiger\tcat\t7.35\ntiger\ttiger\t10\nbook\tpaper\t7.46\n"
EXPECTED = (("tiger", "cat", 7.35), ("tiger", "tiger", 10.0), ("book", "paper", 7.46))


@pytest.mark.parametrize("name", ["EN-WS.txt", "EN-WS.tsv", "EN-WS.txt.gz"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize("separator", [b"\t", b" ", b"  ", b",", b", "])
def test_the_formats_in_use(tmp_path: Path, name: str, ends: bytes, separator: bytes) -> None:
    raw = b"\xef\xbb\xbf" + GOOD.replace(b"\t", separator).replace(b"\n", ends)
    path = tmp_path / name
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    assert read_similarity(path) == SimilaritySet("EN-WS", EXPECTED)


def test_a_header_and_words_with_spaces(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("Word 1,Word 2,Human (mean)\nNew York,Boston,6.5\n", encoding="utf-8")
    assert read_similarity(path).pairs == (("New York", "Boston", 6.5),)


def test_the_sets_of_faruqui_and_dyer_are_read_whole(shared_data: Path) -> None:
    sets = {each.name: each for each in map(read_similarity, sorted((shared_data / "similarity").glob("*.txt")))}
    sizes = {name: len(each.pairs) for name, each in sets.items()}
    assert len(sizes) == 13
    assert sizes["EN-VERB-143"] == 144
    assert sizes["EN-MEN-TR-3k"] == 3000
    assert sizes["EN-MTurk-287"] == 287
    assert sets["EN-WS-353-ALL"].repeats == 2


def test_gensim_brings_two_sets() -> None:
    pytest.importorskip("gensim")
    assert [len(read_similarity(path).pairs) for path in gensim_similarity_files()] == [353, 999]


def test_without_gensim_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt2st.evaluation.similarity.find_spec", lambda _: None)
    assert gensim_similarity_files() == []


def test_looking_for_the_sets_does_not_import_gensim(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "gensim"]:
        monkeypatch.delitem(sys.modules, name)
    gensim_similarity_files()
    assert "gensim" not in sys.modules


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "has no judged pairs"),
        (b"# only notes\n\n", "has no judged pairs"),
        (b"word1\tword2\tscore\n", "has no judged pairs"),
        (b"a\tb\t1\na\tb\n", "line 2: a line has two words and a score, three columns; found 2, separated by tabs"),
        (b"word1\tword2\tPOS\tscore\nold\tnew\tA\t1.58\n", "line 1: a line has two words and a score, three columns"),
        (b"a b 1\na b c 1\n", "line 2: a line has two words and a score, three columns; found more than 3"),
        (b"a\tb\t1\na\tb\tmuch\n", "line 2, column 3: the score must be a number; found 'much'"),
        (b"a\tb\tscore\na\tb\tscore\n", "line 2, column 3: the score must be a number"),
        (b"a\tb\t1\na\tb\tNaN\n", "line 2, column 3: the score must be finite; found 'NaN'"),
        (b"a\tb\tnan\n", "line 1, column 3: the score must be finite"),
        (b"a\tb\t1e999\n", "line 1, column 3: the score must be finite"),
        (b"a\t\t1\n", "line 1: a word is empty"),
        (b"a\tb\t1\n\xff\tb\t1\n", "line 2, byte 1: found 0xff, which is not UTF-8"),
        (b"a\tb\t1\n\0\0\0\0", "line 2, byte 1: found a NUL byte"),
        (b"\x80\x04\x95" * 1000, "line 1, byte 1: found 0x80, which is not UTF-8"),
    ],
)
def test_files_that_are_none_are_named_with_the_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "pairs.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_similarity(path)
    assert "pairs.txt" in str(raised.value)
    assert expected in str(raised.value)
    assert len(str(raised.value)) < 400


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_mangled_bytes_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
    path = tmp_path / "pairs.txt"
    path.write_bytes(raw)
    try:
        judged = read_similarity(path)
    except InputError as error:
        assert "pairs.txt" in str(error)  # noqa: PT017  # both ends are right
    else:
        assert judged.pairs
        assert all(a and b and math.isfinite(score) for a, b, score in judged.pairs)
