"""Training: what comes out, that it repeats, that it can be interrupted, and what it refuses."""

from __future__ import annotations

import inspect
import subprocess
import sys
import time
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mt2st.embedding import (
    GloveSettings,
    SubwordSettings,
    SubwordVectors,
    TrainingInterrupted,
    VectorProgress,
    WordVectors,
    WordVectorSettings,
    train_glove,
    train_word_vectors,
)
from mt2st.embedding.training import chunks, initial_tables
from mt2st.errors import InputError


@dataclass
class Vocabulary:
    tokens: list[str]
    counts: NDArray[np.int64]


@dataclass
class Corpus:
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    vocabulary: Vocabulary


def two_topics(documents: int = 600, length: int = 40) -> Corpus:
    """Documents about either of two topics of 20 words each; a tenth of the words is unknown."""
    rng = np.random.default_rng(0)
    topic = rng.integers(0, 2, documents)
    ids = (2 + 20 * topic[:, None] + rng.integers(0, 20, (documents, length))).astype(np.int32)
    ids[rng.random(ids.shape) < 0.1] = 1
    counts = np.bincount(ids.ravel(), minlength=42)
    tokens = ["<pad>", "<unk>", *(f"a{i}" for i in range(20)), *(f"b{i}" for i in range(20))]
    return Corpus(ids.ravel(), np.arange(documents + 1) * length, Vocabulary(tokens, counts))


def separation(vectors: WordVectors) -> float:
    """Mean similarity within the topics less that between them."""
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    same = np.equal.outer(np.arange(40) < 20, np.arange(40) < 20) & ~np.eye(40, dtype=bool)
    different = np.not_equal.outer(np.arange(40) < 20, np.arange(40) < 20)
    return float(cosines[same].mean() - cosines[different].mean())


SETTINGS = {"vector_size": 20, "sample": 0, "epochs": 5, "seed": 3, "alpha": 0.05}


METHODS = ["skipgram", "cbow", "skipgram-fasttext", "cbow-fasttext"]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("method", METHODS)
def test_words_of_one_topic_end_up_together(method: str, workers: int) -> None:
    corpus = two_topics()
    vectors = train_word_vectors(corpus, method=method, workers=workers, **SETTINGS)  # type: ignore[arg-type]
    assert vectors.index_to_key == corpus.vocabulary.tokens[2:]
    assert vectors.vectors.shape == (40, 20)
    assert separation(vectors) > 0.5


@pytest.mark.parametrize("method", METHODS)
def test_one_worker_repeats_bit_for_bit_and_follows_the_seed(method: str) -> None:
    def trained(seed: int) -> bytes:
        return train_word_vectors(two_topics(100), method=method, vector_size=10, epochs=2, seed=seed).vectors.tobytes()

    assert trained(1) == trained(1)
    assert trained(1) != trained(2)


@pytest.mark.parametrize("method", ["skipgram-fasttext", "cbow-fasttext"])
def test_words_made_of_ngrams_have_vectors_for_their_like(method: str) -> None:
    corpus = two_topics()
    corpus.vocabulary.tokens[2:] = [f"{topic}-{i}" for topic in ("filming", "cooking") for i in range(20)]
    vectors = train_word_vectors(corpus, method=method, min_n=4, max_n=5, bucket=500, **SETTINGS)  # type: ignore[arg-type]
    assert isinstance(vectors, SubwordVectors)
    assert vectors.settings == SubwordSettings(4, 5, 500)
    assert vectors.similarity("filmed", "filming-3") > vectors.similarity("filmed", "cooking-3") + 0.3


def test_progress_reaches_the_end_and_the_loss_falls() -> None:
    seen: list[VectorProgress] = []
    corpus = two_topics(3000)
    train_word_vectors(corpus, **SETTINGS, progress=seen.append)  # type: ignore[arg-type]
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].done == seen[-1].total == 5 * corpus.ids.size
    assert seen[-1].seconds_left == 0
    assert seen[-1].per_second > 0
    assert seen[-1].loss < seen[-1].mean_loss < seen[0].loss


