"""GloVe from a corpus: what comes out, that it repeats, that it can be interrupted, and what it leaves behind."""

from __future__ import annotations

import csv
import gzip
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mt2st.embedding import Footprint, TrainingInterrupted, VectorProgress, WordVectors, settings, train_glove
from mt2st.errors import InputError
from mt2st.text import Corpus as TextCorpus
from mt2st.text import Tokeniser


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
    # A common word that belongs to no topic; without one, no pair of words is rarer than another.
    ids[:, ::5] = np.where(rng.random(ids[:, ::5].shape) < 0.5, 2 + 20 * (1 - topic[:, None]), ids[:, ::5])
    counts = np.bincount(ids.ravel(), minlength=42)
    tokens = ["<pad>", "<unk>", *(f"a{i}" for i in range(20)), *(f"b{i}" for i in range(20))]
    return Corpus(ids.ravel(), np.arange(documents + 1) * length, Vocabulary(tokens, counts))


def separation(vectors: WordVectors) -> float:
    """Mean similarity within the topics less that between them, the two common words apart."""
    chosen = np.r_[1:20, 21:40]
    unit = vectors.vectors[chosen] / np.linalg.norm(vectors.vectors[chosen], axis=1, keepdims=True)
    same = np.equal.outer(chosen < 20, chosen < 20)
    cosines = unit @ unit.T
    return float(cosines[same & ~np.eye(38, dtype=bool)].mean() - cosines[~same].mean())


SETTINGS = {"vector_size": 10, "window": 5, "epochs": 40, "seed": 3}


@pytest.mark.parametrize("workers", [1, 2])
def test_words_of_one_topic_end_up_together(workers: int) -> None:
    corpus = two_topics()
    vectors = train_glove(corpus, workers=workers, **SETTINGS)  # type: ignore[arg-type]
    assert vectors.index_to_key == corpus.vocabulary.tokens[2:]
    assert vectors.vectors.shape == (40, 10)
    assert separation(vectors) > 0.3


def test_one_worker_repeats_bit_for_bit_and_follows_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "LEAST_MEMORY_MB", 0)

    def trained(seed: int, memory_mb: float = 1024) -> bytes:
        few = {**SETTINGS, "epochs": 2, "seed": seed}
        return train_glove(two_topics(100), memory_mb=memory_mb, **few).vectors.tobytes()  # type: ignore[arg-type]

    assert trained(1) == trained(1)
    assert trained(1) != trained(2)
    assert trained(1) == trained(1, memory_mb=0.02), "what fits in memory is trained the same, counted in runs or not"


