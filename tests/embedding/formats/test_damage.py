"""Every damage is answered by the file and the place in it."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tests.embedding.formats.conftest import gensim_data

from mt2st.embedding import WordVectors
from mt2st.embedding.formats.stream import SeenWords
from mt2st.errors import DataWarning, InputError

ONE = np.array([1, 2], dtype="<f4").tobytes()
NAN = np.array([1, np.nan], dtype="<f4").tobytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: a word2vec file starts with two numbers"),
        (b"2 2\na " + ONE, "line 1: the header claims 2 words of 2 values, which take at least 20 bytes"),
        (b"2 2\nalpha " + ONE + b"b " + ONE[:5], "word 2: the file ends within it, after 1 whole words"),
        (b"1 2\na " + ONE + b"b " + ONE, "more bytes behind the 1 words"),
        (b"2 2\na " + ONE + b"b " + NAN, "word 2: a value of 'b' is NaN"),
        (b"1 2\n\xff\xfe " + ONE, "word 1: the word is not UTF-8"),
        (b"1 2\na\tb " + ONE, "word 1: .* is no word"),
        (b"1 2\n " + ONE + b"abcd", "word 1: .* is no word"),
        (b"1 1\n" + b"x" * 70_000, "word 1: no space within"),
        (b"999999999999 300\na " + ONE, r"line 1: the header claims 999,999,999,999 words"),
        (b"2 2\na 0.125 0.25\nb 0.5 1.0\n", "word 2: .* is no word|more bytes behind"),
    ],
)
def test_word2vec_binary(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "v.bin").write_bytes(content)
    with pytest.raises(InputError, match=rf"v\.bin(, |: )({message})"):
        WordVectors.load(tmp_path / "v.bin", format="word2vec-binary")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: the file is empty"),
        (b"hello\n", "line 1: a line of GloVe text is a word and its numbers"),
        (b"a 1 2\nb 3\n", "line 2: 1 values where most lines have 2"),
        (b"a 1 2\nb 3 x\n", "line 2: a line of GloVe text is a word and its numbers"),
        (b"a 1 2\nb nan 1\n", "line 2: a value of 'b' is NaN"),
        (b"a 1 2\nb 1e39 1\n", "line 2: a value of 'b' is NaN or beyond"),
        (b"a 1 2\n\nb 1 2\n", "line 3: a word behind a blank line"),
        (b"a 1 2\n\xff 1 2\n", "line 2: the word is not UTF-8"),
        (b"2 2\na 1 2\nb 1 2\n", "line 1: .*this is a header"),
        (b"".join(b"w%d 1 2\n" % i for i in range(1500)) + b"x 1\n", "line 1501: 1 values where"),
    ],
)
def test_glove_text(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "v.glove").write_bytes(content)
    with pytest.raises(InputError, match=rf"v\.glove, {message}"):
        WordVectors.load(tmp_path / "v.glove", format="glove")


def test_a_duplicate_far_behind_the_first_is_found(tmp_path: Path) -> None:
    words = [*(f"w{number}" for number in range(20_000)), "w7"]
    (tmp_path / "v.vec").write_text(f"{len(words)} 1\n" + "".join(f"{word} 1\n" for word in words))
    with pytest.warns(DataWarning, match=r"v\.vec: words that come again, .*: 1 \(first line 20002\)"):
        assert WordVectors.load(tmp_path / "v.vec").index_to_key == words[:-1]


def test_words_that_only_look_the_same_are_no_duplicates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    WordVectors(["a", "b", "c"], np.eye(3)).save(tmp_path / "v", format="safetensors")

    def all_of_them(self: SeenWords, words: list[str]) -> list[int]:
        return list(range(len(words)))

    monkeypatch.setattr(SeenWords, "suspects", all_of_them)
    assert WordVectors.load(tmp_path / "v").index_to_key == ["a", "b", "c"]


def test_safetensors_folders(vectors: WordVectors, tmp_path: Path) -> None:
    folder = tmp_path / "f"
    vectors.save(folder, format="safetensors")
    vocabulary, table = folder / "vocabulary.txt", folder / "vectors.safetensors"
    words, values = vocabulary.read_bytes(), table.read_bytes()
    for content, message in [
        (words + b"more\n", r"vocabulary\.txt, line 8: more words than the 7 vectors"),
        (words[: words.rindex(b"\n", 0, -1) + 1], r"vocabulary\.txt, line 7: is missing"),
        (words.replace(b"naive", b"").replace("naïve".encode(), b""), r"vocabulary\.txt, line 2: is blank"),
        (words.replace("日".encode(), b"\xff"), r"vocabulary\.txt, line 3: the word is not UTF-8"),
        (words.replace(b"don't", b"the"), r"vocabulary\.txt, line 5: 'the' again; it is also on line 1"),
    ]:
        vocabulary.write_bytes(content)
        with pytest.raises(InputError, match=message):
            WordVectors.load(folder)
    vocabulary.write_bytes(words)
    huge = json.dumps(
        {"vectors": {"dtype": "F32", "shape": [10**12, 300], "data_offsets": [0, 1200 * 10**12]}}
    ).encode()
    for content, message in [
        (values[:-1], "reach beyond the end of the file"),
        (values[:100], "cut short within its header"),
        (b"", "cut short within its header"),
        (struct.pack("<Q", 10**15) + b"{}", "cut short within its header"),
        (struct.pack("<Q", len(huge)) + huge, "reach beyond the end"),
        (struct.pack("<Q", 2) + b"[]", "header of the safetensors file is damaged"),
        (struct.pack("<Q", 2) + b"{}", "holds no tensor 'vectors'"),
        (struct.pack("<Q", 10_000) + b"[" * 10_000, "header of the safetensors file is damaged"),
        (values[:-4] + b"\xff" * 4, "line 7: a value of 'new_york' is NaN"),
    ]:
        table.write_bytes(content)
        with pytest.raises(InputError, match=message):
            WordVectors.load(folder)
    vocabulary.unlink()
    table.write_bytes(values)
    with pytest.raises(InputError, match=r"cannot read .*vocabulary\.txt"):
        WordVectors.load(folder)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"vocab": {"a": 0}}, "has 1 tokens, but .* has 2 vectors"),
        ({"vocab": {"a": 0, "b": 2}}, "ids do not run from 0 to 1"),
        ({"vocab": {"a": 0, "b": "1"}}, "is no tokenizer"),
        ({"vocab": {"a": 0, "b": True}}, "is no tokenizer"),
        ({"vocab": [["a"]]}, "is no tokenizer"),
        ({"vocab": 3}, "is no tokenizer"),
        ({}, "is no tokenizer"),
        ([], "is no tokenizer"),
        ({"vocab": [["a", 0], ["b", 0]], "unk_id": 7}, "unknown token has the id 7"),
    ],
)
def test_static_embedding_folders(tmp_path: Path, model: object, message: str) -> None:
    WordVectors(["a"], np.eye(1)).save(tmp_path / "f", format="static-embedding")
    (tmp_path / "f" / "tokenizer.json").write_text(json.dumps({"model": model}))
    with pytest.raises(InputError, match=message):
        WordVectors.load(tmp_path / "f")


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"mapping": np.array([0, 9])}, "'mapping' must name rows of the 2 vectors"),
        ({"mapping": np.array([0, -1])}, "'mapping' must name rows"),
        ({"mapping": np.array([0.0, 1.0])}, "'mapping' must be a row of whole numbers"),
        ({"weights": np.ones(3)}, "'weights' must have a value for each of the 2 tokens"),
        ({"weights": np.ones((2, 1))}, "'weights' must be a row of numbers"),
        ({"weights": np.array([1.0, np.inf])}, "token 1: a value of 'b' is NaN"),
    ],
)
def test_damaged_reductions_of_static_embeddings(tmp_path: Path, tensors: dict[str, np.ndarray], message: str) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"a": 0, "b": 1}}}))
    safetensors.save_file({"embeddings": np.ones((2, 3), np.float32), **tensors}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=message):
        WordVectors.load(tmp_path)


class Attack:
    """What a stranger's pickle can look like."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch attacked",)


