"""The format of a file is found by what is in it; a name decides only where that tells nothing."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from tests.embedding.formats.conftest import gensim_data

from mt2st.embedding import WordVectors
from mt2st.embedding.formats.catalogue import format_by_name_of, format_of
from mt2st.errors import InputError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.vec", "word2vec"),
        ("a.vec.gz", "word2vec"),
        ("A.TXT", "word2vec"),
        ("glove.6B.100d.txt", "glove"),
        ("my.glove.txt.gz", "glove"),
        ("a.glove", "glove"),
        ("a.bin", "word2vec-binary"),
        ("a.bin.gz", "word2vec-binary"),
        ("a.kv", "keyedvectors"),
        ("a.model", "keyedvectors"),
        ("a", None),
        ("a.gz", None),
    ],
)
def test_names_of_files(name: str, expected: str | None) -> None:
    found = format_by_name_of(Path(name))
    assert (found.name if found else None) == expected


@pytest.mark.parametrize("name", ["a.kv.gz", "a.model.GZ"])
def test_what_is_never_packed_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: files in the format 'keyedvectors' are not packed"):
        format_by_name_of(Path(name))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"2 2\na 1 2\nb 3 4\n", "word2vec"),
        (b"\xef\xbb\xbf2 2\na 1 2\nb 3 4\n", "word2vec"),
        (b"2 2\na 1 2\nb 3\n", "word2vec"),  # damaged, and told so by the right reader
        (b"1 2\na \x00\x00\x80?\x00\x00\x00@", "word2vec-binary"),
        (b"1 2\na 1234\xff\xff\xff\x3f", "word2vec-binary"),
        ("1 2\nä 1 2\n".encode(), "word2vec"),
        (b"a 1 2\nb 3 4\n", "glove"),
        (b"at home 1 2\nb 3 4\n", "glove"),
        (b"1 2 3\n4 5 6\n", "glove"),
        (b"\x80\x04K\x01.", "keyedvectors"),
        (b"\xba\x16O/\x0c\x00\x00\x00", "fasttext"),
    ],
)
@pytest.mark.parametrize("name", ["v", "v.kv", "v.txt", "v.kv.gz"])
def test_content_decides(tmp_path: Path, content: bytes, expected: str, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert format_of(tmp_path / name).name == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"12 34\n56 78\nthe 9\n", "glove"),  # vectors of one dimension
        (b"2 1\na 1\nb 3\n", "glove"),  # may be either: the name tells
        (b"12 34\nthe 1 2 3\n", "glove"),  # what is wrong with it is told by the right reader
        (b"2 2\na 1 2\nb 3 4\n", "word2vec"),  # glove2word2vec leaves such names
        (b"2 9000\na" + b" 1" * 9000 + b"\n", "word2vec"),
        (b"1 2\na \x00\x00\x80?\x00\x00\x00@", "word2vec-binary"),
    ],
)
@pytest.mark.parametrize("name", ["v.glove", "v.glove.txt", "glove.6B.100d.txt"])
def test_a_name_decides_what_two_numbers_in_the_first_line_are(
    tmp_path: Path, content: bytes, expected: str, name: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert format_of(tmp_path / name).name == expected


def test_files_of_other_projects_are_told_apart() -> None:
    assert format_of(gensim_data("crime-and-punishment.bin")).name == "fasttext"
    assert format_of(gensim_data("lee_fasttext.vec")).name == "word2vec"
    assert format_of(gensim_data("euclidean_vectors.bin")).name == "word2vec-binary"
    assert format_of(gensim_data("test_glove.txt")).name == "glove"


def test_what_is_no_vectors_is_refused_with_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("Dear diary\n")
    with pytest.raises(InputError, match="notes: in none of the known formats .* first line is 'Dear diary"):
        WordVectors.load(path)
    path.rename(tmp_path / "notes.vec")
    with pytest.raises(InputError, match=r"notes\.vec, line 1: a word2vec file starts with two numbers"):
        WordVectors.load(tmp_path / "notes.vec")
    with pytest.raises(InputError, match="cannot read .*a folder of word vectors holds model.safetensors"):
        WordVectors.load(tmp_path)
    with pytest.raises(InputError, match="cannot read .*missing"):
        WordVectors.load(tmp_path / "missing")


@pytest.mark.parametrize("name", ["word2vec-binary", "glove", "keyedvectors", "fasttext"])
def test_a_format_that_is_wrongly_named_is_a_clear_error(vectors: WordVectors, tmp_path: Path, name: str) -> None:
    vectors.save(tmp_path / "v.vec")
    with pytest.raises(InputError, match=r"v\.vec"):
        WordVectors.load(tmp_path / "v.vec", format=name)


@pytest.mark.parametrize("name", ["word2vec", "glove"])
@pytest.mark.parametrize("first", [b"\x34;\xc1\xbc", b"4567", b"a  b", b"\x00\x01\x02\x03"])
def test_binary_given_as_text_is_told_so(tmp_path: Path, name: str, first: bytes) -> None:
    """Whatever the first line looks like, which a value with the byte of a line break ends."""
    rest = np.random.default_rng(0).normal(size=(4, 50)).astype("<f4").tobytes()
    (tmp_path / "v.bin").write_bytes(b"4 50\nthe " + first + b"\n" + rest)
    with pytest.raises(InputError, match=r"v\.bin, line [23]: .*not text but bytes"):
        WordVectors.load(tmp_path / "v.bin", format=name)