def test_a_corpus_of_one_document_on_a_tiny_memory_is_trained_chunk_by_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "LEAST_MEMORY_MB", 0)
    monkeypatch.setattr("mt2st.embedding.glove.tables.BLOCK", 16)
    vectors = train_glove(two_topics(300), memory_mb=16 * 16 * 4 / 2**20, **SETTINGS)  # type: ignore[arg-type]
    assert separation(vectors) > 0.3


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_reaches_the_end_and_the_loss_falls(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt2st.embedding.glove.training.JOB_ENTRIES", 300)
    seen: list[VectorProgress] = []
    corpus = two_topics()
    train_glove(corpus, progress=seen.append, workers=workers, **SETTINGS)  # type: ignore[arg-type]
    counting = [progress for progress in seen if progress.stage == "counting"]
    training = seen[len(counting) :]
    assert counting[-1].done == counting[-1].total == corpus.ids.size
    assert math.isnan(counting[-1].loss)
    assert counting[-1].unit == "words"
    assert {progress.stage for progress in training} == {"training"}
    assert [p.done for p in training] == sorted(p.done for p in training)
    assert training[-1].done == training[-1].total
    assert training[-1].seconds_left == 0
    assert training[-1].per_second > 0
    assert training[-1].unit == "co-occurrences"
    assert training[-1].mean_loss < 0.5 * training[0].mean_loss


def test_the_loss_falls_on_real_reviews(shared_data: Path) -> None:
    with gzip.open(shared_data / "imdb5k" / "imdb5k.csv.gz", "rt", encoding="utf-8") as file:
        reviews = [row["review"] for row, _ in zip(csv.DictReader(file), range(200), strict=False)]
    corpus = TextCorpus.build(reviews, tokeniser=Tokeniser(), min_count=5)
    epochs: dict[int, float] = {}

    def note(progress: VectorProgress) -> None:
        if progress.stage == "training":
            epochs[(5 * progress.done - 1) // progress.total] = progress.mean_loss

    vectors = train_glove(corpus, vector_size=50, window=5, x_max=10, epochs=5, progress=note)
    losses = [epochs[epoch] for epoch in range(5)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.6 * losses[0]
    assert vectors.index_to_key == list(corpus.vocabulary.tokens[2:])


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_keeps_the_vectors_trained_so_far(workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt2st.embedding.glove.training.JOB_ENTRIES", 300)

    def interrupt(progress: VectorProgress) -> None:
        if progress.stage == "training" and progress.done > progress.total / 2:
            raise KeyboardInterrupt

    with pytest.raises(match="interrupted after .* co-occurrences") as caught:
        train_glove(two_topics(), workers=workers, progress=interrupt, scratch=tmp_path, **SETTINGS)  # type: ignore[arg-type]
    assert isinstance(caught.value, TrainingInterrupted)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.total / 2 < caught.value.done < caught.value.total
    assert separation(caught.value.vectors) > 0.2
    assert list(tmp_path.iterdir()) == []


def test_the_time_for_compiling_is_told_apart_and_in_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    from mt2st.embedding.glove import training

    compile_all = training._compiled
    monkeypatch.setattr(training, "_compiled", lambda *given: [time.sleep(2), compile_all(*given) + 2][1])
    seen: list[VectorProgress] = []
    seconds: list[float] = []
    train_glove(two_topics(20), vector_size=7, epochs=1, on_compiled=seconds.append, progress=seen.append)
    assert seconds[0] > 2
    assert max(each.seconds for each in seen) < 2


def test_ctrl_c_while_counting_leaves_no_file(tmp_path: Path) -> None:
    def interrupt(progress: VectorProgress) -> None:
        assert any(tmp_path.iterdir())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        train_glove(two_topics(10), progress=interrupt, scratch=tmp_path)
    assert not isinstance(caught.value, TrainingInterrupted)
    assert list(tmp_path.iterdir()) == []


def test_temporary_files_go_when_the_training_ends_or_fails(tmp_path: Path) -> None:
    corpus = two_topics(50)
    train_glove(corpus, epochs=1, scratch=tmp_path)
    corpus.ids[70] = 99
    with pytest.raises(InputError, match=r"ids\[70\] \(document 1\)"):
        train_glove(corpus, epochs=1, scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_scratch_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no temporary folder can be made there: No such file"):
        train_glove(two_topics(5), scratch=tmp_path / "nowhere")


def test_a_vocabulary_without_specials_keeps_all_its_words() -> None:
    corpus = two_topics(50)
    plain = Corpus(corpus.ids, corpus.offsets, Vocabulary([f"w{i}" for i in range(42)], corpus.vocabulary.counts))
    assert len(train_glove(plain, vector_size=4, epochs=1)) == 42


def test_the_memory_told_is_the_tables_and_the_bound() -> None:
    assert Footprint.of_glove(1000, 99, counting=5 << 20).total == 4 * 1000 * 100 * 4 + 240 * 1000 + 5 * 2**20


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"vector_size": 0}, "vector_size should be greater than or equal to 1, found 0"),
        ({"epochs": True}, "epochs should be a valid integer, found True"),
        ({"workers": 0}, "workers should be greater than or equal to 1, found 0"),
        ({"window": 0}, "window should be greater than or equal to 1, found 0"),
        ({"sample": 1}, "sample should be less than 1, found 1"),
        ({"learning_rate": 0.0}, "learning_rate should be greater than 0, found 0.0"),
        ({"memory_mb": -1}, "memory_mb should be greater than 0, found -1"),
        ({"memory_mb": math.inf}, "memory_mb should be a finite number, found inf"),
        ({"memory_mb": 0.0001}, r"memory_mb should be at least 4 \(MB\) for a window of 10: .* found 0.0001"),
        (
            {"memory_mb": 5, "window": 100_000},
            r"memory_mb should be at least 6.54 \(MB\) for a window of 100,000.* found 5",
        ),
        ({"x_max": 0}, "x_max should be greater than 0, found 0"),
        ({"alpha": -1}, "alpha should be greater than or equal to 0, found -1"),
        ({"learning_rate": 1e12}, "has diverged: .*lower the learning rate"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train_glove(two_topics(5), **setting)  # type: ignore[arg-type]


def test_words_are_thinned_out_before_they_are_counted_and_as_the_seed_says() -> None:
    corpus = two_topics()
    plain, thinned, again = (train_glove(corpus, **SETTINGS, sample=sample) for sample in (0.0, 0.01, 0.01))  # type: ignore[arg-type]
    assert (again.vectors == thinned.vectors).all()
    assert not np.allclose(plain.vectors, thinned.vectors, atol=0.01)
    assert separation(thinned) > 0.5


def test_a_corpus_without_pairs_is_refused() -> None:
    corpus = two_topics(5)
    empty = Corpus(corpus.ids[:0], np.array([0, 0]), corpus.vocabulary)
    single = Corpus(corpus.ids, np.arange(corpus.ids.size + 1), corpus.vocabulary)
    for nothing in (empty, single):
        with pytest.raises(InputError, match="no two words of the vocabulary stand in one document"):
            train_glove(nothing)
    only_unknown = Corpus(
        np.ones(10, dtype=np.int32), np.array([0, 10]), Vocabulary(["<pad>", "<unk>"], np.array([0, 10]))
    )
    with pytest.raises(InputError, match="no words of the vocabulary to train on: was min_count too high"):
        train_glove(only_unknown)


def test_importing_it_loads_no_numba() -> None:
    code = "import sys; from mt2st.embedding import train_glove; assert not {'numba', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