def test_the_rate_falls_linearly_over_all_epochs_and_every_chunk_has_random_numbers_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mt2st.embedding.kernels import SkipGramKernel

    calls: list[tuple[tuple[float, float], int]] = []
    update = SkipGramKernel.update

    def spy(self: SkipGramKernel, *tables: NDArray, alpha: tuple[float, float], stream: int) -> object:
        calls.append((alpha, stream))
        return update(self, *tables, alpha=alpha, stream=stream)

    monkeypatch.setattr(SkipGramKernel, "update", spy)
    train_word_vectors(two_topics(2500), vector_size=4, epochs=3, alpha=0.025, min_alpha=0.001)
    del calls[0]  # compiles, on no words
    rates = [rate for alpha, _ in calls for rate in alpha]
    assert (rates[0], rates[-1]) == (0.025, pytest.approx(0.001))
    assert rates[1:-1:2] == rates[2::2]  # each chunk goes on where the last one ended
    per_epoch = len(calls) // 3  # equal chunks
    assert per_epoch > 1
    assert rates[2 * per_epoch] == pytest.approx(0.025 - 0.024 / 3)
    assert len({stream for _, stream in calls}) == len(calls)


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_keeps_the_vectors_trained_so_far(workers: int) -> None:
    def interrupt(progress: VectorProgress) -> None:
        if progress.done > progress.total / 2:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted, match="interrupted after .* words") as caught:
        train_word_vectors(two_topics(3000), **SETTINGS, workers=workers, progress=interrupt)  # type: ignore[arg-type]
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.total / 2 < caught.value.done < caught.value.total
    assert separation(caught.value.vectors) > 0.2


def test_the_time_for_compiling_is_told_apart_and_in_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    from mt2st.embedding.kernels import ContextKernel

    compiled: list[int] = []

    def slowly(self: ContextKernel, vector_size: int) -> None:
        compiled.append(vector_size)
        time.sleep(2)

    monkeypatch.setattr(ContextKernel, "compile", slowly)
    seen: list[VectorProgress] = []
    seconds: list[float] = []
    train_word_vectors(two_topics(20), vector_size=7, epochs=1, on_compiled=seconds.append, progress=seen.append)
    assert compiled == [7]
    assert seconds[0] >= 2
    assert seen[-1].seconds < 2


@pytest.mark.parametrize("alpha", [0.025, 0.5])
def test_large_steps_that_still_learn_are_no_divergence(alpha: float) -> None:
    for method in ("skipgram", "cbow", "skipgram-fasttext", "cbow-fasttext"):
        train_word_vectors(two_topics(), method=method, vector_size=10, epochs=1, sample=0, alpha=alpha)


def test_other_errors_of_a_worker_come_through() -> None:
    corpus = two_topics(3000)
    corpus.ids[60_000] = 99
    for workers in (1, 2):
        with pytest.raises(InputError, match=r"ids\[60000\]"):
            train_word_vectors(corpus, workers=workers, **SETTINGS)  # type: ignore[arg-type]


def test_a_vocabulary_without_specials_keeps_all_its_words() -> None:
    corpus = two_topics(50)
    plain = Corpus(corpus.ids, corpus.offsets, Vocabulary([f"w{i}" for i in range(42)], corpus.vocabulary.counts))
    assert len(train_word_vectors(plain, vector_size=4, epochs=1)) == 42


def test_start_is_that_of_gensim() -> None:
    inputs, outputs = initial_tables(1000, 600, 50, seed=7)
    assert np.abs(inputs).max() == pytest.approx(1 / 50, rel=1e-3)
    assert inputs.mean() == pytest.approx(0, abs=3e-4)
    assert not outputs.any()
    assert outputs.shape == (600, 50)


