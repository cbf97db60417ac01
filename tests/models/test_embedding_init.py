"""What the embedding starts with, from vectors with n-grams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mt2st.embedding import (
    SubwordSettings,
    SubwordVectors,
    WordVectors,
    load_vectors,
    train_glove,
    train_word_vectors,
)
from mt2st.errors import InputError
from mt2st.models.embedding_init import EmbeddingInit, embedding_init
from mt2st.models.settings import ModelSettings
from mt2st.text import Corpus, Tokeniser


def start_from(folder: Path) -> EmbeddingInit:
    corpus = Corpus.build(["film filming x"], tokeniser=Tokeniser(), min_count=1)
    settings = ModelSettings().updated(embedding__init=str(folder), embedding__vector_size=4)
    return embedding_init(settings, corpus, generator=torch.Generator().manual_seed(1))


def test_words_unseen_by_vectors_with_ngrams_start_from_their_ngrams(tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(size=(2 + 30, 4)).astype(np.float32)
    vectors = SubwordVectors(["film", "other"], table, SubwordSettings(min_n=4, max_n=5, bucket=30))
    vectors.save_folder(tmp_path / "v")
    start = start_from(tmp_path / "v")
    assert start.known == 2  # 'x' has no n-gram of 4 characters, and starts at random
    expected = torch.from_numpy(np.stack([vectors["film"], vectors["filming"]]))
    assert torch.equal(start.table[2:4], expected)
    assert 0 < start.table[4].abs().max() < 0.1
    assert not start.table[0].any()


def test_ngrams_alone_are_no_shared_vocabulary(tmp_path: Path) -> None:
    SubwordVectors(["autre"], np.ones((31, 4), "f4"), SubwordSettings(bucket=30)).save_folder(tmp_path / "v")
    with pytest.raises(InputError, match="v: none of its 1 words is in the vocabulary of the training text"):
        start_from(tmp_path / "v")


def test_first_vectors_of_glove_are_those_of_train_glove(tmp_path: Path) -> None:
    settings = ModelSettings().updated(
        embedding__init="glove", embedding__vector_size=8, embedding__init_epochs=2, context__glove_sample=0.1, seed=4
    )
    corpus = Corpus.build(["a a a b c d"] * 30, tokeniser=Tokeniser(), min_count=1, directory=tmp_path / "corpus")
    table = embedding_init(settings, corpus, generator=torch.Generator().manual_seed(1)).table
    for sample, same in ((0.1, True), (0.0, False)):
        expected = train_glove(
            corpus, vector_size=8, window=settings.window, x_max=settings.context.x_max, epochs=2, seed=4, sample=sample
        )
        assert np.array_equal(table[corpus.vocabulary.id_of("b")], expected["b"]) is same


@pytest.mark.parametrize(("method", "alpha"), [("skipgram", 0.025), ("cbow", 0.1), ("cbow-fasttext", 0.1)])
def test_first_vectors_are_those_of_train_word_vectors_at_the_methods_own_rate(
    method: str, alpha: float, tmp_path: Path
) -> None:
    settings = ModelSettings().updated(
        embedding__init=method,
        embedding__vector_size=8,
        embedding__init_epochs=2,
        context__sample=0.0,
        embedding__bucket=50 if "fast" in method else None,
    )
    corpus = Corpus.build(["a b c d"] * 30, tokeniser=Tokeniser(), min_count=1, directory=tmp_path / "corpus")
    expected = train_word_vectors(
        corpus, method=method, vector_size=8, window=settings.window, sample=0.0, alpha=alpha, epochs=2, seed=1,
        bucket=settings.embedding.bucket,
    )  # fmt: skip
    table = embedding_init(settings, corpus, generator=torch.Generator().manual_seed(1)).table
    for word in "abcd":
        np.testing.assert_array_equal(table[corpus.vocabulary.id_of(word)], expected[word])


def test_of_a_file_of_vectors_only_words_of_the_text_take_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"w{number}" for number in range(5000)]
    everything = WordVectors(words, np.arange(20_000, dtype=np.float32).reshape(-1, 4))
    everything.save(tmp_path / "all.vec")
    kept = load_vectors(tmp_path / "all.vec", vocabulary={"w4999", "w7", "elsewhere"})
    assert kept.index_to_key == ["w7", "w4999"]
    assert np.array_equal(kept["w4999"], everything["w4999"])
    taken = []

    def taking(*arguments: Any, **named: Any) -> WordVectors:
        taken.append(load_vectors(*arguments, **named))
        return taken[-1]

    monkeypatch.setattr("mt2st.models.embedding_init.load_vectors", taking)
    corpus = Corpus.build(["w3 w4 x"], tokeniser=Tokeniser(), min_count=1)
    settings = ModelSettings().updated(embedding__init=str(tmp_path / "all.vec"), embedding__vector_size=4)
    start = embedding_init(settings, corpus, generator=torch.Generator().manual_seed(1))
    assert start.known == 2
    assert len(taken[0]) == 2
