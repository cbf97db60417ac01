"""The folder of a trained model as word vectors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mt2st.embedding import SubwordSettings, SubwordVectors, WordVectors, convert_vectors, load_vectors
from mt2st.embedding.subwords import KnownSubwords
from mt2st.errors import InputError
from mt2st.text import Vocabulary

WORDS = {"the": 9, "film": 8, "films": 7, "año": 6}
NGRAMS = {"min_n": 3, "max_n": 4, "bucket": 50}


def model(folder: Path, table: np.ndarray, **embedding: int | None) -> WordVectors:
    folder.mkdir(parents=True)
    vocabulary = Vocabulary.from_counts(WORDS)
    vocabulary.save(folder / "vocabulary.txt")
    save_file({"embedding.weight": table, "encoder.bias": np.zeros(3, np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"format": 1, "settings": {"embedding": embedding}}))
    return WordVectors(vocabulary.tokens[2:], table[2:6])


def random_table(rows: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, 5)).astype(np.float32)


@pytest.mark.parametrize("place", ["model", "."])
def test_words_of_a_model_are_its_rows_behind_the_specials(tmp_path: Path, place: str) -> None:
    expected = model(tmp_path / "out" / "model", random_table(6), min_n=None)
    found = load_vectors(tmp_path / "out" / place)
    assert found.index_to_key == expected.index_to_key
    np.testing.assert_array_equal(found.vectors, expected.vectors)


def test_a_model_with_ngrams_has_vectors_of_unseen_words(tmp_path: Path) -> None:
    tokens = Vocabulary.from_counts(WORDS).tokens
    known = KnownSubwords.of(tokens, SubwordSettings(**NGRAMS))
    table = random_table(known.rows.table_rows)
    model(tmp_path / "model", table, **NGRAMS)
    found = load_vectors(tmp_path)
    expected = SubwordVectors(tokens[2:], known.whole_table(table), known.settings)
    assert isinstance(found, SubwordVectors)
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    np.testing.assert_array_equal(found["filming"], expected["filming"])
    words = WordVectors.load(tmp_path)
    np.testing.assert_allclose(words.vectors, expected.vectors, rtol=1e-6)


def test_a_model_converts_to_other_formats(tmp_path: Path) -> None:
    expected = model(tmp_path / "model", random_table(6))
    done = convert_vectors(tmp_path, tmp_path / "vectors.bin")
    assert (done.source_format, done.count, done.size) == ("model", 4, 5)
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "vectors.bin").vectors, expected.vectors)


def test_rows_that_do_not_fit_the_vocabulary_are_refused(tmp_path: Path) -> None:
    model(tmp_path / "model", random_table(9), **NGRAMS)
    with pytest.raises(InputError, match=r"has 9 rows, but the vocabulary has 6 tokens, or \d+ rows with n-grams"):
        load_vectors(tmp_path / "model")


def test_a_model_without_an_embedding_is_refused(tmp_path: Path) -> None:
    model(tmp_path / "model", random_table(6))
    save_file({"encoder.bias": np.zeros(3, np.float32)}, tmp_path / "model" / "model.safetensors")
    with pytest.raises(InputError, match=r"holds no tensor 'embedding.weight'; found \['encoder.bias'\]"):
        load_vectors(tmp_path)


def test_vectors_are_not_written_as_a_model(tmp_path: Path) -> None:
    vectors = model(tmp_path / "model", random_table(6))
    with pytest.raises(InputError, match="not written in the format 'model'"):
        vectors.save(tmp_path / "other", format="model")
