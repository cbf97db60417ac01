"""A training of word vectors that is killed goes on as if it had not been."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt2st import _checkpoint
from mt2st.embedding import VectorCheckpoints, VectorProgress, WordVectors, train_glove, train_word_vectors
from mt2st.embedding import training as text_training
from mt2st.embedding.glove import training as glove_training
from mt2st.errors import InputError, NotKeptWarning
from mt2st.text import Corpus, Tokeniser

METHODS = ["skipgram", "cbow", "skipgram-fasttext", "glove"]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(1)
    texts = [" ".join(f"w{each}" for each in rng.integers(0, 60, 40)) for _ in range(100)]
    return Corpus.build(texts, tokeniser=Tokeniser(), min_count=1)


def train(corpus: Corpus, method: str, **more: Any) -> WordVectors:
    settings = {"vector_size": 8, "epochs": 3, **more}
    if method == "glove":
        return train_glove(corpus, window=3, **settings)
    return train_word_vectors(corpus, method=method, **({"bucket": 500} if "fasttext" in method else {}), **settings)


@pytest.fixture(autouse=True)
def small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_training, "chunk_words", lambda _: 500)
    monkeypatch.setattr(glove_training, "JOB_ENTRIES", 300)


def equal(first: WordVectors, second: WordVectors) -> bool:
    return np.array_equal(getattr(first, "table", first.vectors), getattr(second, "table", second.vectors))


def in_a_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
    finally:
        os._exit(0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", [1, 4, 9, 20])
def test_what_is_killed_goes_on_to_the_same_vectors(method: str, at: int, corpus: Corpus, tmp_path: Path) -> None:
    whole = train(corpus, method)
    calls = 0

    def killed(progress: VectorProgress) -> None:
        nonlocal calls
        calls += progress.stage == "training"
        if calls == at:
            os._exit(9)

    def checkpoints(resume: bool) -> VectorCheckpoints:
        return VectorCheckpoints(tmp_path / "at", seconds=0.0, resume=resume)

    assert in_a_child(lambda: train(corpus, method, checkpoints=checkpoints(False), progress=killed)) == 9
    reached: list[int] = []
    resumed = train(
        corpus,
        method,
        checkpoints=checkpoints(True),
        progress=lambda progress: reached.append(progress.done) if progress.stage == "training" else None,
    )
    assert equal(resumed, whole)
    assert at == 1 or reached[0] > 500, "it does not begin again"
    assert reached == sorted(reached)


def test_several_threads_save_while_none_of_them_trains(corpus: Corpus, tmp_path: Path) -> None:
    done: list[int] = []
    train(
        corpus,
        "skipgram",
        workers=3,
        checkpoints=VectorCheckpoints(tmp_path / "at", seconds=0.0),
        progress=lambda progress: done.append(progress.done),
    )
    assert done[-1] == 3 * 4000
    resumed = train(corpus, "skipgram", workers=2, checkpoints=VectorCheckpoints(tmp_path / "at", resume=True))
    assert np.isfinite(resumed.vectors).all()


def test_epochs_end_with_a_checkpoint(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_checkpoint, "CHECKPOINT_SHARE", 1e9)
    for method, per_epoch in (("skipgram", 4000), ("glove", None)):
        saved: list[dict[str, Any]] = []
        checkpoints = VectorCheckpoints(tmp_path / method)
        monkeypatch.setattr(checkpoints, "save", saved.append)
        train(corpus, method, checkpoints=checkpoints)
        assert len(saved) == 3
        assert per_epoch is None or [each["done"]["words"] for each in saved] == [4000, 8000, 12000]


@pytest.mark.parametrize(("change", "named"), [({"alpha": 0.01}, "settings.alpha"), ({"seed": 2}, "settings.seed")])
def test_a_checkpoint_of_another_training_is_refused(
    change: dict[str, Any], named: str, corpus: Corpus, tmp_path: Path
) -> None:
    train(corpus, "cbow", checkpoints=VectorCheckpoints(tmp_path / "at", seconds=0.0))
    with pytest.raises(InputError, match=f"is of another run: {named} was"):
        train(corpus, "cbow", **change, checkpoints=VectorCheckpoints(tmp_path / "at", resume=True))
    other = Corpus.build(["w1 w2 w3 w4 w5"] * 20, tokeniser=Tokeniser(), min_count=1)
    with pytest.raises(InputError, match="the data have changed"):
        train(other, "cbow", checkpoints=VectorCheckpoints(tmp_path / "at", resume=True))
    table = tmp_path / "at" / "outputs.bin"
    table.write_bytes(table.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="the checkpoint is broken: .*outputs.bin"):
        train(corpus, "cbow", checkpoints=VectorCheckpoints(tmp_path / "at", resume=True))


def test_other_given_vectors_are_another_training(corpus: Corpus, tmp_path: Path) -> None:
    given = WordVectors(["w1", "w2"], np.ones((2, 8), np.float32))
    train(corpus, "cbow", init_vectors=given, checkpoints=VectorCheckpoints(tmp_path / "at", seconds=0.0))
    other = WordVectors(["w1", "w2"], np.full((2, 8), 0.5, np.float32))
    with pytest.raises(InputError, match="is of another run: start.inputs was"):
        train(corpus, "cbow", init_vectors=other, checkpoints=VectorCheckpoints(tmp_path / "at", resume=True))


def test_a_full_disk_ends_no_training(corpus: Corpus, small_disk: Path) -> None:
    whole = train(corpus, "skipgram", vector_size=500)
    with pytest.warns(NotKeptWarning, match="No space left on device"):
        train(corpus, "skipgram", vector_size=500, checkpoints=filling(small_disk))
    assert not list(small_disk.glob(".mt2st*"))
    resumed = train(corpus, "skipgram", vector_size=500, checkpoints=VectorCheckpoints(small_disk / "at", resume=True))
    assert equal(resumed, whole)


def filling(disk: Path) -> VectorCheckpoints:
    """Checkpoints of which the third finds the disk full."""

    class Filling(VectorCheckpoints):
        number = 0

        def save(self, position: Any) -> None:
            self.number += 1
            (disk / "full").unlink(missing_ok=True)
            if self.number == 3:
                with (disk / "full").open("wb") as file:
                    file.truncate(0)
                    file.write(b"x" * 1_650_000)
            super().save(position)

    return Filling(disk / "at", seconds=0.0)
