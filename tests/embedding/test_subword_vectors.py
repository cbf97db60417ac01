"""Vectors of unseen words, and the folder that keeps them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.embedding.formats.conftest import gensim_data

from mt2st.embedding import (
    SubwordSettings,
    SubwordVectors,
    UnknownWordError,
    WordVectors,
    convert_vectors,
    load_vectors,
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
    back = load_vectors(tmp_path / "v")
    assert isinstance(back, SubwordVectors)
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


def test_settings_of_numpy_are_saved(tmp_path: Path) -> None:
    settings = SubwordSettings(np.int64(3), np.int64(4), np.int64(5))
    SubwordVectors(["film"], np.ones((6, 2), dtype=np.float32), settings).save_folder(tmp_path / "v")
    back = load_vectors(tmp_path / "v")
    assert isinstance(back, SubwordVectors)
    assert back.settings == SubwordSettings(3, 4, 5)


def test_damaged_folders_are_refused_by_file(vectors: SubwordVectors, tmp_path: Path) -> None:
    def refused(message: str, name: str, content: bytes | None) -> None:
        folder = tmp_path / "v"
        vectors.save_folder(folder, overwrite=folder.exists())
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            load_vectors(folder)
        (folder / "subwords.json").touch()

    refused("has no file words.json", "words.json", None)
    refused("cannot read .*words.json", "words.json", b"\xff")
    refused("words.json must hold a list of words", "words.json", b"[1]")
    refused("has 3 words but 4 vectors", "words.json", json.dumps(WORDS[:3]).encode())
    refused("must name each word once", "words.json", json.dumps(["film"] * 4).encode())
    refused("subwords.json must hold min_n, max_n and bucket", "subwords.json", b"{}")
    refused("max_n should be at least min_n", "subwords.json", b'{"min_n": 3, "max_n": 1, "bucket": 60}')
    refused("60 buckets|61 buckets", "subwords.json", b'{"min_n": 3, "max_n": 5, "bucket": 61}')
    refused(
        "max_n should be less than or equal to 1024",
        "subwords.json",
        b'{"min_n": 3, "max_n": 10000000000, "bucket": 60}',
    )
    refused(
        "max_n should be less than or equal to 1024",
        "subwords.json",
        b'{"min_n": 3, "max_n": 2000000000, "bucket": 60}',
    )
    refused("cannot read .*words.json: maximum recursion", "words.json", b"[" * 200_000)
    refused("cannot read .*subwords.json", "subwords.json", b'{"min_n": 1' + b"0" * 5_000 + b"}")
    long = json.dumps(["x" * 100_000, *WORDS[1:]]).encode()
    refused("4 words, the longest of 100,000 .* would have 300,0.. n-grams of 3 to 5: damaged", "words.json", long)
    refused("table.safetensors: no safetensors file", "table.safetensors", b"\x08")
    save_file({"words": np.zeros((4, 8))}, tmp_path / "other")
    refused("must hold the float32 tables", "table.safetensors", (tmp_path / "other").read_bytes())
    table = {"words": np.zeros((4, 8), "f4"), "ngrams": np.zeros((60, 8), "f4")}
    table["ngrams"][7, 2] = np.nan
    save_file(table, tmp_path / "other")
    refused("v: table must be finite; .* row 7 of the n-grams", "table.safetensors", (tmp_path / "other").read_bytes())


@pytest.mark.parametrize("name", ["crime-and-punishment.bin", "lee_fasttext_new.bin", "toy-model.bin"])
def test_fasttext_models_keep_their_ngrams_and_give_gensims_vectors(name: str, tmp_path: Path) -> None:
    fasttext = pytest.importorskip("gensim.models.fasttext")
    path = gensim_data(name)
    theirs = fasttext.load_facebook_vectors(str(path))
    ours = load_vectors(path)
    assert isinstance(ours, SubwordVectors)
    assert (ours.settings.min_n, ours.settings.max_n) == (theirs.min_n, theirs.max_n)
    unseen = ["filmlike", "киношный", "überraschend", "raskolnikovs", "日本", "q"]
    assert not set(unseen) & set(ours.index_to_key)
    np.testing.assert_array_equal(ours[unseen], [theirs[word] for word in unseen])
    np.testing.assert_array_equal(ours.vectors, WordVectors.load(path).vectors)
    ours.save_folder(tmp_path / "v")
    np.testing.assert_array_equal(load_vectors(tmp_path / "v")[unseen], ours[unseen])


def test_fasttext_gives_unseen_words_the_same_vectors() -> None:
    fasttext = pytest.importorskip("fasttext")
    path = gensim_data("lee_fasttext_new.bin")
    ours, theirs = load_vectors(path), fasttext.load_model(str(path))
    for word in ("filmlike", "überraschend", "日本"):
        expected = theirs.get_word_vector(word)  # some builds make it a unit vector
        found = ours[word] * (np.linalg.norm(expected) / np.linalg.norm(ours[word]))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_fasttext_models_without_ngrams_are_words_alone() -> None:
    path = gensim_data("pang_lee_polarity_fasttext.bin")
    assert type(load_vectors(path)) is WordVectors


def test_a_fasttext_model_with_a_broken_row_is_refused(tmp_path: Path) -> None:
    whole = gensim_data("lee_fasttext_new.bin").read_bytes()
    output = 4 * 10 * 1763 + 17  # the output matrix behind the rows, with its head
    last_row = len(whole) - output - 4 * 10
    path = tmp_path / "v.bin"
    path.write_bytes(whole[:last_row] + np.float32(np.nan).tobytes() + whole[last_row + 4 :])
    with pytest.raises(InputError, match=r"v\.bin: table must be finite; .* row 999 of the n-grams"):
        load_vectors(path)