def test_a_pickle_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.kv").write_bytes(pickle.dumps({"index_to_key": ["a"], "vectors": Attack()}))
    with pytest.raises(InputError, match=r"v\.kv: a pickle, but not of gensim's"):
        WordVectors.load(tmp_path / "v.kv")
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x05\x96\x00\x00\x00\x10\x00\x00\x00\x00.",  # BYTEARRAY8 of 256 MB
        b"\x80\x04\x8d\x00\x00\x00\x10\x00\x00\x00\x00.",  # BINUNICODE8 likewise
        b"\x80\x04\x8e\x00\x00\x00\x10\x00\x00\x00\x00.",  # BINBYTES8 likewise
        b"\x80\x04\x95\x00\x00\x00\x10\x00\x00\x00\x00N.",  # a frame likewise
        b"\x80\x04Nr\x00\x00\x00\x01.",  # LONG_BINPUT: a table of 32 M places
        b"\x80\x04Np16777216\n.",  # PUT: likewise
        b"\x80\x04\x8c\x01a.",
        b"\x80\x04",
    ],
)
def test_pickles_that_would_reserve_memory_or_hold_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.kv").write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"v\.kv: a (damaged )?pickle"):
            WordVectors.load(tmp_path / "v.kv")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_gensims_separate_array(tmp_path: Path) -> None:
    models = pytest.importorskip("gensim.models")
    theirs = models.KeyedVectors(3)
    theirs.add_vectors(["a", "b"], np.eye(2, 3, dtype=np.float32))
    theirs.save(str(tmp_path / "v.kv"), separately=["vectors"])
    array = tmp_path / "v.kv.vectors.npy"
    whole = array.read_bytes()
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "v.kv").vectors, np.eye(2, 3))
    for content, message in [
        (whole[:-3], "a damaged array file"),
        (whole[:8], "a damaged array file"),
        (b"", "a damaged array file"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", "a damaged array file, or none: a header of"),
        (whole.replace(b"<f4", b"<i4"), "vectors must be floats"),
        (whole.replace(b"(2, 3)", b"(3, 2)"), "has 2 words, but vectors of shape"),
    ]:
        array.write_bytes(content)
        with pytest.raises(InputError, match=message):
            WordVectors.load(tmp_path / "v.kv")
    array.unlink()
    with pytest.raises(InputError, match=r"there is no .*v\.kv\.vectors\.npy, where gensim put the vectors"):
        WordVectors.load(tmp_path / "v.kv")


def test_fasttext_models(tmp_path: Path) -> None:
    whole = gensim_data("crime-and-punishment.bin").read_bytes()
    path = tmp_path / "m.bin"
    for length in (4, 30, 60, 90, 3000, 5000, 5960, 5975, 6000):  # gensim's own loader never ends on some of these
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"m\.bin"):
            WordVectors.load(path)
    count = struct.pack("<3i", 291, 291, 0)
    at = whole.index(count)
    for position, values, message in [
        (8, struct.pack("<i", 10**8), "damaged"),  # dimensions
        (8 + 32, struct.pack("<i", 2**31 - 1), "damaged: a matrix of"),  # buckets
        (at, struct.pack("<3i", 2**31 - 1, 2**31 - 1, 0), "damaged: 2,147,483,647 entries"),
        (at, struct.pack("<3i", 291, 290, 1), "word 291: damaged: an entry of kind 0"),
        (at + 20, struct.pack("<q", 2**60), "damaged: .* of them pruned"),
        (4, struct.pack("<i", 99), "no fastText model of a version"),
    ]:
        path.write_bytes(whole[:position] + values + whole[position + len(values) :])
        with pytest.raises(InputError, match=message):
            WordVectors.load(path)
    path.write_bytes(gzip.compress(whole))
    with pytest.raises(InputError, match="is packed"):
        WordVectors.load(path, format="fasttext")


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(InputError, match="no regular file"):
            WordVectors.load(f"/dev/fd/{reader}")
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x02}N" + b"\x85" * 400_000 + b"Ns.",
        b"\x80\x02}N" + b"".join(b"q%ch%c\x86" % (at, at) for at in range(60)) + b"Ns.",
        b"\x80\x04}N" + b"".join(b"\x94h%c\x86" % at for at in range(60)) + b"Ns.",
        b"\x80\x04}(" + b"K\x01" * 300 + b"tNs.",
        b"\x80\x04\x94N" + b"q\x05" + b"N.",
    ],
)
def test_a_pickle_takes_no_more_time_than_its_bytes_account_for(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.kv").write_bytes(raw)
    with pytest.raises(InputError, match=r"a damaged pickle, or none: it (has tuples of more than 256|numbers)"):
        WordVectors.load(tmp_path / "a.kv", format="keyedvectors")
