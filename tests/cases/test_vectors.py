"""Word vectors as published: read with one warning that counts what is odd."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest

from mt2st.cli.main import main
from mt2st.embedding import WordVectors, convert_vectors, load_vectors
from mt2st.embedding.formats.catalogue import format_of
from mt2st.errors import DataWarning, InputError

CUT = "\u0436" * 20
HALF = CUT.encode()[:-1]
SPELLED = CUT[:-1] + "\\xd0"
ONE = np.array([1, 2], dtype="<f4").tobytes()

# name, content, the words that come out, what is told
FILES = {
    "a header that promises a line too many": (
        "a.vec",
        b"3 2\nfilm 0.5 1\nplot 1 0.5\n",
        ["film", "plot"],
        r"words that the header promises and the file lacks: 1 \(first line 4\)",
    ),
    "a word twice": (
        "a.vec",
        b"4 2\nfilm 0.5 1\nplot 1 0.5\nfilm 9 9\nplot 9 9\n",
        ["film", "plot"],
        r"words that come again, whose first vector counts: 2 \(first line 4\)",
    ),
    "a word twice in GloVe's format": (
        "a.glove",
        b"a 1.5 2\nb 3 4\na 5 6\n",
        ["a", "b"],
        r"come again.*: 1 \(first line 3\)",
    ),
    "a word twice in binary": ("a.bin", b"2 2\na " + ONE + b"\na " + ONE, ["a"], r"come again.*: 1 \(first word 2\)"),
    "words with spaces": (
        "a.vec",
        b"4 2\nnew york 0.5 1\ntop 10 0.5 0.25\n  0.125 0.5\nat b c 1.5 2\n",
        ["new york", "top 10", " ", "at b c"],
        r"words with spaces: 4 \(first line 2\)",
    ),
    "a word cut within a character": (
        "a.vec",
        b"2 2\nfilm 0.5 1\n" + HALF + b" 1 0.5\n",
        ["film", SPELLED],
        r"words cut within a character, whose bytes are spelled out: 1 \(first line 3\)",
    ),
    "the first word cut within a character": ("a.vec", b"1 2\n" + HALF + b" 1 0.5\n", [SPELLED], "cut within"),
    "a word of GloVe's cut": ("a.glove", b"a 1.5 2\n" + HALF + b" 3 4\n", ["a", SPELLED], r"cut within.*first line 2"),
    "a word cut in binary": (
        "a.bin",
        b"2 2\na " + ONE + HALF + b" " + ONE,
        ["a", SPELLED],
        r"cut .*: 1 \(first word 2\)",
    ),
}


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_odd_is_read_with_one_warning(tmp_path: Path, case: str, packed: bool) -> None:
    name, content, words, told = FILES[case]
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.warns(DataWarning, match=told) as caught:
        found = WordVectors.load(path)
    assert found.index_to_key == words
    assert len(caught) == 1
    assert not (found.vectors == 9).any()


@pytest.mark.filterwarnings("ignore::mt2st.errors.DataWarning")
@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("target", ["b.bin", "b.vec.gz", "b.glove", "b"])
def test_what_is_written_of_it_is_whole(tmp_path: Path, case: str, target: str) -> None:
    name, content, words, _ = FILES[case]
    (tmp_path / name).write_bytes(content)
    spaces = {} if target in ("b", "b.glove") and " " not in words else {"spaces": "_"}
    chosen = None if "." in target else "safetensors"
    done = convert_vectors(tmp_path / name, tmp_path / target, target_format=chosen, **spaces)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = WordVectors.load(tmp_path / target)
    assert done.count == len(words)
    assert [word.replace("_", " ") for word in found.index_to_key] == words


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"2 2\na 1 2\nb 0.5 3 4\n", "line 3: 3 values where the header promised 2"),
        (b"2 2\na 0.5 2\nb 0.5 3 4.5\n", "line 3: 3 values"),
        (b"3 2\na 0.5 2.25\nb 0.5\n", "line 3: 1 values"),
        (b"3 2\na 0.5 2.25\nb 0.5 2", "line 3: the file ends within this line, after 2 of the 3 words"),
        (b"2 2\na 0.5 2\nb\xff\xfe 0.5 3\n", "line 3: the word is not UTF-8"),
        (b"90 2\na 0.5 2\n", "the beginning of a larger one: correct the header"),
    ],
)
def test_damage_is_still_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.vec").write_bytes(content)
    with pytest.raises(InputError, match=message):
        WordVectors.load(tmp_path / "a.vec")


def test_white_space_of_unicode_is_a_word(tmp_path: Path) -> None:
    (tmp_path / "tw.glove").write_text("film 0.5 1\n\x85 1 0.5\nplot 1 1\n", encoding="utf-8")
    assert WordVectors.load(tmp_path / "tw.glove").index_to_key == ["film", "\x85", "plot"]


def test_text_is_never_taken_for_binary(tmp_path: Path) -> None:
    lines = [HALF + b"%d 0.5 -1e-05 3" % number for number in range(50)]
    (tmp_path / "a").write_bytes(b"50 3\n" + b"\n".join(lines) + b"\n")
    assert format_of(tmp_path / "a").name == "word2vec"
    with pytest.raises(InputError, match="is not UTF-8"):  # the character goes on within the word
        WordVectors.load(tmp_path / "a")


@pytest.mark.parametrize("name", ["a.vec", "a.bin", "a.glove", "a.kv", "folder"])
def test_the_first_words_alone_can_be_read(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name == "a.kv":
        pytest.importorskip("gensim")
    many = WordVectors([f"w{number}" for number in range(10_000)], np.random.default_rng(0).normal(size=(10_000, 20)))
    path = tmp_path / name
    many.save(path, format=None if "." in name else "safetensors")
    for limit in (1, 7_000, 20_000):
        found = load_vectors(path, limit=limit)
        assert found.index_to_key == many.index_to_key[:limit]
        np.testing.assert_array_equal(found.vectors, many.vectors[:limit])
    assert main(["vectors", "convert", str(path), str(tmp_path / "few.vec"), "--limit", "3"]) == 0
    assert (tmp_path / "few.vec").read_text().startswith("3 20\n")
    assert main(["vectors", "neighbours", str(path), "w9", "--limit", "5"]) == 2
    assert "w9" in capsys.readouterr().err
    with pytest.raises(InputError, match="limit must be at least 1, found 0"):
        WordVectors.load(path, limit=0)


def test_a_limit_before_an_odd_word_tells_of_none(tmp_path: Path) -> None:
    (tmp_path / "a.vec").write_bytes(FILES["a word twice"][1])
    with pytest.warns(DataWarning, match="come again"):  # in the first words that are read together
        assert len(WordVectors.load(tmp_path / "a.vec", limit=1)) == 1


def test_supervised_models_of_fasttext_with_word_ngrams_are_read(tmp_path: Path) -> None:
    fasttext = pytest.importorskip("fasttext")
    rows = [f"__label__{'a' if number % 2 else 'b'} good film number {number % 7}\n" for number in range(100)]
    (tmp_path / "t.txt").write_text("".join(rows))
    settings = {"verbose": 0, "thread": 1, "epoch": 2, "dim": 4, "wordNgrams": 2, "bucket": 500}
    model = fasttext.train_supervised(str(tmp_path / "t.txt"), **settings)
    model.save_model(str(tmp_path / "m.bin"))
    vectors = WordVectors.load(tmp_path / "m.bin")
    assert vectors.index_to_key == model.get_words()
    np.testing.assert_allclose(vectors["film"], model.get_input_vector(model.get_word_id("film")), rtol=1e-6)
