from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.study.conftest import QUICK, texts

from mt2st import InputError, SingleTask, TextClassifier
from mt2st.models import embedding_init
from mt2st.models.embedding_init import EmbeddingInit, VectorCache
from mt2st.models.settings import ModelSettings
from mt2st.text import Corpus, Tokeniser

SETTINGS = ModelSettings().updated(embedding__init="skipgram", embedding__vector_size=2)


def corpus(*words: str) -> Corpus:
    return Corpus.build([" ".join(words)], tokeniser=Tokeniser(), min_count=1)


def never(_: object = None) -> EmbeddingInit:
    raise AssertionError("the vectors are there")


def test_vectors_are_trained_once_for_all_that_decides_them(tmp_path: Path) -> None:
    cache, text = VectorCache(tmp_path / "vectors"), corpus("a", "b")
    first = cache.init(SETTINGS, text, lambda _: EmbeddingInit(torch.tensor([[0.5, 1 / 3]]), known=2, seconds=1.5))
    again = cache.init(SETTINGS.updated(encoder__name="cnn", optimisation__epochs=3, auxiliaries=()), text, never)
    assert torch.equal(first.table, again.table)
    assert (again.known, again.seconds) == (2, 1.5)
    trained = []
    for settings, other in (
        (replace(SETTINGS, seed=2), text),
        (SETTINGS.updated(embedding__init="cbow"), text),
        (SETTINGS.updated(embedding__init_epochs=6), text),
        (SETTINGS.updated(embedding__init="glove"), text),
        (SETTINGS.updated(embedding__init="glove", context__glove_sample=1e-4), text),
        (SETTINGS.updated(embedding__init="cbow-fasttext"), text),
        (SETTINGS.updated(embedding__init="cbow-fasttext", context__method="cbow-fasttext"), text),
        (SETTINGS.updated(embedding__init="cbow-fasttext", context__method="cbow-fasttext", embedding__bucket=9), text),
        (SETTINGS, corpus("a", "c")),
        (SETTINGS, corpus("a", "b", "a")),
    ):
        cache.init(settings, other, lambda _: trained.append(1) or EmbeddingInit(torch.zeros(1, 2), 0))  # type: ignore[func-returns-value]
    assert len(trained) == 10
    cache.init(SETTINGS.updated(context__glove_sample=1e-4), text, never)  # which word2vec's methods do not read


def test_vectors_of_another_default_rate_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, text, settings = VectorCache(tmp_path), corpus("a", "b"), SETTINGS.updated(embedding__init="cbow")
    cache.init(settings, text, lambda _: EmbeddingInit(torch.zeros(1, 2), 0))
    cache.init(settings, text, never)
    monkeypatch.setitem(embedding_init.INIT_ALPHA, "cbow", 0.2)
    assert cache.init(settings, text, lambda _: EmbeddingInit(torch.ones(1, 2), 0)).table[0, 0] == 1


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    cache, text = VectorCache(tmp_path), corpus("a", "b")
    cache.init(SETTINGS, text, lambda _: EmbeddingInit(torch.zeros(1, 2), 0))
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(b"no tensors")
    with pytest.raises(InputError, match=f"{path.name} is broken"):
        cache.init(SETTINGS, text, never)


def test_models_that_share_vectors_are_those_that_train_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = QUICK.updated(embedding__init="skipgram", embedding__init_epochs=1, context__sample=0.0)
    data = texts(24)

    def fitted(folder: Path | None) -> TextClassifier:
        return TextClassifier.from_settings(settings, SingleTask()).fit_rows(data, vector_cache=folder)

    alone, first = fitted(None), fitted(tmp_path)
    monkeypatch.setattr(embedding_init, "train_word_vectors", never)
    second = fitted(tmp_path)
    assert alone.init_seconds_ > 0
    assert first.init_seconds_ == second.init_seconds_ > 0
    for one in (first, second):
        assert (one.word_vectors.vectors == alone.word_vectors.vectors).all()


def test_vectors_whose_run_was_killed_go_on_in_the_next_run_that_needs_them(tmp_path: Path) -> None:
    cache, text, places = VectorCache(tmp_path), corpus("a", "b"), []

    def killed(place: Path) -> EmbeddingInit:
        place.mkdir()
        places.append(place)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.init(SETTINGS, text, killed)

    def gone_on(place: Path) -> EmbeddingInit:
        assert [place] == places
        assert place.is_dir()
        return EmbeddingInit(torch.zeros(1, 2), 0)

    cache.init(SETTINGS, text, gone_on)
    assert not places[0].exists()
