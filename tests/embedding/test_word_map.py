"""A map of words in two dimensions."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from mt2st.embedding import WordVectors
from mt2st.embedding.word_vectors import UnknownWordError
from mt2st.errors import InputError, MissingExtraError

pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture
def vectors() -> WordVectors:
    """Two clusters of twenty words each, along the first and the second dimension; one of them of longer vectors."""
    around = np.random.default_rng(1).normal(0, 0.1, (40, 8))
    around[:20, 0] += 1
    around[20:, 1] += 1
    around[20:] *= 7
    return WordVectors([f"{'ab'[number // 20]}{number % 20}" for number in range(40)], around)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_words_of_like_directions_are_near_to_each_other(vectors: WordVectors, method: str) -> None:
    axes = vectors.plot(method=method)  # type: ignore[arg-type]
    assert [text.get_text() for text in axes.texts] == vectors.index_to_key
    places = np.asarray(axes.collections[0].get_offsets())
    one, other = places[:20], places[20:]
    spread = max(np.ptp(one, axis=0).max(), np.ptp(other, axis=0).max())
    assert np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)) > 0.7 * spread
    again = vectors.plot(method=method)  # type: ignore[arg-type]
    assert np.array_equal(np.asarray(again.collections[0].get_offsets()), places)
    pyplot.close("all")


def test_the_length_of_a_vector_does_not_matter() -> None:
    vectors = WordVectors(["a", "twice a", "b", "c"], np.array([[1.0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 1]]))
    places = np.asarray(vectors.plot().collections[0].get_offsets())
    assert np.allclose(places[0], places[1])
    assert not np.allclose(places[0], places[2])
    pyplot.close("all")


def test_words_and_axes_can_be_given(vectors: WordVectors) -> None:
    figure, axes = pyplot.subplots()
    assert vectors.plot(["a1", "b1", "b2"], axes=axes) is axes
    assert [text.get_text() for text in axes.texts] == ["a1", "b1", "b2"]
    pyplot.close(figure)


def test_what_cannot_be_drawn_is_named(vectors: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="needs 3 words at least; found 2"):
        vectors.plot(["a1", "b1"])
    with pytest.raises(UnknownWordError, match="c1"):
        vectors.plot(["a1", "b1", "c1"])
    with pytest.raises(InputError, match="must be 'pca' or 'tsne'; found 'umap'"):
        vectors.plot(method="umap")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"mt2st\[report\]"):
        vectors.plot()
