"""The word2vec text format: round trips, gensim on the other side, and every damage answered by file and line."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt2st.embedding import WordVectors
from mt2st.errors import InputError

WORDS = ["the", "naïve", "日本", "a", "don't", "0.5", "\u00a0x"]


@pytest.fixture
def vectors() -> WordVectors:
    values = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)
    values[0] = [0, -0.0, np.float32(1e-42), np.finfo(np.float32).max, np.float32(1) / 3]
    return WordVectors(WORDS, values)


@pytest.mark.parametrize("name", ["v.vec", "v.vec.gz"])
def test_what_is_saved_loads_bit_for_bit(vectors: WordVectors, tmp_path: Path, name: str) -> None:
    vectors.save(tmp_path / name)
    loaded = WordVectors.load(tmp_path / name)
    assert loaded.index_to_key == vectors.index_to_key
    assert loaded.vectors.tobytes() == vectors.vectors.tobytes()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["v.vec", "v.vec.gz"])
def test_gensim_reads_what_we_write_and_we_read_what_gensim_writes(tmp_path: Path, name: str) -> None:
    keyed_vectors = pytest.importorskip("gensim.models.keyedvectors")
    ours = WordVectors(["a", "日本", "c"], np.random.default_rng(0).normal(size=(3, 4)))
    ours.save(tmp_path / name)
    theirs = keyed_vectors.KeyedVectors.load_word2vec_format(str(tmp_path / name))
    assert theirs.index_to_key == ours.index_to_key
    np.testing.assert_array_equal(theirs.vectors, ours.vectors)
    theirs.save_word2vec_format(str(tmp_path / f"2{name}"))
    np.testing.assert_array_equal(WordVectors.load(tmp_path / f"2{name}").vectors, ours.vectors)


def test_more_rows_than_fit_the_first_allocation(tmp_path: Path) -> None:
    many = WordVectors([f"w{i}" for i in range(10_001)], np.random.default_rng(0).normal(size=(10_001, 3)))
    many.save(tmp_path / "v.vec.gz")
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "v.vec.gz").vectors, many.vectors)


def test_trailing_spaces_windows_line_ends_and_blank_lines_at_the_end_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "v.vec").write_bytes(b"2 2\r\na 1 2 \r\nb 3 4.5e-1 \r\n\r\n")
    loaded = WordVectors.load(tmp_path / "v.vec")
    assert loaded.index_to_key == ["a", "b"]
    np.testing.assert_array_equal(loaded.vectors, np.array([[1, 2], [3, 0.45]], dtype=np.float32))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: .* starts with two numbers"),
        (b"a 0.1 0.2\nb 0.3 0.4\n", "line 1: .* starts with two numbers.*found 'a 0.1 0.2"),
        (b"2\na 1\n", "line 1"),
        (b"-2 2\na 1 2\n", "line 1"),
        (b"0 3\n", "line 1: words must be at least 1"),
        (b"1 0\na\n", "line 1: .*values 1 to"),
        (b"3 2\na 1.25 2.25\n\nc 3 4\n", "line 3: blank after 1 words"),
        (b"1 2\na 1 2\nb 3 4\n", "line 3: more lines than the 1 words"),
        (b"2 2\na 1 2\nb 3\n", "line 3: 1 values where the header promised 2"),
        (b"2 2\na 1 2\nb 3 4 5\n", "line 3: 3 values where the header promised 2"),
        (b"2 2\na 1 2\nb 3 x4\n", "line 3: a value of 'b' is not a number"),
        (b"2 2\na 1 2\nb 1_0 4\n", "line 3: a value is not a number: '1_0'"),
        (b"2 2\na 1 2\nb nan 4\n", "line 3: a value of 'b' is NaN or beyond"),
        (b"2 2\na 1 -inf\nb 3 4\n", "line 2: a value of 'a' is NaN or beyond"),
        (b"2 2\na 1 2\nb 1e40 4\n", "line 3: a value of 'b' is NaN or beyond"),
        (b"2 2\na 1 2\n\xff\xfe 3 4\n", "line 3: the word is not UTF-8"),
        (b"1 4\na \x00\x00\x80?\x00\x00\x00@\x00\x00@@\x00\x00\x80@", "line 2: not text but bytes.*binary format"),
        (b"99999999999999 300\na 1 2\n", r"line 1: the header claims 99,999,999,999,999 words.*the file has 25"),
        (b"1 999999999\na 1\n", "line 1: .*values 1 to"),
    ],
)
def test_damage_is_reported_with_file_and_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "broken.vec"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"broken.vec, {message}"):
        WordVectors.load(path, format="word2vec")
    packed = tmp_path / "broken.vec.gz"
    packed.write_bytes(gzip.compress(content))
    with pytest.raises(InputError, match="broken.vec.gz, line"):
        WordVectors.load(packed, format="word2vec")


def test_truncated_or_wrong_gzip_missing_files_and_folders_are_refused(vectors: WordVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "v.gz")
    whole = (tmp_path / "v.gz").read_bytes()
    for content in (whole[:-12], b"1 1\na 1\n", whole[:40] + b"\xff\xff" + whole[42:]):
        (tmp_path / "broken.gz").write_bytes(content)
        with pytest.raises(InputError, match=r"broken\.gz"):
            WordVectors.load(tmp_path / "broken.gz")
    for path in (tmp_path / "missing.vec", tmp_path):
        with pytest.raises(InputError, match=f"cannot read {path}"):
            WordVectors.load(path)


def test_an_existing_file_stays_unless_overwriting_is_asked_for(vectors: WordVectors, tmp_path: Path) -> None:
    path = tmp_path / "v.vec"
    path.write_text("precious")
    with pytest.raises(InputError, match=r"v\.vec exists"):
        vectors.save(path)
    assert path.read_text() == "precious"
    vectors.save(path, overwrite=True)
    assert len(WordVectors.load(path)) == len(vectors)


@pytest.mark.parametrize("word", ["", "two words", "tab\t", "line\n", "\ud800"])
def test_words_that_the_format_cannot_hold_are_named_and_nothing_is_written(tmp_path: Path, word: str) -> None:
    with pytest.raises(InputError, match=r"cannot hold the word .* \(at 1\)"):
        WordVectors(["a", word], np.eye(2)).save(tmp_path / "v.vec")
    assert list(tmp_path.iterdir()) == []


def test_vectors_that_became_nan_are_not_written(vectors: WordVectors, tmp_path: Path) -> None:
    vectors.vectors[2, 1] = np.nan
    with pytest.raises(InputError, match="'日本'"):
        vectors.save(tmp_path / "v.vec")
    assert list(tmp_path.iterdir()) == []


VALID = b"4 3\nthe 0.1 -2e-3 3\nof 1 2 3\n\xc3\xa9t\xc3\xa9 0 0 0\nd 4.25 5 6\n"
MANGLED = st.one_of(
    st.binary(max_size=200),
    st.tuples(st.integers(0, len(VALID)), st.integers(0, 12), st.binary(max_size=12)).map(
        lambda cut: VALID[: cut[0]] + cut[2] + VALID[cut[0] + cut[1] :]
    ),
    st.tuples(st.integers(0, 10**15), st.integers(0, 10**15), st.binary(max_size=60)).map(
        lambda head: f"{head[0]} {head[1]}\n".encode() + head[2]
    ),
)


@pytest.mark.filterwarnings("ignore::mt2st.errors.DataWarning")
@settings(max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=MANGLED, packed=st.booleans())
def test_mangled_files_give_vectors_or_an_input_error_and_little_memory(
    tmp_path: Path, content: bytes, packed: bool
) -> None:
    path = tmp_path / ("v.vec.gz" if packed else "v.vec")
    path.write_bytes(gzip.compress(content) if packed else content)
    tracemalloc.start()
    try:
        loaded = WordVectors.load(path, format="word2vec")
    except InputError as error:
        assert path.name in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert np.isfinite(loaded.vectors).all()
        assert len(loaded) == len(set(loaded.index_to_key)) > 0
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4_000_000
