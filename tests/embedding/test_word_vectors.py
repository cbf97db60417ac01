"""Look-ups and neighbours: gensim's numbers, and errors that name the word."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mt2st.embedding import UnknownWordError, WordVectors
from mt2st.errors import InputError


def some_vectors(words: int = 500, size: int = 20) -> tuple[list[str], NDArray[np.float32]]:
    rng = np.random.default_rng(3)
    return [f"word{i}" for i in range(words)], rng.normal(size=(words, size)).astype(np.float32)


@pytest.fixture
def vectors() -> WordVectors:
    return WordVectors(*some_vectors())


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        (["word1"], []),
        (["word1", "word2"], ["word3"]),
        (["word1", "word1"], []),
        (["word5", "word6", "word7"], ["word8", "word9"]),
    ],
)
@pytest.mark.parametrize("topn", [1, 10, 10_000])
def test_most_similar_gives_the_words_and_numbers_of_gensim(
    vectors: WordVectors, positive: list[str], negative: list[str], topn: int
) -> None:
    keyed_vectors = pytest.importorskip("gensim.models.keyedvectors")
    theirs = keyed_vectors.KeyedVectors(vectors.vector_size)
    theirs.add_vectors(vectors.index_to_key, vectors.vectors)
    expected = theirs.most_similar(positive=positive, negative=negative, topn=topn)
    found = vectors.most_similar(positive, negative, topn=topn)
    assert [word for word, _ in found] == [word for word, _ in expected]
    np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], rtol=0, atol=1e-6)


def test_similarity_and_vector_queries_agree_with_gensim(vectors: WordVectors) -> None:
    keyed_vectors = pytest.importorskip("gensim.models.keyedvectors")
    theirs = keyed_vectors.KeyedVectors(vectors.vector_size)
    theirs.add_vectors(vectors.index_to_key, vectors.vectors)
    assert vectors.similarity("word1", "word2") == pytest.approx(theirs.similarity("word1", "word2"), abs=1e-6)
    query = np.linspace(-1, 2, vectors.vector_size).astype(np.float32)
    expected = theirs.similar_by_vector(query, topn=5)
    found = vectors.most_similar(query, topn=5)
    assert [word for word, _ in found] == [word for word, _ in expected]
    np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], rtol=0, atol=1e-6)


def test_a_vector_in_place_of_a_word_counts_as_it_is(vectors: WordVectors) -> None:
    by_vector = vectors.most_similar([vectors["word1"] / np.linalg.norm(vectors["word1"]), "word2"], topn=3)
    by_word = vectors.most_similar(["word1", "word2"], topn=3)
    assert by_vector[0][0] == "word1"  # a vector's word is not known, so not left out
    assert [word for word, _ in by_vector if word != "word1"] == [word for word, _ in by_word][:2]


def test_many_queries_at_once_give_what_each_alone_gives(vectors: WordVectors) -> None:
    queries = vectors.vectors[:10] + 0.1
    together = vectors.similar_by_vectors(queries, topn=4)
    for hits, query in zip(together, queries, strict=True):
        alone = vectors.most_similar(query, topn=4)
        assert [word for word, _ in hits] == [word for word, _ in alone]
        np.testing.assert_allclose([s for _, s in hits], [s for _, s in alone], atol=1e-6)


def test_many_words_at_once_have_the_neighbours_of_each_alone(vectors: WordVectors) -> None:
    words = ["word7", "word0", "word7", "word499"]
    for word, hits in zip(words, vectors.similar_by_words(words, topn=6), strict=True):
        alone = vectors.most_similar(word, topn=6)
        assert [near for near, _ in hits] == [near for near, _ in alone]
        np.testing.assert_allclose([s for _, s in hits], [s for _, s in alone], atol=1e-6)
    assert vectors.similar_by_words([]) == []
    with pytest.raises(UnknownWordError, match="'word500'"):
        vectors.similar_by_words(["word1", "word500"])


def test_look_ups(vectors: WordVectors) -> None:
    assert len(vectors) == 500
    assert "word3" in vectors
    assert "other" not in vectors
    assert vectors.key_to_index["word3"] == 3
    np.testing.assert_array_equal(vectors["word3"], vectors.vectors[3])
    np.testing.assert_array_equal(vectors[["word3", "word1"]], vectors.vectors[[3, 1]])
    assert vectors[[]].shape == (0, 20)


def test_an_unknown_word_is_named_with_the_nearest_spelling(vectors: WordVectors) -> None:
    with pytest.raises(UnknownWordError, match=r"^'wrod12' is not among the 500 words. Did you mean 'word12'\?$"):
        vectors["wrod12"]
    with pytest.raises(KeyError):  # what the look-up of a mapping raises
        vectors.most_similar("zzz")
    with pytest.raises(InputError):
        vectors.similarity("word1", "zzz")


def test_zero_vectors_have_similarity_0_and_are_found_last() -> None:
    vectors = WordVectors(["a", "zero", "b"], np.array([[1.0, 0.0], [0.0, 0.0], [0.5, 0.1]]))
    assert vectors.similarity("a", "zero") == 0
    assert vectors.most_similar("a") == [("b", pytest.approx(0.98058, abs=1e-5)), ("zero", 0.0)]


def test_norms_follow_a_change_once_told() -> None:
    vectors = WordVectors(["a", "b"], np.eye(2, dtype=np.float32))
    assert vectors.norms.tolist() == [1, 1]
    vectors.vectors[0] *= 3
    del vectors.norms
    assert vectors.norms.tolist() == [3, 1]


@pytest.mark.parametrize(
    ("words", "values", "message"),
    [
        (["a", "b", "a"], np.eye(3), "found 'a' at 0 and again"),
        (["a"], np.eye(2), r"\[1, vector_size\]; found float64 \[2, 2\]"),
        (["a"], np.ones(1), "one row per word"),
        (["a"], np.ones((1, 2), dtype=int), "must be floats"),
        (["a", "b"], np.array([[1.0, 2.0], [np.nan, 1.0]]), "NaN or infinity in that of 'b'"),
        (["a", "b"], np.array([[np.inf, -np.inf], [1.0, 1.0]]), "NaN or infinity in that of 'a'"),
    ],
)
def test_words_and_vectors_that_do_not_fit_are_refused(words: list[str], values: NDArray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        WordVectors(words, values)


def test_queries_that_make_no_sense_are_refused(vectors: WordVectors) -> None:
    with pytest.raises(InputError, match="both are empty"):
        vectors.most_similar([])
    with pytest.raises(InputError, match="topn must be at least 1; found 0"):
        vectors.most_similar("word1", topn=0)
    with pytest.raises(InputError, match=r"must have 20 values; found shape \[3\]"):
        vectors.most_similar(np.ones(3, dtype=np.float32))
    with pytest.raises(InputError, match=r"must be \[n, 20\]"):
        vectors.similar_by_vectors(np.ones((2, 3), dtype=np.float32))
    for wrong in (np.nan, np.inf):
        query = np.full(20, wrong, dtype=np.float32)
        with pytest.raises(InputError, match="a vector must be finite"):
            vectors.most_similar(query)
        with pytest.raises(InputError, match="vectors must be finite; found NaN or infinity in row 1"):
            vectors.similar_by_vectors(np.stack([np.ones_like(query), query]))
