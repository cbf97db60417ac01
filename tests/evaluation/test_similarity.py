"""Similarity tests: gensim's numbers, and correlations that have no value."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt2st import WordVectors, train_word_vectors
from mt2st.evaluation import SimilaritySet, evaluate_similarity, read_similarity
from mt2st.evaluation.similarity import pearson
from mt2st.text import Corpus, Tokeniser, iterate_texts

SETTINGS: list[dict[str, Any]] = [
    {},
    {"case_insensitive": False},
    {"dummy4unknown": True},
    {"restrict_vocab": 50},
]


def some_vectors(sets: list[SimilaritySet]) -> WordVectors:
    """Random vectors of nine tenths of the words, in several spellings."""
    rng = np.random.default_rng(2)
    words = list(dict.fromkeys(word for each in sets for a, b, _ in each.pairs for word in (a, b)))
    lost = {word.upper() for word in words if rng.random() < 0.1}
    words = [word for word in words if word.upper() not in lost]
    words = list(
        dict.fromkeys([*words, *(word.title() for word in words[::2]), *(word.upper() for word in words[::3])])
    )
    rng.shuffle(words)
    return WordVectors(words, rng.normal(size=(len(words), 15)))


def check_agreement(vectors: WordVectors, path: Path, settings: dict[str, Any]) -> None:
    keyed_vectors = pytest.importorskip("gensim.models.keyedvectors")
    theirs = keyed_vectors.KeyedVectors(vectors.vector_size)
    theirs.add_vectors(vectors.index_to_key, vectors.vectors)
    pearson_, spearman, unknown = theirs.evaluate_word_pairs(str(path), **settings)
    (ours,) = evaluate_similarity(vectors, [read_similarity(path)], **settings)
    assert ours.pearson == pytest.approx(pearson_[0], abs=1e-12)
    assert ours.spearman == pytest.approx(spearman[0], abs=1e-12)
    assert 100 * (1 - ours.seen / ours.total) == pytest.approx(unknown)
    assert ours.seen < ours.total


@pytest.mark.parametrize("settings", SETTINGS)
def test_gensim_gives_the_same_correlations(tmp_path: Path, settings: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "pairs.txt"
    pairs = zip(*rng.integers(0, 40, size=(2, 300)), rng.uniform(0, 9, size=300), strict=True)
    rows = [f"Word{a}\tword{b}\t{score:.1f}\n" for a, b, score in pairs]
    path.write_text("".join([*rows, *(f"word{a}\tword{a}\t{a}\n" for a in range(40))]), encoding="utf-8")
    check_agreement(some_vectors([read_similarity(path)]), path, settings)


@pytest.mark.parametrize("settings", SETTINGS[:3])
@pytest.mark.parametrize("name", ["EN-WS-353-ALL", "EN-MC-30", "EN-VERB-143", "EN-MTurk-287", "EN-RW-STANFORD"])
def test_gensim_agrees_on_human_judgements(shared_data: Path, name: str, settings: dict[str, Any]) -> None:
    path = shared_data / "similarity" / f"{name}.txt"
    check_agreement(some_vectors([read_similarity(path)]), path, settings)


@pytest.fixture(scope="module")
def trained(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> WordVectors:
    """Vectors as they come from a training that has just begun: they share a direction, and many cosines nearly tie."""
    texts = iterate_texts(str(shared_data / "imdb5k" / "imdb5k.csv.gz"), text="review")
    folder = tmp_path_factory.mktemp("corpus") / "corpus"
    corpus = Corpus.build(islice(texts, 1_000), tokeniser=Tokeniser(), min_count=5, directory=folder)
    return train_word_vectors(corpus, vector_size=30, epochs=1)


@pytest.mark.parametrize("settings", SETTINGS[:3])
@pytest.mark.parametrize("name", ["EN-SimVerb-3500", "EN-MEN-TR-3k", "EN-WS-353-ALL", "EN-SIMLEX-999"])
def test_gensim_agrees_on_trained_vectors(
    trained: WordVectors, shared_data: Path, name: str, settings: dict[str, Any]
) -> None:
    check_agreement(trained, shared_data / "similarity" / f"{name}.txt", settings)


def test_gensim_agrees_where_cosines_tie_by_rounding(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(200)]
    vectors = WordVectors(words, 1 + rng.normal(size=(200, 30)) / 300)
    pairs = zip(*rng.integers(0, 201, size=(2, 2_000)), rng.uniform(0, 9, size=2_000), strict=True)  # no w200
    path = tmp_path / "pairs.txt"
    path.write_text("".join(f"w{a}\tw{b}\t{score:.3f}\n" for a, b, score in pairs), encoding="utf-8")
    check_agreement(vectors, path, {})


def test_each_set_has_its_own_result() -> None:
    vectors = WordVectors(["a", "b", "c"], np.array([[1.0, 0], [1, 1], [0, 1]]))
    rising = SimilaritySet("rising", (("a", "a", 3.0), ("a", "b", 2.0), ("a", "c", 1.0)))
    falling = SimilaritySet("falling", (("a", "a", 1.0), ("a", "b", 2.0), ("a", "c", 40.0), ("a", "x", 1.0)))
    first, second = evaluate_similarity(vectors, [rising, falling])
    assert (first.name, first.spearman, first.seen, first.total) == ("rising", 1, 3, 3)
    assert (second.name, second.spearman, second.seen, second.total) == ("falling", -1, 3, 4)


def test_no_correlation_where_it_has_no_value() -> None:
    vectors = WordVectors(["a", "b", "zero"], np.array([[1.0, 0], [1, 1], [0, 0]]))
    for pairs in (
        (("x", "y", 1.0), ("a", "y", 2.0)),  # no pair seen
        (("a", "b", 1.0), ("a", "y", 2.0)),  # one
        (("a", "b", 1.0), ("b", "a", 2.0)),  # the same cosine
        (("a", "b", 1.0), ("a", "a", 1.0)),  # the same score
        (("a", "zero", 1.0), ("b", "zero", 2.0)),  # zero vectors
    ):
        (result,) = evaluate_similarity(vectors, [SimilaritySet("x", pairs)])
        assert result.pearson is None
        assert result.spearman is None


def test_scores_of_any_size_correlate() -> None:
    values = np.array([1.0, 2.0, 4.0])
    expected = np.corrcoef(values, [1, 0, 3])[0, 1]
    assert pearson(values, np.array([1.0, 0, 3])) == pytest.approx(expected)
    assert pearson(values * 4e307, np.array([1e-300, 0, 3e-300])) == pytest.approx(expected)
