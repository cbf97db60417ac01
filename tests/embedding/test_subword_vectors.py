"""Vectors of unseen words, and the folder that keeps them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mt2st.embedding import (
    SubwordSettings,
    SubwordVectors,
    UnknownWordError,
    WordVectors,
    convert_vectors,
    open_vectors,
)
from mt2st.errors import InputError

WORDS = ["filming", "film", "año", "日本"]
SETTINGS = SubwordSettings(min_n=3, max_n=5, bucket=60)


@pytest.fixture
def vectors() -> SubwordVectors:
    return SubwordVectors(WORDS, np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32), SETTINGS)


def test_seen_and_unseen_words_have_gensim_s_vectors(vectors: SubwordVectors) -> None:
    fasttext = pytest.importorskip("gensim.models.fasttext")
    theirs = fasttext.FastTextKeyedVectors(8, 3, 5, 60)
    theirs.add_vectors(WORDS, np.zeros((4, 8), dtype=np.float32))
    theirs.init_post_load(vectors.table)
    for word in [*WORDS, "films", "refilm", "zzz", "日本語"]:
        np.testing.assert_allclose(vectors[word], theirs[word], rtol=0, atol=1e-6)


def test_the_vocabulary_is_what_it_was(vectors: SubwordVectors) -> None:
    assert ("film" in vectors, "films" in vectors, len(vectors)) == (True, False, 4)
    assert vectors.vectors.shape == (4, 8)
    assert "4 words, 8 dimensions, n-grams of 3 to 5 in 60 rows" in repr(vectors)


def test_an_unseen_word_has_neighbours_and_similarities() -> None:
    settings = SubwordSettings(bucket=2000)
    vectors = SubwordVectors(WORDS, np.random.default_rng(0).normal(size=(2004, 50)).astype(np.float32), settings)
    assert vectors.most_similar("filmings", topn=4)[0][0] == "filming"
    assert "film" not in [word for word, _ in vectors.most_similar("film", topn=4)]
    assert vectors.similarity("filmings", "filming") > 0.5
    assert vectors[["film", "films"]].shape == (2, 50)
    assert vectors[[]].shape == (0, 50)


def test_a_word_too_short_for_an_ngram_is_unknown(vectors: SubwordVectors) -> None:
    with pytest.raises(UnknownWordError, match="'' is not among the 4 words and too short for an n-gram of 3"):
        vectors[""]


def test_a_folder_brings_everything_back(vectors: SubwordVectors, tmp_path: Path) -> None:
    vectors.save_folder(tmp_path / "v")
    back = SubwordVectors.load_folder(tmp_path / "v")
    assert (back.index_to_key, back.settings) == (WORDS, SETTINGS)
    np.testing.assert_array_equal(back.table, vectors.table)
    np.testing.assert_array_equal(back["films"], vectors["films"])
    with pytest.raises(InputError, match="exists already"):
        vectors.save_folder(tmp_path / "v")
    vectors.save_folder(tmp_path / "v", overwrite=True)
    with pytest.raises(InputError, match="not empty and holds no vectors of this format"):
        vectors.save_folder(tmp_path, overwrite=True)


def test_a_folder_is_made_in_an_existing_one_alone(vectors: SubwordVectors, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder .*no/such"):
        vectors.save_folder(tmp_path / "no" / "such" / "v")
    assert not list(tmp_path.iterdir())


def test_text_has_the_composed_vectors(vectors: SubwordVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "v.vec")
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "v.vec").vectors, vectors.vectors)


def test_a_folder_is_read_where_any_format_is_with_the_words_alone(vectors: SubwordVectors, tmp_path: Path) -> None:
    vectors.save_folder(tmp_path / "v")
    words_alone = WordVectors.load(tmp_path / "v")
    assert (type(words_alone), words_alone.index_to_key) == (WordVectors, WORDS)
    assert words_alone.vectors.tobytes() == vectors.vectors.tobytes()
    done = convert_vectors(tmp_path / "v", tmp_path / "v.bin")
    assert (done.count, done.size, done.source_format) == (4, 8, "ngrams")
    assert WordVectors.load(tmp_path / "v.bin").vectors.tobytes() == vectors.vectors.tobytes()
    with pytest.raises(InputError, match="vectors are not written in the format 'ngrams'"):
        convert_vectors(tmp_path / "v.bin", tmp_path / "w", target_format="ngrams")


def test_a_folder_of_many_blocks_streams_the_same_vectors(tmp_path: Path) -> None:
    """N-grams come again in other blocks, and each block gathers those it needs."""
    words = [f"word{number}" for number in range(10_000)]
    table = np.random.default_rng(1).normal(size=(10_000 + 500, 3)).astype(np.float32)
    vectors = SubwordVectors(words, table, SubwordSettings(min_n=2, max_n=4, bucket=500))
    vectors.save_folder(tmp_path / "v")
    stream = open_vectors(tmp_path / "v")
    assert len(list(stream.blocks())) > 2
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in stream.blocks()]), vectors.vectors)


def test_a_table_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(InputError, match=r"each of the 4 words and 60 buckets .*\[64, vector_size\]; found float32"):
        SubwordVectors(WORDS, np.zeros((63, 8), dtype=np.float32), SETTINGS)


def test_damaged_folders_are_refused_by_file(vectors: SubwordVectors, tmp_path: Path) -> None:
    def refused(message: str, name: str, content: bytes | None) -> None:
        folder = tmp_path / "v"
        vectors.save_folder(folder, overwrite=folder.exists())
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            SubwordVectors.load_folder(folder)
        (folder / "subwords.json").touch()

    refused("has no file words.json", "words.json", None)
    refused("cannot read .*words.json", "words.json", b"\xff")
    refused("words.json must hold a list of words", "words.json", b"[1]")
    refused("has 3 words but 4 vectors", "words.json", json.dumps(WORDS[:3]).encode())
    refused("must name each word once", "words.json", json.dumps(["film"] * 4).encode())
    refused("subwords.json must hold min_n, max_n and bucket", "subwords.json", b"{}")
    refused("max_n must be at least min_n", "subwords.json", b'{"min_n": 3, "max_n": 1, "bucket": 60}')
    refused("60 buckets|61 buckets", "subwords.json", b'{"min_n": 3, "max_n": 5, "bucket": 61}')
    refused("max_n must be at most 1,024", "subwords.json", b'{"min_n": 3, "max_n": 10000000000, "bucket": 60}')
    refused("table.safetensors: no safetensors file", "table.safetensors", b"\x08")
    save_file({"words": np.zeros((4, 8))}, tmp_path / "other")
    refused("must hold the float32 tables", "table.safetensors", (tmp_path / "other").read_bytes())
    table = {"words": np.zeros((4, 8), "f4"), "ngrams": np.zeros((60, 8), "f4")}
    table["ngrams"][7, 2] = np.nan
    save_file(table, tmp_path / "other")
    refused("v: table must be finite; .* row 7 of the n-grams", "table.safetensors", (tmp_path / "other").read_bytes())