def test_chunks_cover_every_epoch_in_order_and_cut_only_long_documents() -> None:
    offsets = np.array([10, 13, 13, 15, 40, 41, 47])
    found = list(chunks(offsets, epochs=2, chunk_words=6))
    assert [chunk.number for chunk in found] == list(range(len(found)))
    assert all(chunk.words <= 6 for chunk in found)
    one_epoch = np.concatenate([np.arange(chunk.offsets[0], chunk.offsets[-1]) for chunk in found[: len(found) // 2]])
    np.testing.assert_array_equal(one_epoch, np.arange(10, 47))
    before = 0
    for chunk in found:
        assert chunk.words_before == before
        before += chunk.words
    bounds = {int(b) for chunk in found for b in chunk.offsets}
    assert set(offsets.tolist()) <= bounds  # documents stay apart
    assert bounds - set(offsets.tolist()) <= set(range(16, 40))  # cuts lie in the one document longer than a chunk


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"vector_size": 0}, "vector_size should be greater than or equal to 1, found 0"),
        ({"epochs": 0}, "epochs should be greater than or equal to 1, found 0"),
        ({"epochs": True}, "epochs should be a valid integer, found True"),
        ({"workers": -1}, "workers should be greater than or equal to 1, found -1"),
        ({"alpha": float("nan")}, "alpha should be .* found nan"),
        ({"alpha": 0.0}, "alpha should be greater than 0, found 0"),
        ({"min_alpha": 0.5}, "min_alpha should be at most alpha = 0.025, found 0.5"),
        ({"min_alpha": -0.1}, "min_alpha should be greater than or equal to 0, found -0.1"),
        ({"window": 0}, "window should be greater than or equal to 1, found 0"),
        ({"negative": 0}, "negative should be greater than or equal to 1, found 0"),
        ({"sample": -1.0}, "sample should be greater than or equal to 0, found -1"),
        ({"min_n": 0}, "min_n should be greater than or equal to 1, found 0"),
        ({"max_n": 2}, "max_n should be at least min_n = 3, found 2"),
        ({"method": "cbw"}, "method should be .*found 'cbw'.*Did you mean 'cbow'"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train_word_vectors(two_topics(5), **setting)  # type: ignore[arg-type]


def test_settings_may_be_numbers_of_numpy() -> None:
    plain = {"vector_size": 4, "window": 3, "epochs": 1, "workers": 1, "seed": 5, "alpha": 0.5, "sample": 0.0}
    of_numpy = {
        name: np.float32(value) if isinstance(value, float) else np.int64(value) for name, value in plain.items()
    }
    expected, found = (train_word_vectors(two_topics(5), **settings) for settings in (plain, of_numpy))  # type: ignore[arg-type]
    assert found.vectors.tobytes() == expected.vectors.tobytes()


def test_a_corpus_without_words_is_refused() -> None:
    corpus = two_topics(5)
    empty = Corpus(corpus.ids[:0], np.array([0, 0]), corpus.vocabulary)
    only_unknown = Corpus(
        np.ones(10, dtype=np.int32), np.array([0, 10]), Vocabulary(["<pad>", "<unk>"], np.array([0, 10]))
    )
    for nothing in (empty, only_unknown):
        with pytest.raises(InputError, match="no words of the vocabulary"):
            train_word_vectors(nothing)


def test_importing_the_package_loads_neither_numba_nor_torch() -> None:
    code = (
        "import sys, mt2st.embedding; assert not {'numba', 'torch'} & set(sys.modules); "
        "import mt2st.embedding.kernels; assert 'numba' in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("train", "settings"), [(train_word_vectors, WordVectorSettings), (train_glove, GloveSettings)]
)
def test_settings_are_in_the_signature_and_other_names_are_refused(train: Any, settings: Any) -> None:
    shown = inspect.signature(train).parameters
    assert {each.name: each.default for each in fields(settings)}.items() <= {
        name: each.default for name, each in shown.items()
    }.items()
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'windw'\. Did you mean 'window'\?"):
        train(None, windw=3)
